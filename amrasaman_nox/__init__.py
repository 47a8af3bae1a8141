"""Rebuild pinned Python sources into wheels bit for bit, and prove it.

For a noxfile::

    import amrasaman_nox

    amrasaman_nox.register()

Everything public is in ``__all__`` and is imported when it is first used, so that this import
costs next to nothing. The session of each command is public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.config.commands import COMMANDS

if TYPE_CHECKING:
    from amrasaman_nox.api import (
        build_wheels,
        check_reproducible,
        compare_wheels,
        create_environment,
        write_verified_requirements,
    )
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.sessions import SessionFunction, register

__all__ = [
    "Config",
    "build_wheels",
    "check_reproducible",
    "compare_wheels",
    "create_environment",
    "register",
    "write_verified_requirements",
]
# Which module has which of these. No name hides a package.
_HOMES = dict.fromkeys(__all__, "api") | {"Config": "config.config", "register": "sessions"}
__all__ += [command.session for command in COMMANDS]


def __getattr__(name: str) -> SessionFunction:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    module = importlib.import_module(f"{__name__}.{_HOMES.get(name, 'sessions')}")
    found: SessionFunction = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
