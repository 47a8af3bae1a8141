from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from amrasaman_nox.builds import compiling

if TYPE_CHECKING:
    from pathlib import Path

#: Each module of a made-up installation, and what it holds.
MODULES: Final = {
    "pack/__init__.py": "from .first import x\n"
    "from . import (\n    one,  # two\n    three as four,\n)\n",
    "pack/first.py": "import pack.second, other as o\nraise SystemExit('it was run')\n",
    "pack/one.py": "",
    "pack/two.py": "",
    "pack/three.py": "",
    "pack/second.py": "from . import sub\n\ndef later():\n    import pack.late\n",
    "pack/late.py": "",
    "pack/sub/__init__.py": "from \\\n    ..second import x\nfrom .. import fifth\n",
    "pack/fifth.py": "from __future__ import annotations\nimport distutils.core\n",
    "pack/alone.py": "",
    "other.py": "import wrong\nimport vendored\n",
    "wrong.py": "this is no Python\n",
    "setuptools/_distutils/__init__.py": "",
    "setuptools/_distutils/core.py": "",
    "setuptools/_vendor/vendored.py": "",
    "space/inner/__init__.py": "",
}


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    site = tmp_path / "lib" / "python3.x" / "site-packages"
    for name, content in MODULES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(content)
    return tmp_path


def compiled(prefix: Path, modules: str) -> set[str]:
    """Run the program as the sandbox does; return the names that then have bytecode."""
    program = [sys.executable, "-I", "-S", compiling.__file__, "60", f"{prefix}={modules}"]
    done = subprocess.run(program, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    site = prefix / "lib" / "python3.x" / "site-packages"
    return {
        os.path.relpath(path.parent.parent / f"{path.name.partition('.')[0]}.py", site)
        for path in prefix.rglob("*.pyc")
    }


def test_what_is_imported_at_once_is_compiled_and_nothing_runs(prefix: Path) -> None:
    assert compiled(prefix, "pack") == {
        *("pack/__init__.py", "pack/first.py", "pack/one.py", "pack/three.py", "pack/second.py"),
        *("pack/sub/__init__.py", "pack/fifth.py", "other.py"),
        *("setuptools/_distutils/__init__.py", "setuptools/_distutils/core.py"),
        "setuptools/_vendor/vendored.py",
    }


def test_a_module_s_packages_are_compiled_with_it(prefix: Path) -> None:
    assert {"pack/__init__.py", "pack/late.py"} <= compiled(prefix, "pack.late")
    assert compiled(prefix, "space.inner") >= {"space/inner/__init__.py"}


def test_what_is_not_there_is_passed_over(prefix: Path) -> None:
    assert compiled(prefix, "there.is.none,,wrong") == set()


def test_all_at_the_top_can_be_meant(prefix: Path) -> None:
    found = compiled(prefix, "*,pack.alone")
    assert {"pack/__init__.py", "pack/alone.py", "other.py"} <= found
    assert "pack/late.py" not in found


def test_the_bytecode_is_the_interpreter_s_own(prefix: Path) -> None:
    compiled(prefix, "pack.alone")
    site = prefix / "lib" / "python3.x" / "site-packages"
    (site / "pack" / "__init__.py").write_text("")
    command = [sys.executable, "-v", "-c", "import pack.alone"]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={"PYTHONPATH": str(site)}
    )
    assert "alone.cpython" in done.stderr
    assert f"matches {site}/pack/alone.py" in done.stderr


def test_a_folder_without_modules_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    assert compiled(tmp_path, "*") == set()
