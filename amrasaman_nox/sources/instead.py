"""What to do where a pin cannot be built: take its published wheel, if its hash is pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError, Kind

if TYPE_CHECKING:
    from amrasaman_nox.model import Pin


def published_wheel(pin: Pin) -> str:
    """Return the hint to take the published wheel of *pin*, ``""`` if no wheel can be pinned."""
    return f"use the published wheel: --only-binary {pin.name}" if pin.may_take_wheel else ""


def with_wheel(error: AsamanError, pin: Pin) -> AsamanError:
    """Return *error* with the hint to take the wheel of *pin* as well, where it can be taken.

    Where no hash of a wheel is pinned, that is what has to be done first.
    """
    if pin.may_take_wheel:
        error.hint = ", or ".join(filter(None, (error.hint, published_wheel(pin))))
        error.kind = Kind.TAKE_WHEEL
    elif not error.hint and pin.path is None and pin.url is None:
        error.hint = (
            f"pin the hashes of its wheels as well, and use one of them: --only-binary {pin.name}"
        )
    return error
