"""The published wheel is offered where its hash can be pinned, and nowhere else."""

from __future__ import annotations

import dataclasses

import pytest

from amrasaman_nox.errors import AsamanError, Kind
from amrasaman_nox.model import Digest, Pin
from amrasaman_nox.sources.instead import or_wheel, with_wheel

SDIST, WHEEL = Digest.of(b"sdist"), Digest.of(b"wheel")
ALONE = Pin(name="demo", version="1.0", digests=(SDIST,))
BOTH = Pin(name="demo", version="1.0", digests=(SDIST, WHEEL))
LOCKED = Pin(name="demo", version="1.0", digests=(SDIST,), wheels=True)


@pytest.mark.parametrize("pin", [BOTH, LOCKED])
def test_a_pinned_wheel_is_offered(pin: Pin) -> None:
    assert or_wheel("", pin) == "use the published wheel: --only-binary demo"
    error = with_wheel(AsamanError("demo", "broken", hint="mend it"), pin)
    assert error.hint == "mend it, or use the published wheel: --only-binary demo"
    assert error.kind is Kind.TAKE_WHEEL


def test_no_wheel_is_offered_where_the_sdist_alone_is_pinned() -> None:
    assert or_wheel("", ALONE) == ""
    assert or_wheel("mend it", ALONE) == "mend it"
    error = with_wheel(AsamanError("demo", "broken", hint="mend it"), ALONE)
    assert (error.hint, error.kind) == ("mend it", Kind.OTHER)


def test_what_has_no_other_hint_says_what_to_pin() -> None:
    error = with_wheel(AsamanError("demo", "broken"), ALONE)
    assert error.hint.startswith("pin the hashes of its wheels as well")
    assert error.kind is Kind.OTHER
    local = dataclasses.replace(ALONE, path="/demo-1.0.tar.gz")
    assert with_wheel(AsamanError("demo", "broken"), local).hint == ""
