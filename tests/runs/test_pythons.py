"""Which interpreter builds a pin."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from amrasaman_nox.config.packages import Package
from amrasaman_nox.environments.interpreters import inspect
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildOutcome, Pin
from amrasaman_nox.runs import pythons

from ..reports.examples import record

HERE = inspect("")
ONE = dataclasses.replace(HERE, version="3.12.0")
OTHER = dataclasses.replace(HERE, version="3.11.0")
OLD = Pin(name="old", version="1.5")


def test_what_the_settings_name_builds_their_versions() -> None:
    packages = (Package(name="old", specifier="<2", python="3.11"),)
    newer, free = Pin(name="old", version="2.0"), Pin(name="free", version="1.5")
    found = pythons.parted([OLD, newer, free], ONE, packages, {"3.11": OTHER})
    assert list(found.items()) == [(ONE, [newer, free]), (OTHER, [OLD])]
    assert pythons.parted([], ONE, packages, {"3.11": OTHER}) == {ONE: []}


def test_the_last_setting_that_names_one_holds() -> None:
    packages = (
        Package(name="old", python="3.11"),
        Package(name="old", specifier="==1.5", python="3.12"),
        Package(name="old", specifier="==1.5", build_processors=1),
    )
    assert pythons.of_pin(OLD, OTHER, packages, {"3.11": OTHER, "3.12": ONE}) is ONE


def test_interpreters_are_named_as_the_settings_name_them() -> None:
    packages = [Package(name=name, python=sys.executable) for name in ("a", "b")]
    assert pythons.named([*packages, Package(name="c")]) == {sys.executable: HERE}


def test_one_that_is_missing_is_named_with_its_setting() -> None:
    with pytest.raises(AsamanError, match=r"packages\.a: python: interpreter 2\.6") as error:
        pythons.named([Package(name="a", python="2.6")])
    assert error.value.code is ExitCode.NOT_AVAILABLE
    assert "--python" not in error.value.hint


@pytest.mark.parametrize(("tag", "count"), [("cp26-none-any", 1), ("py3-none-any", 0)])
def test_a_wheel_that_the_run_cannot_install_is_named(tag: str, count: int) -> None:
    name = f"old-1.5-{tag}.whl"
    own = record("old")
    own = dataclasses.replace(own, wheel=dataclasses.replace(own.wheel, filename=name))
    notes = pythons.with_notes(BuildOutcome(records=(own,)), HERE).notes
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert notes == (f"{name} cannot be installed on Python {version}",) * count
