"""The compiled locale is one that builds can read and that sorts unlike the constant one."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from amrasaman_nox.sandbox import locales

HAS_SOURCES = (
    shutil.which("localedef") is not None and Path("/usr/share/i18n/locales/de_DE").is_file()
)
SORTS = "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.strcoll('a', 'B') < 0)"


def test_a_store_without_one_has_none(tmp_path: Path) -> None:
    assert locales.compiled(tmp_path) == ""
    (locales.folder_in(tmp_path) / locales.NAME).mkdir(parents=True)
    assert locales.compiled(tmp_path) == ""


@pytest.mark.skipif(not HAS_SOURCES, reason="localedef and its sources are not installed")
def test_it_sorts_by_letters_and_everybody_can_read_it(tmp_path: Path) -> None:
    folder = locales.folder_in(tmp_path)
    folder.mkdir()
    former = os.umask(0o077)
    try:
        assert locales.compile_into(folder) == ""
    finally:
        os.umask(former)
    assert locales.compiled(tmp_path) == str(folder)
    assert all(path.stat().st_mode & stat.S_IROTH for path in folder.rglob("*"))
    variables = {"LOCPATH": str(folder), "LC_ALL": locales.NAME}
    done = subprocess.run(
        [sys.executable, "-c", SORTS],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_without_localedef_the_reason_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locales, "SYSTEM_PATH", str(tmp_path))
    assert locales.compile_into(tmp_path) == "localedef is not installed"


def test_what_localedef_says_is_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "localedef"
    program.write_text("#!/bin/sh\necho 'cannot open locale definition file' >&2\nexit 4\n")
    program.chmod(0o755)
    monkeypatch.setattr(locales, "SYSTEM_PATH", f"{tmp_path}:{locales.SYSTEM_PATH}")
    why = locales.compile_into(tmp_path)
    assert why == "localedef: cannot open locale definition file"
