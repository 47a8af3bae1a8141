from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from amrasaman_nox.sandbox.inside import start


@pytest.mark.parametrize("reverse", [False, True])
def test_a_folder_is_filled_with_content_modes_times_and_links(
    tmp_path: Path, reverse: bool
) -> None:
    source, filled = tmp_path / "source", tmp_path / "filled"
    (source / "deep" / "er").mkdir(parents=True)
    contents = {"a": b"", "deep/b": b"content", "deep/er/c": os.urandom(3 << 20)}
    for number, (name, content) in enumerate(contents.items()):
        (source / name).write_bytes(content)
        (source / name).chmod(0o755 if number else 0o600)
        os.utime(source / name, ns=(10**18 + number, 10**18 + number))
    (source / "deep" / "link").symlink_to("../a")
    (source / "dangling").symlink_to("nowhere")
    os.utime(source / "deep", ns=(10**18, 10**18))
    filled.mkdir()
    start.fill(os.fsencode(source), os.fsencode(filled), reverse)
    for name, content in contents.items():
        copied, former = (filled / name).stat(), (source / name).stat()
        assert (filled / name).read_bytes() == content
        assert (copied.st_mode, copied.st_mtime_ns) == (former.st_mode, former.st_mtime_ns)
        assert copied.st_ino != former.st_ino
    assert (filled / "deep" / "link").readlink() == (source / "deep" / "link").readlink()
    assert (filled / "dangling").is_symlink()
    assert (filled / "deep").stat().st_mtime_ns == 10**18


def test_files_are_made_in_one_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("b", "a", "c"):
        (source / name).touch()
    made: list[bytes] = []
    monkeypatch.setattr(start, "copy", lambda file, there, facts: made.append(there[-1:]))
    for reverse in (False, True):
        start.fill(os.fsencode(source), os.fsencode(tmp_path), reverse)
    assert made == [b"a", b"b", b"c", b"c", b"b", b"a"]


def test_programs_are_hidden_and_the_others_of_their_folder_stay(tmp_path: Path) -> None:
    for name in ("own", "system", "other"):
        (tmp_path / name).mkdir()
        for program in ("cmake", "cc"):
            (tmp_path / name / program).write_text(f"#!/bin/sh\necho {name}\n")
            (tmp_path / name / program).chmod(0o755)
    (tmp_path / "other" / "cmake").unlink()
    path = os.pathsep.join(str(tmp_path / name) for name in ("own", "system", "other"))
    hidden, links = [str(tmp_path / "system" / "cmake")], str(tmp_path / "links")
    found = start.path_without(hidden, path, links)
    own, made, other = found.split(os.pathsep)
    assert (own, other) == (str(tmp_path / "own"), str(tmp_path / "other"))
    assert [each.name for each in Path(made).iterdir()] == ["cc"]
    assert shutil.which("cmake", path=found) == f"{own}/cmake"
    assert shutil.which("cmake", path=made) is None
    assert start.path_without([str(tmp_path / "nowhere" / "cmake")], path, links) == path


class WordlessError(Exception):
    """An exception as those of sipbuild: its words are not its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, self.detail = text, ""


@pytest.mark.parametrize(
    ("error", "last"),
    [
        (WordlessError("specify a working Qt qmake"), "WordlessError: specify a working Qt qmake"),
        (ValueError("plain"), "ValueError: plain"),
        (KeyError(), "KeyError"),
    ],
)
def test_an_exception_is_printed_with_its_words(
    error: Exception, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start.say_all(type(error), error, None)
    assert capsys.readouterr().err.splitlines()[-1] == last


def test_a_table_of_headings_alone_has_no_object(tmp_path: Path) -> None:
    empty, one, missing = (str(tmp_path / name) for name in ("empty", "one", "missing"))
    (tmp_path / "empty").write_text("key shmid perms\n")
    (tmp_path / "one").write_text("key shmid perms\n  0     0  1600\n")
    assert start.left_no_object((empty, missing))
    assert not start.left_no_object((empty, one, missing))


def test_temporary_names_that_are_held_are_the_same_in_every_process(tmp_path: Path) -> None:
    program = (
        "import sys, tempfile\n"
        f"sys.path.insert(0, {os.path.dirname(start.__file__)!r})\n"  # noqa: PTH120
        "import start\n"
        "start.hold_names()\n"
        "names = [tempfile.mkdtemp(prefix='a-', dir=sys.argv[1]) for _ in range(3)]\n"
        "print([name.rpartition('/')[2] for name in names])"
    )
    said = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-c", program, str(tmp_path / name)]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said == ["['a-constant0', 'a-constant1', 'a-constant2']\n"] * 2
