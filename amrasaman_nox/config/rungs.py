"""The rungs of isolation, in one table: a rung is one function and one row here.

Which one a run gets, what messages say of it and what options offer follow from the row. The
function is named here and imported when it is called, so that ``--help`` stays fast. The probe of a
rung is its own launch of a small command.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Rung(NamedTuple):
    """A rung.

    ``provides`` says in a few words what a build on it can reach. ``launch`` names the function
    that makes the command line, as ``MODULE:NAME``; it takes a
    :class:`amrasaman_nox.sandbox.view.ProcessSpec` and whether system calls are filtered, and
    returns a :class:`amrasaman_nox.sandbox.view.Launch`. ``must_filter`` rungs are not available
    where they cannot be. On ``constant_paths`` rungs a build sees its folders at the same paths
    everywhere, and is an unprivileged user; on others it sees the paths of the machine. ``remedy``
    is what to do where the rung is not available. ``warning`` is what a user must know before
    using it, or ``""``.
    """

    name: str
    provides: str
    launch: str
    remedy: str
    must_filter: bool = False
    constant_paths: bool = True
    warning: str = ""


#: All rungs by name, the strongest first.
RUNGS: Final[dict[str, Rung]] = {
    rung.name: rung
    for rung in (
        Rung(
            name="full",
            provides="bubblewrap: a root, processes and network of its own, filtered system calls",
            launch="sandbox.bubblewrap:full",
            must_filter=True,
            remedy="install bubblewrap 0.8 or newer (Debian, Fedora: package bubblewrap), and "
            "allow user namespaces; or allow less isolation",
        ),
        Rung(
            name="namespaces",
            provides="util-linux: the same, with system calls filtered where that is possible",
            launch="sandbox.namespaces:namespaces",
            remedy="install util-linux 2.36 or newer (package util-linux), and allow user "
            "namespaces; or allow less isolation",
        ),
        Rung(
            name="none",
            provides="the normalised environment alone",
            launch="sandbox.limited:none",
            constant_paths=False,
            remedy="install coreutils",
            warning="builds run without isolation: they can read and change your files, reach the "
            "network and see other processes; install bubblewrap (Debian, Fedora: package "
            "bubblewrap)",
        ),
    )
}

#: What ``--isolation`` takes: the strongest that works, or one rung.
NAMES: Final = ("auto", *RUNGS)
