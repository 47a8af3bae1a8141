"""What to do where a pin cannot be built: take its published wheel, if its hash is pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError, Kind

if TYPE_CHECKING:
    from amrasaman_nox.model import Pin


def or_wheel(hint: str, pin: Pin) -> str:
    """Return *hint* with the one to use the published wheel of *pin*, where one can be pinned."""
    if not pin.may_take_wheel:
        return hint
    if not hint:
        return f"use the published wheel: --only-binary {pin.name}"
    return f"{hint}, or use the published wheel: --only-binary {pin.name}"


def with_wheel(error: AsamanError, pin: Pin) -> AsamanError:
    """Return *error* with the hint to use the wheel of *pin* as well, where it can be used.

    Where no hash of a wheel is pinned, that is what has to be done first.
    """
    if pin.may_take_wheel:
        error.hint, error.kind = or_wheel(error.hint, pin), Kind.TAKE_WHEEL
    elif not error.hint and pin.path is None and pin.url is None:
        error.hint = (
            f"pin the hashes of its wheels as well, and use one of them: --only-binary {pin.name}"
        )
    return error
