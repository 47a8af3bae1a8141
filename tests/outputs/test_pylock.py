from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock
from uv import find_uv_bin

from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.inputs.pylock import read_pylock
from amrasaman_nox.model import LockScope, Pin, Requirements
from amrasaman_nox.outputs.pylock import render, write_verified_pylock
from amrasaman_nox.outputs.requirements import VerifiedPin
from tests.outputs.test_requirements import GOOD, make_wheel, names, pin, versions, wheel

if TYPE_CHECKING:
    from pathlib import Path

LOCK = Requirements(kind="pylock", path="pylock.toml", pins=())
SCOPED = Requirements(
    kind="pylock",
    path="pylock.toml",
    pins=(),
    scope=LockScope(
        environments=('sys_platform == "linux"',),
        requires_python=">=3.11",
        extras=("x",),
        dependency_groups=("dev",),
        default_groups=("dev",),
    ),
)


def test_a_lock_names_the_wheels_beside_it(tmp_path: Path) -> None:
    made = wheel()
    marked = pin(marker='"dev" in dependency_groups', requires_python=">=3.11")
    left = VerifiedPin(pin=pin("bar", marker='os_name == "nt"'))
    output = tmp_path / "locks/pylock.verified.toml"
    output.parent.mkdir()
    write_verified_pylock(
        output,
        SCOPED,
        [VerifiedPin(pin=marked, wheels=(made,), as_published=True), left],
        wheels=tmp_path / "wheels",
    )
    text = output.read_text()
    assert tomllib.loads(text) == {
        "lock-version": "1.0",
        "environments": ['sys_platform == "linux"'],
        "requires-python": ">=3.11",
        "extras": ["x"],
        "dependency-groups": ["dev"],
        "default-groups": ["dev"],
        "created-by": "amrasaman-nox",
        "packages": [
            {
                "name": "foo",
                "version": "1.0",
                "marker": '"dev" in dependency_groups',
                "requires-python": ">=3.11",
                "wheels": [
                    {
                        "name": made.filename,
                        "path": f"../wheels/{made.filename}",
                        "size": made.size,
                        "hashes": {"sha256": made.digest.value},
                    }
                ],
                "tool": {"amrasaman-nox": {"note": "published as is, not rebuilt"}},
            }
        ],
    }
    assert '\n# left out: bar==1.0 ; os_name == "nt"\n' in text
    assert [path.name for path in output.parent.iterdir()] == [output.name]


def test_wheels_in_the_folder_of_the_lock_are_named_alone(tmp_path: Path) -> None:
    write_verified_pylock(tmp_path / "pylock.toml", LOCK, [GOOD], wheels=tmp_path)
    document = tomllib.loads((tmp_path / "pylock.toml").read_text())
    assert document["packages"][0]["wheels"][0]["path"] == "foo-1.0-py3-none-any.whl"


def test_the_verified_lock_can_be_read_as_an_input(tmp_path: Path) -> None:
    output = tmp_path / "pylock.toml"
    write_verified_pylock(output, SCOPED, [GOOD], wheels=tmp_path / "wheels")
    found = read_pylock(output, only_binary=frozenset({"foo"}))
    assert found.scope == SCOPED.scope
    assert found.pins[0].digests == (GOOD.wheels[0].digest,)


@st.composite
def packages(draw: st.DrawFn) -> VerifiedPin:
    name, version = draw(names), draw(versions)
    marker = draw(st.sampled_from([None, 'os_name == "posix"', '"x" in extras']))
    tags = draw(st.sets(st.sampled_from(["py3", "cp311", "cp312"]), min_size=1))
    return VerifiedPin(
        pin=Pin(name=name, version=version, marker=marker),
        wheels=tuple(
            wheel(f"{name.replace('-', '_')}-{version}-{tag}-none-any.whl") for tag in sorted(tags)
        ),
        as_published=draw(st.booleans()),
    )


@given(st.lists(packages(), max_size=4))
def test_what_is_rendered_reads_back_as_the_same_packages(entries: list[VerifiedPin]) -> None:
    lock = Pylock.from_dict(tomllib.loads(render(LOCK, entries)))
    for entry, package in zip(entries, lock.packages, strict=True):
        assert (package.name, str(package.version)) == (entry.pin.name, entry.pin.version)
        assert str(package.marker) == str(entry.pin.marker)
        assert [(found.filename, found.hashes) for found in package.wheels or ()] == [
            (made.filename, {"sha256": made.digest.value}) for made in entry.wheels
        ]


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "bar"},
        {"name": "Foo"},
        {"version": "2"},
        {"version": "01.0"},
        {"marker": "os_name"},
        {"marker": "os_name=='posix'"},
        {"extras": ("x",)},
        {"requires_python": "x"},
    ],
)
def test_a_lock_that_would_read_differently_is_never_put_in_place(
    tmp_path: Path, bad: dict[str, object]
) -> None:
    entry = VerifiedPin(pin=Pin(**{"name": "foo", "version": "1.0", **bad}), wheels=(wheel(),))  # type: ignore[arg-type]
    with pytest.raises(AsamanError, match="it would not read back as the same requirements"):
        write_verified_pylock(tmp_path / "pylock.toml", LOCK, [entry], wheels=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_pin_that_is_left_out_cannot_bring_a_line(tmp_path: Path) -> None:
    left = VerifiedPin(pin=Pin(name="bar", version="1", marker='x\nextras = ["y"]'))
    with pytest.raises(AsamanError, match="it would not read back as the same requirements"):
        write_verified_pylock(tmp_path / "pylock.toml", LOCK, [GOOD, left], wheels=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["verified-pylock.toml", "pylock.a.b.toml", "lock.toml"])
def test_a_lock_must_be_called_as_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(AsamanError, match=r"a lock is called pylock\.toml"):
        write_verified_pylock(tmp_path / name, LOCK, [GOOD], wheels=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_input_is_never_overwritten(tmp_path: Path) -> None:
    output = tmp_path / "pylock.toml"
    output.write_text("the input")
    lock = Requirements(kind="pylock", path=str(output), pins=())
    with pytest.raises(AsamanError, match="it is the input") as caught:
        write_verified_pylock(output, lock, [GOOD], wheels=tmp_path)
    assert caught.value.code is ExitCode.BAD_INPUT
    assert output.read_text() == "the input"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["install", "-r"], ["sync"]])
def test_the_lock_is_accepted_by_uv(tmp_path: Path, command: list[str]) -> None:
    made = make_wheel(tmp_path / "wheels", "foo")
    origin = Origin(path=str(tmp_path / "in.toml"), line=1)
    foo = Pin(name="foo", version="1.0", marker='os_name == "posix"', origin=origin)
    write_verified_pylock(
        tmp_path / "pylock.verified.toml",
        SCOPED,
        [VerifiedPin(pin=foo, wheels=(made,), as_published=True)],
        wheels=tmp_path / "wheels",
    )
    uv = [find_uv_bin(), "pip", *command, "pylock.verified.toml"]
    options = ["--offline", "--no-config", "--no-cache", "-q", "--target", "here"]
    options += ["--python", sys.executable, "--preview-features", "pylock"]
    done = subprocess.run(
        [*uv, *options], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here/foo.py").exists()
