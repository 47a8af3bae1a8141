"""Rebuild pinned Python sources into wheels bit for bit, and prove it.

For a noxfile::

    import amrasaman_nox

    amrasaman_nox.register()

Everything public is in ``__all__`` and is imported when it is first used, so that this import
costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amrasaman_nox.api import (
        build_wheels,
        check_reproducible,
        compare_wheels,
        create_environment,
        write_verified_requirements,
    )
    from amrasaman_nox.config.config import Config
    from amrasaman_nox.sessions import (
        bootstrap,
        lock_build_requirements,
        merge_wheels,
        register,
        reproducible_wheels,
        tree,
        verified_requirements,
        verify,
    )

__all__ = [
    "Config",
    "bootstrap",
    "build_wheels",
    "check_reproducible",
    "compare_wheels",
    "create_environment",
    "lock_build_requirements",
    "merge_wheels",
    "register",
    "reproducible_wheels",
    "tree",
    "verified_requirements",
    "verify",
    "write_verified_requirements",
]

# Which module has what; all others are sessions. No name hides a package.
_HOMES = {
    "Config": "config.config",
    **dict.fromkeys(
        (
            "build_wheels",
            "check_reproducible",
            "compare_wheels",
            "create_environment",
            "write_verified_requirements",
        ),
        "api",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES.get(name, 'sessions')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
