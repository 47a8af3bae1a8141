"""Write the SBOM of wheels from the records beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox import extras, record_files
from amrasaman_nox.errors import AsamanError, ExitCode, all_of, system_reason
from amrasaman_nox.files import digest_of, put_in_place
from amrasaman_nox.model import BuildOutcome, Digest, Report
from amrasaman_nox.runs import merge
from amrasaman_nox.sources import trusted
from amrasaman_nox.verification import own_wheels, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Event
    from amrasaman_nox.record_files import RecordFile
    from amrasaman_nox.sbom.document import Known

#: What follows the name of a wheel in that of its own SBOM, and the file of all of them.
SUFFIX: Final = ".cdx.json"
DEFAULT: Final = f"sbom{SUFFIX}"


def write_sbom(config: Config, *, notify: Callable[[Event], None] | None = None) -> Report:
    """Write the SBOM of the configured wheels, or of all wheels in the configured folders.

    It is one file; or, into a folder that exists, a file for each wheel. With a verified file it
    is of the wheels whose hashes that has.

    :param notify: not used: nothing here takes long
    :raises AsamanError: there is no wheel with a record, none for a pin of the verified file, or
        two wheels of one name differ (exit 2);
        the library is not installed, or other users can have written a wheel that our store does
        not know (exit 4); or something cannot be written (exit 5)
    """
    what = "amrasaman_nox.sbom.document"
    extras.check("asaman sbom", "sbom", what, project="cyclonedx-python-lib")
    from amrasaman_nox.sbom import document

    notes: list[str] = []
    known = _of_file(_known(config, notes), config, notes)
    output = config.sbom or config.output.parent / DEFAULT
    try:
        texts = (
            {output / f"{one[0].wheel.filename}{SUFFIX}": document.render([one]) for one in known}
            if output.is_dir()
            else {output: document.render(known, _subject(config))}
        )
    except ValueError as error:
        # A record can have names that no package URL takes.
        raise AsamanError("asaman sbom", f"a record cannot be part of an SBOM: {error}") from None
    for path, text in texts.items():
        _write(path, text)
    build = BuildOutcome(
        records=tuple(record for record, _ in known), notes=tuple(dict.fromkeys(notes)), listed=True
    )
    return Report(command="bill_of_materials", build=build, output=str(output))


def _known(config: Config, notes: list[str]) -> list[Known]:
    """Return the records of the wheels, by name, with what ``verify`` came to."""
    folders = [path for path in config.folders if path.suffix != ".whl"]
    files, problems = merge.collected(folders, config, notes)
    if problems:
        raise all_of(problems)
    wheels = {file.wheel.name: file for file in _single(config)}
    found = [file for _, file in sorted({**files, **wheels}.items())]
    if not found:
        what = ", ".join(map(str, config.folders))
        raise AsamanError(what, "no wheel with a provenance record")
    reports = verdicts.read_reports(config.reports)
    return [(file.record, _found(file, reports)) for file in found]


def _of_file(known: list[Known], config: Config, notes: list[str]) -> list[Known]:
    """Return those of *known* whose hashes the verified file has, all of them without one."""
    if config.verified is None:
        return known
    pins = own_wheels.read(config.verified, config)
    wanted = {digest for pin in pins for digest in pin.digests}
    found = [one for one in known if one[0].wheel.digest in wanted]
    there = {record.wheel.digest for record, _ in found}
    missing = [pin for pin in pins if there.isdisjoint(pin.digests)]
    why = "no wheel has one of its hashes"
    problems = [
        AsamanError(str(pin), why, origin=pin.origin) for pin in missing if pin.marker is None
    ]
    if problems or not found:
        raise all_of(problems or [AsamanError(str(config.verified), why)])
    # On another interpreter or platform a pin has no wheel here.
    notes += [f"left out: {pin}: {why}" for pin in missing]
    return found


def _subject(config: Config) -> tuple[str, Digest] | None:
    """Return the name and the digest of the verified file, ``None`` where there is none."""
    if config.verified is None:
        return None
    digest = Digest(algorithm="sha256", value=digest_of(config.verified))
    return config.verified.name, digest


def _single(config: Config) -> Iterator[RecordFile]:
    """Yield the wheels that are named themselves."""
    for path in config.folders:
        if path.suffix == ".whl":
            file = record_files.read_file(record_files.beside(path))
            if file.wheel != path or not trusted.is_whole(file):
                raise AsamanError(str(path), "its record is of other bytes")
            trusted.check([file], config)
            yield file


def _found(file: RecordFile, reports: verdicts.Reports) -> tuple[verdicts.Found, ...]:
    digest = file.record.wheel.digest
    kept = verdicts.read_beside(verdicts.beside(file.wheel), digest)
    return verdicts.merged(kept, reports.get((file.wheel.name, digest), ()))


def _write(path: Path, text: str) -> None:
    try:
        put_in_place(path, text.encode())
    except OSError as error:
        raise AsamanError(
            f"cannot write {path}", system_reason(error), code=ExitCode.INPUT_OUTPUT
        ) from None
