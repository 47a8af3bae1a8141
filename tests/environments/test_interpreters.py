from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import pytest
from packaging.markers import default_environment
from packaging.tags import sys_tags

from amrasaman_nox.environments.interpreters import inspect
from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path


def test_the_running_interpreter_describes_itself_as_packaging_does() -> None:
    found = inspect()
    assert dict(found.markers) == dict(default_environment())
    assert list(found.tags) == [str(tag) for tag in sys_tags()]


def test_a_virtual_environment_means_its_base_interpreter() -> None:
    assert inspect(sys.executable).executable == inspect().executable
    assert not any("site-packages" in path for path in inspect().shown)


@pytest.mark.parametrize(("free_threaded", "minor"), [(False, "3.13"), (True, "3.13t")])
def test_a_free_threaded_interpreter_has_a_key_of_its_own(free_threaded: bool, minor: str) -> None:
    found = dataclasses.replace(inspect(), version="3.13.1", free_threaded=free_threaded)
    assert found.key == f"cpython-{minor}-{found.platform}"


def test_the_key_names_implementation_version_and_platform() -> None:
    found = inspect()
    assert found.key == f"{found.implementation}-{found.minor}-{found.platform}"


def write(path: Path, text: str, mode: int = 0o755) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_an_interpreter_that_is_none_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    requests = {
        "9.99": "python9.99 is not on PATH",
        str(tmp_path / "missing"): "is not an executable file",
        str(folder): "is not an executable file",
        write(tmp_path / "plain", "#!/bin/sh\n", 0o644): "ermission denied",
        write(tmp_path / "garbage", "#!/bin/sh\necho garbage\n"): "not a Python interpreter: "
        "garbage",
        write(tmp_path / "fails", "#!/bin/sh\nexit 3\n"): "not a Python interpreter",
    }
    for request, why in requests.items():
        with pytest.raises(AsamanError) as caught:
            inspect(request)
        assert why in caught.value.why
        assert caught.value.code == ExitCode.NOT_AVAILABLE
        assert len(caught.value.lines()) == 2
