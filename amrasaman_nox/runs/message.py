"""Messages between this machine and a worker: bytes that start with the sender's versions.

A message is one line of JSON, ``{"versions": {NAME: VERSION, ...}, "worker": ADDRESS}``, and then a
pickled value. The line is the same in all versions of this package; the value is read only where
all versions are equal.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import pickle
from dataclasses import dataclass
from typing import Final

#: What takes part in a build, and must be of one version here and there; this package first.
_PARTS: Final = ("amrasaman-nox", "build", "pyproject-hooks", "uv", "virtualenv")
_LONGEST_LINE: Final = 1 << 16


class NotReadError(Exception):
    """Not a message, or one of another version; its text is the reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message whose value is not read yet; ``worker`` is the address of a worker that sent it."""

    versions: tuple[tuple[str, str], ...]
    worker: str
    body: bytes

    def value(self) -> object:
        """Return the value.

        :raises NotReadError: it comes from other versions than those here, or is damaged
        """
        theirs = dict(self.versions)
        for name, version in versions():
            if theirs.get(name) != version:
                raise NotReadError(unlike(name, theirs.get(name), version))
        try:
            return pickle.loads(self.body)  # noqa: S301 - the engine exchanges pickles as well
        except Exception as error:
            raise NotReadError(f"the message is damaged: {type(error).__name__}") from None


def pack(value: object, worker: str = "") -> bytes:
    """Return the message that brings *value* to the other side."""
    line = json.dumps({"versions": dict(versions()), "worker": worker})
    return line.encode() + b"\n" + pickle.dumps(value)


def opened(message: object) -> Message:
    """Return *message* with its first line read.

    :raises NotReadError: it is not a message
    """
    try:
        if not isinstance(message, bytes):
            raise TypeError
        end = message.index(b"\n", 0, _LONGEST_LINE)
        line = json.loads(message[:end])
        return Message(
            versions=tuple((str(name), str(text)) for name, text in line["versions"].items()),
            worker=str(line["worker"]),
            body=message[end + 1 :],
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotReadError("it did not send a message") from None


def unlike(name: str, found: str | None, wanted: str) -> str:
    """Return in words that the other side has another version of *name*, ``None`` for none."""
    had = f"no {name}" if found is None else f"{name} {found}"
    return f"it has {had}, but {wanted} is required"


@functools.cache
def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions here of what takes part in a build."""
    return tuple((name, importlib.metadata.version(name)) for name in _PARTS)
