"""Which wheels fit an interpreter."""

from __future__ import annotations

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Pin
from amrasaman_nox.sources.fit import best_first, checked_wheel_name, name_and_version

TAGS = ("cp311-cp311-linux_x86_64", "cp311-abi3-linux_x86_64", "py3-none-any")
PIN = Pin(name="one", version="1.0")


def ranked(*wheels: str) -> tuple[str, ...]:
    return best_first(wheels, str, PIN, TAGS)


def test_the_most_specific_tag_and_then_the_highest_build_tag_are_best() -> None:
    wheels = (
        "one-1.0-py3-none-any.whl",
        "one-1.0-2-cp311-cp311-linux_x86_64.whl",
        "one-1.0-10-cp311-cp311-linux_x86_64.whl",
        "one-1.0-cp311-abi3-linux_x86_64.whl",
    )
    assert ranked(*wheels) == (wheels[2], wheels[1], wheels[3], wheels[0])


@pytest.mark.parametrize(
    "filename",
    [
        "one-1.0-cp310-cp310-linux_x86_64.whl",
        "two-1.0-py3-none-any.whl",
        "one-1.1-py3-none-any.whl",
        "one-1.0.tar.gz",
    ],
)
def test_a_wheel_that_does_not_fit_is_left_out(filename: str) -> None:
    assert ranked(filename) == ()


def test_a_version_is_compared_in_its_normal_form() -> None:
    assert checked_wheel_name("One-1-py3-none-any.whl", PIN) == "One-1-py3-none-any.whl"
    assert name_and_version("One_Two-1.0.0-py3-none-any.whl") == ("one-two", "1.0.0")


def test_a_wheel_of_another_release_is_named_with_its_pin() -> None:
    with pytest.raises(AsamanError, match="belongs to another project") as caught:
        checked_wheel_name("one-2.0-py3-none-any.whl", PIN)
    assert caught.value.what == str(PIN)


@pytest.mark.parametrize("filename", ["x.whl", "../one-1.0-py3-none-any.whl", "one 1.0.whl"])
def test_a_name_that_is_no_wheels_is_refused(filename: str) -> None:
    with pytest.raises(AsamanError, match="not a valid wheel file name"):
        name_and_version(filename)
