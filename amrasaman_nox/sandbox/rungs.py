"""The rungs of isolation: one row for each, the strongest first.

To add one, write the function that turns a :class:`Command` into a :class:`Launch`, and its row.
Which one a run gets, what messages say of it and what options offer follow from this table. The
probe of a rung is its own launch of a small command.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.sandbox.bubblewrap import full
from amrasaman_nox.sandbox.limited import none
from amrasaman_nox.sandbox.namespaces import namespaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.sandbox.view import Command, Launch


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One rung.

    ``provides`` says in a few words what a build on it can reach. ``launch`` makes the command
    line; its second argument is whether system calls are filtered. ``must_filter`` rungs are not
    available where they cannot be. ``remedy`` is what to do where the rung is not available.
    ``warning`` is what a user must know before using it, or ``""``.
    """

    name: str
    provides: str
    launch: Callable[[Command, bool], Launch]
    remedy: str
    must_filter: bool = False
    warning: str = ""


#: All rungs by name, the strongest first.
RUNGS: Final[dict[str, Rung]] = {
    rung.name: rung
    for rung in (
        Rung(
            name="full",
            provides="bubblewrap: a root, processes and network of its own, filtered system calls",
            launch=full,
            must_filter=True,
            remedy="install bubblewrap 0.8 or newer (Debian, Fedora: package bubblewrap), and "
            "allow user namespaces; or allow less isolation",
        ),
        Rung(
            name="namespaces",
            provides="util-linux: the same, with system calls filtered where that is possible",
            launch=namespaces,
            remedy="install util-linux 2.36 or newer (package util-linux), and allow user "
            "namespaces; or allow less isolation",
        ),
        Rung(
            name="none",
            provides="the normalised environment alone",
            launch=none,
            remedy="install coreutils",
            warning="builds run without isolation: they can read and change your files, reach the "
            "network and see other processes; install bubblewrap (Debian, Fedora: package "
            "bubblewrap)",
        ),
    )
}
