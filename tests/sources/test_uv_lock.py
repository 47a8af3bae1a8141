"""A lock of uv, exported by uv."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.inputs.readers import read_input
from amrasaman_nox.sources import uv_lock

if TYPE_CHECKING:
    from pathlib import Path

HASH = "a" * 64

PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "mini"
dynamic = ["version", "dependencies"]
requires-python = ">=3.11"
[tool.uv.workspace]
members = ["part"]
"""
PART = '[project]\nname = "part"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["b"]\n'
LOCK = f"""version = 1
requires-python = ">=3.11"

[manifest]
members = ["mini", "part"]

[[package]]
name = "a"
version = "1.0"
source = {{ registry = "https://index.example/simple" }}
sdist = {{ url = "https://index.example/a-1.0.tar.gz", hash = "sha256:{HASH}", size = 9 }}
wheels = [{{ url = "https://index.example/a-1.0-py3-none-any.whl", hash = "sha256:{HASH}" }}]

[[package]]
name = "b"
version = "2.0"
source = {{ registry = "https://index.example/simple" }}
sdist = {{ url = "https://index.example/b-2.0.tar.gz", hash = "sha256:{HASH}", size = 9 }}

[[package]]
name = "mini"
source = {{ editable = "." }}
dependencies = [{{ name = "a", marker = "sys_platform == 'linux'" }}]

[[package]]
name = "part"
version = "1"
source = {{ virtual = "part" }}
dependencies = [{{ name = "b" }}]
"""
UNHASHED = LOCK.replace(f', hash = "sha256:{HASH}"', "", 1)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Return the lock of a project whose build would leave a file."""
    (tmp_path / "part").mkdir()
    for name, text in {
        "pyproject.toml": PYPROJECT,
        "setup.py": f'open({str(tmp_path / "ran")!r}, "w")',
        "part/pyproject.toml": PART,
        "uv.lock": LOCK,
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "uv.lock"


def test_what_the_project_requires_is_pinned_with_its_lines_and_hashes(lock: Path) -> None:
    found = read_input(Config(requirement=lock))
    assert found is not None
    (pin,) = found.pins
    assert (str(pin), str(pin.digests[0])) == ("a==1.0", f"sha256:{HASH}")
    assert (str(pin.origin), pin.marker) == (f"{lock} line 7", 'sys_platform == "linux"')
    assert found.kind == "pylock"
    assert "mini: left out: a folder has no hash" in found.notes[0]


def test_all_packages_are_those_of_the_workspace(lock: Path) -> None:
    found = uv_lock.read_configured(lock, Config(requirement=lock, all_packages=True))
    assert [str(pin) for pin in found.pins] == ["a==1.0", "b==2.0"]


def test_nothing_of_the_project_is_run_or_written(lock: Path) -> None:
    before = sorted(lock.parent.rglob("*"))
    uv_lock.read_configured(lock, Config(all_packages=True))
    assert sorted(lock.parent.rglob("*")) == before


def test_a_package_without_a_release_is_refused_with_its_line(lock: Path) -> None:
    checkout = f'git = "https://host.example/a?rev=v1#{40 * "a"}"'
    text = LOCK.replace('registry = "https://index.example/simple"', checkout, 1)
    lock.write_text("".join(line for line in text.splitlines(keepends=True) if "/a-1" not in line))
    (pin,) = uv_lock.read_configured(lock, Config()).pins
    assert (str(pin.origin), pin.fault is not None) == (f"{lock} line 7", True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "uv.lock").write_text(UNHASHED), "Network"),
        (lambda folder: (folder / "uv.lock").write_text("version = 1\n["), "TOML"),
        (lambda folder: (folder / "uv.lock").write_text("version = 99"), "version"),
        (lambda folder: (folder / "uv.lock").unlink(), "no such file"),
    ],
)
def test_what_uv_cannot_export_is_one_line_with_what_to_do(
    lock: Path, change: object, said: str
) -> None:
    change(lock.parent)  # type: ignore[operator]
    with pytest.raises(AsamanError, match=said) as caught:
        uv_lock.read_configured(lock, Config())
    assert len(str(caught.value).splitlines()) == 1
    assert str(lock) in caught.value.what
    assert caught.value.code is ExitCode.BAD_INPUT
