from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from amrasaman_nox.builds import bytecode

SETUPTOOLS = "setuptools-80.9.0-py3-none-any.whl"
VCS = "hatch_vcs-0.5.0-py3-none-any.whl"


def test_a_backend_is_imported_with_what_it_is_known_to_use() -> None:
    found = bytecode.modules("hatchling.build", [VCS, SETUPTOOLS])
    assert found[0] == "hatchling.build"
    assert {"hatchling.builders.wheel", "hatch_vcs.hooks"} <= set(found)
    # It is there for another's sake, and most of it is not imported then.
    assert not [name for name in found if name.startswith("setuptools.command")]


def test_a_backend_that_nobody_knows_is_imported_itself() -> None:
    assert bytecode.modules("made.up:backend", []) == ("made.up",)


def test_a_backend_within_a_source_is_taken_for_one_of_setuptools_kin() -> None:
    assert "setuptools.build_meta" in bytecode.modules("", [SETUPTOOLS])
    assert bytecode.modules("", []) == ()


@pytest.mark.parametrize("package", ["setuptools", "hatchling", "flit_core", "poetry"])
def test_most_of_what_is_listed_exists_whatever_the_version(package: str) -> None:
    site = Path(sysconfig.get_path("purelib"))
    listed = bytecode.modules(f"{package}.x", [])[1:]
    paths = [site.joinpath(*name.split(".")) for name in listed]
    found = [path for path in paths if path.with_suffix(".py").exists() or path.is_dir()]
    assert len(found) >= len(listed) * 3 / 4 > 1


def test_what_cannot_be_imported_is_passed_over() -> None:
    program = [sys.executable, "-c", bytecode.PROGRAM, "there.is.none", "this", "antigravity.no"]
    done = subprocess.run(program, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Zen" in done.stdout
