"""Requirements files read in a test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.inputs.requirements import read_requirements

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Requirements

A = "a" * 64
HASH = f"--hash=sha256:{A}"
MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.2",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "6.1",
    "platform_system": "Linux",
    "platform_version": "#1 SMP",
    "python_full_version": "3.11.2",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def read(folder: Path, text: str, **variables: str) -> Requirements:
    path = folder / "requirements.txt"
    path.write_bytes(text.encode())
    return read_requirements(path, variables=variables)


def failure(call: Callable[[], object]) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        call()
    assert caught.value.code is ExitCode.BAD_INPUT
    for line in caught.value.lines():
        assert re.match("error: |hint: ", line)
        assert "\n" not in line
    return caught.value
