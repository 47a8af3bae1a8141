from __future__ import annotations

import importlib.util
import marshal
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from amrasaman_nox.sandbox.inside import precompile

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


def compiled(prefix: Path, modules: str, twin: Path | str = "") -> set[str]:
    """Run the program as the sandbox does; return the names that then have bytecode."""
    argument = f"{prefix}={modules}={twin}"
    program = [sys.executable, "-I", "-S", precompile.__file__, "60", argument]
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


# --- another release of the same project ---------------------------------------------------------


def bytecode_of(prefix: Path, module: str) -> Path:
    site = prefix / "lib" / "python3.x" / "site-packages"
    return Path(importlib.util.cache_from_source(str(site / f"{module}.py")))


@pytest.fixture
def twin(prefix: Path) -> Path:
    """Return another release beside *prefix*; what its bytecode prints tells that it is its own."""
    folder = prefix / "twin"
    for name, text in {"same": "x = 1\n", "other": "x = 2\n", "broken": "x = 1\n"}.items():
        for place, content in ((prefix, "x = 1\n"), (folder, text)):
            module = place / "lib" / "python3.x" / "site-packages" / f"{name}.py"
            module.parent.mkdir(parents=True, exist_ok=True)
            module.write_text(content)
            os.utime(module, (1_000_000, 1_000_000) if place is folder else (2_000_000, 2_000_000))
    compiled(folder, "same,other,broken")
    for name in ("same", "other", "broken"):
        path = bytecode_of(folder, name)
        code = compile("print('of the twin')", name, "exec")
        path.write_bytes(path.read_bytes()[:16] + marshal.dumps(code))
    bytecode_of(folder, "broken").write_bytes(b"of another interpreter")
    return folder


def run(prefix: Path, module: str) -> str:
    site = str(prefix / "lib" / "python3.x" / "site-packages")
    command = [sys.executable, "-c", f"import {module}; print({module}.x)"]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={"PYTHONPATH": site}
    )
    return done.stdout.strip()


def test_the_bytecode_of_a_source_that_is_the_same_is_taken_over(prefix: Path, twin: Path) -> None:
    assert compiled(prefix, "same", twin) >= {"same.py"}
    assert run(prefix, "same") == "of the twin"


@pytest.mark.parametrize("module", ["other", "broken", "pack.alone"])
def test_what_differs_or_is_not_there_is_compiled(prefix: Path, twin: Path, module: str) -> None:
    (prefix / "lib" / "python3.x" / "site-packages" / "pack" / "__init__.py").write_text("")
    compiled(prefix, module, twin)
    assert bytecode_of(prefix, module.replace(".", "/")).is_file()
    assert run(prefix, module) == ("1" if module != "pack.alone" else "")
