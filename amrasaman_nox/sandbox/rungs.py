"""The rungs of the isolation ladder: how each one shows a command the world that it may see.

A :class:`Command` is turned into a :class:`View`, a list of what there is in the build's root, and
that into the command line of bubblewrap or of ``unshare``. Nothing is started here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox.sandbox.bubblewrap import full
from amrasaman_nox.sandbox.limited import none
from amrasaman_nox.sandbox.namespaces import namespaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.sandbox.view import Command, Launch


# --- what a build sees ---------------------------------------------------------------------------


# --- full: bubblewrap ----------------------------------------------------------------------------


# --- namespaces: unshare -------------------------------------------------------------------------


# --- none ----------------------------------------------------------------------------------------


#: The ladder, highest rung first.
RUNGS: Final[dict[str, Callable[[Command], Launch]]] = {
    "full": full,
    "namespaces": namespaces,
    "none": none,
}
