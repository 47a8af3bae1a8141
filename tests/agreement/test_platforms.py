"""Which releases lack a wheel for a platform that other releases have one for."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import pytest
from packaging.markers import Marker, default_environment

from amrasaman_nox.agreement.platforms import key_of, lacking, markers, order, platforms
from amrasaman_nox.environments.interpreters import inspect

from ..test_records import record

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildRecord, Interpreter


def python(version: str = "3.11.2", platform: str = "linux-x86_64", **more: str) -> Interpreter:
    own = record().interpreter
    assert own is not None
    changes = {"version": version, "platform": platform, **more}
    return dataclasses.replace(own, **changes)  # type: ignore[arg-type]


def built(tag: str, interpreter: Interpreter | None = None, name: str = "x") -> BuildRecord:
    wheel = dataclasses.replace(record().wheel, filename=f"{name}-1.0-{tag}.whl")
    return dataclasses.replace(record(), name=name, wheel=wheel, interpreter=interpreter)


OLD, NEW, ARM = python(), python("3.13.0"), python(platform="linux-aarch64")
MAC = python(platform="macosx-14.0-arm64")


@pytest.mark.parametrize(
    ("tag", "by", "missing"),
    [
        ("py3-none-any", OLD, []),
        ("py2.py3-none-any", OLD, []),
        ("py2-none-any", None, [OLD, NEW, ARM, MAC]),
        ("cp311-cp311-linux_x86_64", OLD, [NEW, ARM, MAC]),
        ("cp39-abi3-linux_x86_64", OLD, [ARM, MAC]),
        ("cp312-abi3-linux_x86_64", NEW, [OLD, ARM, MAC]),
        ("py3-none-linux_x86_64", OLD, [ARM, MAC]),
        ("cp313-cp313t-linux_x86_64", NEW, [OLD, ARM, MAC]),
        ("cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64", None, [OLD, NEW, MAC]),
        ("cp311-cp311-macosx_11_0_universal2", None, [OLD, NEW, ARM]),
        # Whatever its tags are, a wheel is for the interpreter that it was built for.
        ("pp310-pypy310_pp73-linux_x86_64", ARM, [OLD, NEW, MAC]),
    ],
)
def test_a_release_lacks_the_platforms_that_its_wheels_do_not_serve(
    tag: str, by: Interpreter | None, missing: list[Interpreter]
) -> None:
    found = lacking({"x 1.0": [built(tag, by)]}, (OLD, NEW, ARM, MAC))
    keys = ", ".join(one.key for one in missing)
    assert found == ((f"x 1.0 has no wheel for {keys}",) if missing else ())


def test_a_release_that_is_not_wanted_for_a_platform_does_not_lack_it() -> None:
    releases = {"x 1.0": [built("cp311-cp311-linux_x86_64", OLD)], "y 1.0": []}
    found = lacking(releases, (OLD, ARM), lambda name, one: name == "y 1.0" and one is ARM)
    assert found == ("y 1.0 has no wheel for cpython-3.11-linux-aarch64",)


def test_platforms_are_those_of_the_records_each_once_the_lowest_first() -> None:
    later = python("3.11.9")
    interpreters = (NEW, later, OLD, ARM, None, python("3.9.1"), python("evil"), python("3." * 9))
    found = platforms([built("py3-none-any", one) for one in interpreters])
    assert found == (python("3.9.1"), ARM, OLD, NEW)
    assert order(None) < order(OLD) < order(later) < order(NEW)
    assert key_of(built("py3-none-any", NEW)) == "cpython-3.13-linux-x86_64"
    assert key_of(built("py3-none-any")) == ""


def test_the_markers_of_a_record_are_those_of_its_interpreter() -> None:
    said = markers(inspect(sys.executable))
    own = {name: str(value) for name, value in default_environment().items()}
    unknown = {"platform_release", "platform_version", "implementation_version"}
    assert said.keys() == own.keys()
    assert {name: own[name] for name in own if name not in unknown} == {
        name: said[name] for name in own if name not in unknown
    }


@pytest.mark.parametrize(
    ("marker", "platform", "holds"),
    [
        ('sys_platform == "darwin" and platform_machine == "arm64"', "macosx-14.0-arm64", True),
        ('platform_system == "Windows" and platform_machine == "AMD64"', "win-amd64", True),
        ('os_name == "posix"', "linux-aarch64", True),
        ('sys_platform == "linux"', "plan9", False),
        ('python_version < "3.11"', "linux-x86_64", False),
    ],
)
def test_the_markers_of_other_platforms_hold_there(marker: str, platform: str, holds: bool) -> None:
    environment = markers(python(platform=platform))
    assert Marker(marker).evaluate({**environment, "extra": ""}) is holds


@pytest.mark.parametrize("name", ["x", "x-1.0-cp39-abi3.whl", "../x-1.0-py3-none-any.whl/.."])
def test_a_name_that_no_wheel_has_serves_nothing(name: str) -> None:
    odd = built("py3-none-any")
    odd = dataclasses.replace(odd, wheel=dataclasses.replace(odd.wheel, filename=name))
    assert len(lacking({"x": [odd]}, (OLD,))) == 1
