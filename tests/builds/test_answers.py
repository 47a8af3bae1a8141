"""The files through which a hook is asked and answers; the build can put anything there."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.builds import answers
from amrasaman_nox.builds.answers import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read(folder: Path) -> dict[str, Any]:
    return answers.read(folder, folder / "log")


def test_a_question_names_folders_as_the_hook_sees_them(tmp_path: Path) -> None:
    kwargs = {"wheel_directory": "/host/out", "metadata_directory": None, "config_settings": {}}
    (tmp_path / "input.json").write_text(json.dumps({"kwargs": kwargs}))
    asked = answers.question(tmp_path, lambda path: path.replace("/host", "/build"))
    assert asked["kwargs"]["wheel_directory"] == "/build/out"
    assert asked["kwargs"]["metadata_directory"] is None


def test_what_a_former_hook_left_is_neither_question_nor_answer(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("kept")
    for name in ("input.json", "output.json"):
        (tmp_path / name).symlink_to(secret)
    answers.ask(tmp_path, {"kwargs": {}})
    assert secret.read_text() == "kept"
    assert not (tmp_path / "output.json").exists()
    assert json.loads((tmp_path / "input.json").read_text()) == {"kwargs": {}}


def test_an_answer_goes_to_the_frontend_and_its_warnings_to_the_log(tmp_path: Path) -> None:
    warnings = [{"filename": "setup.py", "lineno": 3, "message": "old"}, "odd", None]
    (tmp_path / "output.json").write_text(json.dumps({"return_val": "w.whl", "warnings": warnings}))
    answer = read(tmp_path)
    assert answer == {"return_val": "w.whl"}
    assert (tmp_path / "log").read_text() == "warning: setup.py:3: old\n"
    answers.give(tmp_path, answer)
    assert json.loads((tmp_path / "output.json").read_text()) == answer


def nothing(path: Path) -> None:
    pass


def a_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_second_name(path: Path) -> None:
    (path.parent / "other").write_text("{}")
    os.link(path.parent / "other", path)


def holding(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (nothing, "wrote no result"),
        (a_link, "wrote no result"),
        (a_pipe, "not a regular file"),
        (a_folder, "not a regular file"),
        (a_second_name, "not a regular file"),
        (holding(b""), "not JSON"),
        (holding(b"[]"), "not JSON"),
        (holding(b"\xff"), "not JSON"),
        (holding(b"[" * 100_000), "not JSON"),
        (holding(b" " * ((8 << 20) + 1)), "longer than"),
    ],
)
def test_a_bad_answer_is_one_line(tmp_path: Path, make: Callable[[Path], object], why: str) -> None:
    make(tmp_path / "output.json")
    with pytest.raises(BadAnswer, match=why) as caught:
        read(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_fault_of_the_disk_is_none_of_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(OSError, match="Input/output"):
        read(tmp_path)
