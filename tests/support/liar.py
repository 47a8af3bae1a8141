"""Loaded into a worker (``--preload``) that shall not do as it is asked; ``LIE`` says how."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from amrasaman_nox.model import Digest
from amrasaman_nox.runs import message
from amrasaman_nox.runs import worker as remote

if TYPE_CHECKING:
    from amrasaman_nox.runs.worker import Order, RemoteResult


def record_changed(result: RemoteResult, **changes: Any) -> RemoteResult:
    """Return *result* with another record."""
    assert result.record is not None
    return dataclasses.replace(result, record=dataclasses.replace(result.record, **changes))


def wheel_changed(result: RemoteResult, content: bytes) -> RemoteResult:
    """Return *result* with other bytes, and the digest of them in the record."""
    assert result.record is not None
    digest = Digest.of(content)
    wheel = dataclasses.replace(result.record.wheel, digest=digest, size=len(content))
    return dataclasses.replace(record_changed(result, wheel=wheel), wheel=content)


#: How a result can be wrong, and what the reason must say of it.
LIES: dict[str, tuple[Any, str]] = {
    "bytes": (lambda it: dataclasses.replace(it, wheel=it.wheel[:-1] + b"x"), "hash mismatch"),
    "cut": (lambda it: wheel_changed(it, it.wheel[:-30]), "its wheel is invalid"),
    "trailing": (lambda it: wheel_changed(it, it.wheel + b"x"), "its wheel is invalid"),
    "digest": (
        lambda it: record_changed(
            it, wheel=dataclasses.replace(it.record.wheel, digest=Digest.of(b"else"))
        ),
        "hash mismatch",
    ),
    "content": (
        lambda it: record_changed(
            it, wheel=dataclasses.replace(it.record.wheel, content_digest=Digest.of(b"else"))
        ),
        "not what its record says",
    ),
    "key": (lambda it: record_changed(it, key="0" * 64), "the key differs"),
    "name": (lambda it: record_changed(it, name="other"), "the name differs"),
    "sdist": (
        lambda it: record_changed(
            it, source=dataclasses.replace(it.record.source, digest=Digest.of(b"else"))
        ),
        "the source differs",
    ),
    "requirements": (lambda it: record_changed(it, requirements=()), "the requirements differs"),
    "interpreter": (
        lambda it: record_changed(
            it, interpreter=dataclasses.replace(it.record.interpreter, version="3.0.0")
        ),
        "the interpreter differs",
    ),
    "isolation": (lambda it: record_changed(it, isolation="none"), "the isolation differs"),
    "taken": (lambda it: record_changed(it, as_published=True), "the as_published differs"),
    "nothing": (lambda it: dataclasses.replace(it, record=None, wheel=b""), "it sent nothing"),
    "else": (lambda _: "a string", "it did not send a result"),
}


def dask_setup(worker: object) -> None:
    """Put the lie in place; dask calls this when the worker starts."""
    lie = os.environ["LIE"]
    build = remote._build
    if lie in LIES:
        remote._build = lambda order: LIES[lie][0](build(order))
    else:
        _FAULTS[lie]()


def _other_interpreter() -> None:
    inspect = remote._interpreter

    def other(executable: str) -> Any:
        return dataclasses.replace(inspect(executable), digest=Digest.of(b"another build of it"))

    remote._interpreter = other  # type: ignore[assignment]


def _less_isolation() -> None:
    from amrasaman_nox.sandbox.view import Isolation

    remote._isolation = lambda rung: Isolation(rung="none")  # type: ignore[assignment]


def _other_version() -> None:
    versions = message.versions
    message.versions = lambda: (*versions()[1:], ("amrasaman-nox", "0.0.1"))  # type: ignore[assignment]


def _breaks() -> None:
    def broken(order: Order) -> RemoteResult:
        raise MemoryError("none left")

    remote._build = broken


def _dies() -> None:
    def dead(order: Order) -> RemoteResult:
        os._exit(1)

    remote._build = dead


#: How a worker can be unfit.
_FAULTS: dict[str, Any] = {
    "other-interpreter": _other_interpreter,
    "less-isolation": _less_isolation,
    "other-version": _other_version,
    "breaks": _breaks,
    "dies": _dies,
}
