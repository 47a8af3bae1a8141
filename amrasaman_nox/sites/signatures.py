"""The signed records of a wheel that a site has: those of all folders, each line once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.agreement import envelopes, statements
from amrasaman_nox.strict_json import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from amrasaman_nox.agreement.statements import Statement


def signed_at(wheels: Iterable[Path], notes: list[str]) -> dict[bytes, Statement]:
    """Return the lines of signed records beside *wheels*, with what they say, in one order.

    Whose signatures they are is not verified.

    :param wheels: the paths that wheels of one name have or would have
    :param notes: takes why another line does not count
    :raises AsamanError: a file cannot be read (exit 2 or 5)
    """
    found: dict[bytes, Statement] = {}
    for wheel in wheels:
        path = envelopes.beside(wheel)
        if path.exists() or path.is_symlink():
            found.update(_read(path, wheel.name, notes))
    return dict(sorted(found.items()))


def _read(path: Path, name: str, notes: list[str]) -> Iterator[tuple[bytes, Statement]]:
    for number, line in enumerate(envelopes.lines_of(envelopes.read_file(path), str(path)), 1):
        where = f"{path} line {number}"
        try:
            envelope = envelopes.parse(line)
            record = statements.record_of(envelope.payload, name)
        except Malformed as malformed:
            notes.append(f"left out: {where}: {malformed}")
            continue
        yield line, statements.Statement(record=record, envelope=envelope, where=where)
