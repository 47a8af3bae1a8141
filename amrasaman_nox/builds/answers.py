"""The files that carry a hook's arguments and its result, as in ``pyproject_hooks`` (PEP 517).

The build can write to their folder: what is read here may be anything.
"""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import DISK_FAULTS, system_reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: An answer holds the warnings of the backend as well; some projects get hundreds of long ones.
_LARGEST: Final = 8 << 20
_QUESTION: Final = "input.json"
_ANSWER: Final = "output.json"
_FOLDERS: Final = ("wheel_directory", "sdist_directory", "metadata_directory")


class BadAnswer(Exception):  # noqa: N818 - it becomes a value, a BuildFailure
    """An answer is not what a hook gives; the reason in one line."""


def question(frontend: Path, inside: Callable[[str], str]) -> dict[str, Any]:
    """Return the frontend's question, its folders as the hook sees them."""
    asked: dict[str, Any] = json.loads((frontend / _QUESTION).read_text())
    for name in _FOLDERS:
        path = asked["kwargs"].get(name)
        if path is not None:
            asked["kwargs"][name] = inside(path)
    return asked


def ask(folder: Path, asked: dict[str, Any]) -> None:
    """Put a question into *folder*; the file is ours whatever a former hook left there."""
    for name in (_QUESTION, _ANSWER):
        (folder / name).unlink(missing_ok=True)
    written = folder / _QUESTION
    written.write_text(json.dumps(asked))
    written.chmod(0o644)


def read(folder: Path, log: Path) -> dict[str, Any]:
    """Return the answer in *folder*; what the backend warned of goes to its log.

    :raises BadAnswer: it is not a regular file, too long, or not JSON
    :raises OSError: the disk is at fault
    """
    answer = _parsed(_content(folder / _ANSWER))
    # The frontend would print warnings as they are.
    _log_warnings(answer.pop("warnings", None), log)
    return answer


def give(frontend: Path, answer: dict[str, Any]) -> None:
    """Give *answer* to the frontend."""
    (frontend / _ANSWER).write_text(json.dumps(answer))


def _content(path: Path) -> bytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in DISK_FAULTS:
            raise
        raise BadAnswer(f"the hook wrote no result ({system_reason(error)})") from None
    try:
        facts = os.fstat(file)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink != 1:
            raise BadAnswer("the hook's result is not a regular file")
        content = os.read(file, _LARGEST + 1)
    finally:
        os.close(file)
    if len(content) > _LARGEST:
        raise BadAnswer(f"the hook's result is longer than {_LARGEST} bytes")
    return content


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise BadAnswer("the hook's result is not JSON")
    return answer


def _log_warnings(found: object, log: Path) -> None:
    lines = found if isinstance(found, list) else []
    with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(
            f"warning: {line.get('filename')}:{line.get('lineno')}: {line.get('message')}\n"
            for line in lines
            if isinstance(line, dict)
        )
