"""Fail, or kill, at the n-th operation on the file system."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OPERATIONS = (
    *("open", "write", "read", "fsync", "fchmod", "chmod"),
    *("link", "rename", "replace", "unlink", "mkdir", "rmdir"),
)


@contextlib.contextmanager
def counted(act: Callable[[str], None] = lambda name: None, at: int = 0) -> Iterator[list[str]]:
    """Call *act* with the name of the operation that is the *at*-th; yield the names of all."""
    names: list[str] = []

    def shim(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            names.append(name)
            if len(names) == at:
                act(name)
            return original(*args, **kwargs)

        return operation

    with contextlib.ExitStack() as stack:
        for name in OPERATIONS:
            stack.enter_context(mock.patch.object(os, name, shim(name, getattr(os, name))))
        yield names


def failing(number: int) -> Callable[[str], None]:
    """Return an act that fails with an error number, such as ``errno.ENOSPC``."""

    def act(name: str) -> None:
        raise OSError(number, os.strerror(number))

    return act


def kill(name: str) -> None:
    """End this process as a loss of power would: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(at: int, run: Callable[[], object]) -> bool:
    """Run in a child process that is killed at the *at*-th operation; return whether it was."""
    child = os.fork()
    if child == 0:
        try:
            with counted(kill, at):
                run()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return modes and bytes of all that is below *folder*, by path."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            path.read_bytes() if path.is_file() and not path.is_symlink() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }
