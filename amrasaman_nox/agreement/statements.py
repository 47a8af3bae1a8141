"""What a signed envelope says: a build record that fits its wheel, or why it does not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from amrasaman_nox import records, strict_json
from amrasaman_nox.agreement import envelopes
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import is_release
from amrasaman_nox.sdists.names import name_and_version
from amrasaman_nox.strict_json import Malformed

if TYPE_CHECKING:
    from amrasaman_nox.agreement.envelopes import Envelope
    from amrasaman_nox.model import BuildRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A record in an envelope; whether somebody signed it, its ``envelope`` tells.

    ``where`` is the file or URL with the line.
    """

    record: BuildRecord
    envelope: Envelope
    where: str


def read(content: bytes, where: str, wheel: str) -> tuple[list[Statement], list[AsamanError]]:
    """Return the statements in a file of envelopes for *wheel*, and why other lines do not count.

    :param where: the file or URL, for messages
    """
    statements: list[Statement] = []
    problems: list[AsamanError] = []
    try:
        lines = envelopes.lines_of(content, where)
    except AsamanError as error:
        return [], [error]
    for number, line in enumerate(lines, 1):
        place = f"{where} line {number}"
        try:
            envelope = envelopes.parse(line)
            record = record_of(envelope.payload, wheel)
        except Malformed as malformed:
            problems.append(AsamanError(place, f"not counted: {malformed}"))
            continue
        statements.append(Statement(record=record, envelope=envelope, where=place))
    return statements, problems


def record_of(payload: bytes, wheel: str) -> BuildRecord:
    """Return the build record that is the in-toto statement *payload*, of the file *wheel*.

    :raises Malformed: it is another statement, or of another file, or contradicts itself
    """
    document = strict_json.parse(payload)
    if document["_type"].raw != records.STATEMENT_TYPE:
        raise Malformed(f"not an in-toto statement: {str(document['_type'].raw)[:80]}")
    predicate = document["predicateType"].text()
    if predicate != records.PREDICATE_TYPE:
        raise Malformed(f"unknown predicate {predicate[:80]}")
    try:
        record = records.parse(payload, "in it")
    except AsamanError as error:
        raise Malformed(error.why) from None
    if record.wheel.filename != wheel:
        raise Malformed(f"it is signed for {record.wheel.filename}")
    check_names(record)
    return record


def check_names(record: BuildRecord) -> None:
    """Check that the wheel and the source of *record* are of its release.

    :raises Malformed: one of them is of another one
    """
    wheel, source = record.wheel, record.source
    if not _is_of(record, wheel.filename):
        raise Malformed(f"{wheel.filename} is not of {record.name} {record.version}")
    taken = source.digest == wheel.digest or source.digest.algorithm != wheel.digest.algorithm
    if not _is_of(record, source.filename) or (record.as_published and not taken):
        raise Malformed(f"it says that {wheel.filename} was made from {source.filename}")


def _is_of(record: BuildRecord, filename: str) -> bool:
    try:
        if filename.endswith(".whl"):
            name, version, _, _ = parse_wheel_filename(filename)
        else:
            name, version = name_and_version(filename)
    except (InvalidWheelFilename, ValueError):
        return False
    return name == record.name and is_release(record.version, str(version))
