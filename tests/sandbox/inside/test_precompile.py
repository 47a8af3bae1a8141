from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from amrasaman_nox.sandbox.inside import precompile

from ...support.bytecode import FORGERIES, forged

if TYPE_CHECKING:
    from collections.abc import Callable

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
    program = [sys.executable, "-I", "-S", precompile.__file__, "60", f"{prefix}={modules}"]
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


# --- bytecode that came in the wheel -------------------------------------------------------------


def bytecode_of(prefix: Path, module: str) -> Path:
    site = prefix / "lib" / "python3.x" / "site-packages"
    return Path(importlib.util.cache_from_source(str(site / f"{module}.py")))


@pytest.mark.parametrize("kind", FORGERIES)
@pytest.mark.parametrize("modules", ["pack.alone", "other"])
def test_forged_bytecode_is_removed_whether_its_source_is_compiled_or_not(
    prefix: Path, kind: str, modules: str
) -> None:
    path = bytecode_of(prefix, "pack/alone")
    source = path.parents[1] / "alone.py"
    source.write_text("x = 'source'\n")
    (source.parent / "__init__.py").write_text("")
    path.parent.mkdir()
    path.write_bytes(forged(kind, "x = 'forged'", source))
    path.with_suffix(".opt-1.pyc").write_bytes(path.read_bytes())
    found = compiled(prefix, modules)
    assert ("pack/alone.py" in found) == (modules == "pack.alone")
    assert not path.with_suffix(".opt-1.pyc").exists()
    command = [sys.executable, "-c", "import pack.alone; print(pack.alone.x)"]
    site = str(source.parents[1])
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={"PYTHONPATH": site}
    )
    assert done.stdout == "source\n"


@pytest.mark.parametrize(
    "name",
    [
        "lib/python3.x/site-packages/old.pyc",
        "lib/python3.x/site-packages/old.pyo",
        "lib/python3.x/site-packages/__pycache__/data.txt",
        "lib/python3.x/site-packages/__pycache__/deeper/__pycache__/x.cpython-311.pyc",
        "bin/tool.pyc",
        "bin/__pycache__/tool.cpython-311.pyc",
        "share/__pycache__",
        "other/python9/site-packages/x.pyc",
    ],
)
def test_no_bytecode_stays_wherever_it_is(prefix: Path, name: str) -> None:
    path = prefix / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"anything")
    path.parent.chmod(0o755)
    compiled(prefix, "none")
    assert not path.exists()
    assert not list(prefix.rglob("__pycache__"))


def test_record_does_not_list_what_was_removed(prefix: Path) -> None:
    site = prefix / "lib" / "python3.x" / "site-packages"
    info = site / "pack-1.0.dist-info"
    info.mkdir()
    kept = ['"pack/with,comma.py",sha256=x,1', "../../../bin/tool,,", "pack-1.0.dist-info/RECORD,,"]
    gone = ["pack/__pycache__/a,b.pyc", "old.pyc", "../../../bin/__pycache__/tool.cpython-311.pyc"]
    rows = [*kept, *(f'"{name}",sha256=x,1' for name in gone)]
    (info / "RECORD").write_bytes("\r\n".join(rows).encode())
    compiled(prefix, "none")
    assert (info / "RECORD").read_bytes() == "\r\n".join(rows).encode()
    (site / "old.pyc").write_bytes(b"")
    compiled(prefix, "none")
    assert (info / "RECORD").read_text().splitlines() == kept


def with_link(site: Path) -> None:
    (site / "__pycache__").mkdir()
    (site / "__pycache__" / "elsewhere").symlink_to(site)


def with_bad_record(site: Path) -> None:
    (site / "old.pyc").touch()
    (site / "pack-1.0.dist-info").mkdir()
    (site / "pack-1.0.dist-info" / "RECORD").write_text(f'"{"x" * 200_000}",,\n')


@pytest.mark.parametrize("spoil", [with_link, with_bad_record])
def test_bytecode_that_cannot_be_removed_is_an_error_in_one_line(
    prefix: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(prefix / "lib" / "python3.x" / "site-packages")
    program = [sys.executable, "-I", "-S", precompile.__file__, "60", f"{prefix}=pack"]
    done = subprocess.run(program, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert re.fullmatch(r"error: cannot remove bytecode: .+\n", done.stderr)
    assert not list(prefix.rglob("__pycache__/*.pyc"))
