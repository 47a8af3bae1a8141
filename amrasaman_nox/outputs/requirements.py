"""The verified requirements file: the pins of the input with the hashes of our wheels.

Rendered from parsed values, parsed again and compared with what was meant, and put in place by one
rename, so that the file is the old one or the new one, and complete.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from amrasaman_nox import files
from amrasaman_nox.errors import AsamanError, ExitCode, all_of, system_reason
from amrasaman_nox.inputs.requirements import parse_requirements
from amrasaman_nox.model import BuildRecord, Digest, Pin, Requirements, Wheel, is_release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_HEADER: Final = (
    "# Written by amrasaman-nox: the pinned projects, with the hashes of the wheels built here.\n"
    "# Install with: pip install --require-hashes --only-binary :all: --no-index "
    "--find-links WHEELS -r THIS\n"
)
#: What marks a published wheel that was not built here.
AS_PUBLISHED: Final = "published as is, not rebuilt"


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedPin:
    """A pin with its wheels.

    Without wheels the pin does not apply here, and is left out by name. ``as_published`` is true
    where a wheel is the published one. ``modified`` says how sources differ from the pinned sdist.
    ``rests_on`` names the published wheels that build requirements from source were built with in
    the end.
    """

    pin: Pin
    wheels: tuple[Wheel, ...] = ()
    as_published: bool = False
    modified: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()


def verified(
    requirements: Requirements,
    records: Iterable[BuildRecord],
    *,
    skip: frozenset[str] = frozenset(),
    applies: Callable[[Pin], bool] | None = None,
) -> tuple[VerifiedPin, ...]:
    """Return each pin with all wheels that have a matching record, in the order of the input.

    ``skip`` are project names, compared in normal form. ``applies`` says which pins need a wheel
    (all, if not given); the others are kept only if they have one.

    :raises AsamanError: one for each pin that needs a wheel and has none, all together
    """
    skipped = {canonicalize_name(name) for name in skip}
    known = tuple(records)
    entries = [_verified_pin(pin, known) for pin in requirements.pins if pin.name not in skipped]
    missing = [
        _missing(entry.pin, known)
        for entry in entries
        if not entry.wheels and (applies is None or applies(entry.pin))
    ]
    if missing:
        raise all_of(missing)
    if not any(entry.wheels for entry in entries):
        raise AsamanError("no requirements", f"nothing of {requirements.path} is left to verify")
    return tuple(entries)


def render(entries: Sequence[VerifiedPin]) -> str:
    """Return the text of a requirements file, as pip and uv read it."""
    return _HEADER + "".join(_rendered(entry) for entry in entries)


def write_verified_requirements_file(
    output: Path,
    entries: Sequence[VerifiedPin],
    *,
    inputs: Iterable[Path] = (),
    put: Callable[[Path, str], object] | None = None,
) -> None:
    """Write the requirements file of *entries* to *output*, if it reads back as what was meant.

    ``inputs`` are files that must not be overwritten; the files that have the pins are known.
    ``put`` takes the path and the text in the place of writing.

    :raises AsamanError: *output* is not a regular file or one of the inputs; the
        rendered text reads differently; it cannot be written
    """
    check_output(output, [*inputs, *origins(entries)])
    text = render(entries)
    check_rendered(entries, _read_back(text), output)
    (put or write_output)(output, text)


def check_rendered(
    entries: Sequence[VerifiedPin], found: Sequence[Pin] | None, output: Path
) -> None:
    """Check that *found*, which was read from the rendered text, is what *entries* mean.

    :raises AsamanError: it is not
    """
    meant = [_essence(entry.pin, _digests(entry)) for entry in entries if entry.wheels]
    if found is None or [_essence(pin, pin.digests) for pin in found] != meant:
        raise AsamanError(
            f"cannot write {output}", "it would not read back as the same requirements"
        )


def check_output(output: Path, inputs: Iterable[Path]) -> None:
    """Check that *output* is missing, or a regular file that is not one of *inputs*.

    :raises AsamanError: ``cannot write OUTPUT``
    """
    try:
        mode = output.lstat().st_mode
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise _unwritable(output, error) from None
    kind = next((name for test, name in _KINDS if test(mode)), None)
    if kind is not None:
        raise AsamanError(f"cannot write {output}", f"it is {kind}")
    for path in inputs:
        if path.exists() and output.samefile(path):
            raise AsamanError(f"cannot write {output}", f"it is the input {path}")


def write_output(output: Path, text: str) -> None:
    """Write *text* to *output* by one rename, so that no reader sees half of it.

    :raises AsamanError: ``cannot write OUTPUT``, with the exit code of input and output
    """
    try:
        files.put_in_place(output, text.encode())
    except OSError as error:
        raise _unwritable(output, error) from None


def origins(entries: Sequence[VerifiedPin]) -> list[Path]:
    """Return the files that have the pins."""
    paths = (entry.pin.origin.path for entry in entries if entry.pin.origin is not None)
    return [Path(path) for path in dict.fromkeys(paths)]


# Finding


def _verified_pin(pin: Pin, records: Sequence[BuildRecord]) -> VerifiedPin:
    ours = [r for r in records if _is_for(pin, r) and _built_from(pin, r)]
    wheels = {record.wheel.filename: record.wheel for record in ours}
    return VerifiedPin(
        pin=pin,
        wheels=tuple(wheels[name] for name in sorted(wheels)),
        as_published=any(record.as_published for record in ours),
        modified=tuple(sorted({str(r.source.modified) for r in ours if r.source.modified})),
    )


def _is_for(pin: Pin, record: BuildRecord) -> bool:
    """Whether record and file name both have exactly the pin's name and version."""
    try:
        name, version, _, _ = parse_wheel_filename(record.wheel.filename)
        said = Version(record.version)
    except (InvalidWheelFilename, InvalidVersion):
        return False
    names = {canonicalize_name(record.name), name}
    same = said == version and is_release(pin.version, str(version))
    return names == {pin.name} and same


def _built_from(pin: Pin, record: BuildRecord) -> bool:
    """Whether the record's source has a hash of the pin; other algorithms say nothing.

    A source that the user named in the place of a missing sdist has none.
    """
    if not pin.digests:
        return False
    digest = record.source.pinned
    if digest is None:
        return True
    comparable = [known for known in pin.digests if known.algorithm == digest.algorithm]
    return not comparable or digest in comparable


def _missing(pin: Pin, records: Sequence[BuildRecord]) -> AsamanError:
    others = [record for record in records if _is_for(pin, record)]
    why = (
        f"its wheel was built from another source ({others[0].source.digest})"
        if others
        else "it has no wheel with a provenance record"
    )
    return AsamanError(
        str(pin), why, hint="build it first, or leave it out with --skip", origin=pin.origin
    )


# Writing


def _rendered(entry: VerifiedPin) -> str:
    pin = entry.pin
    marker = f" ; {pin.marker}" if pin.marker else ""
    if not entry.wheels:
        return f"# left out: {pin}{marker}\n"
    extras = f"[{','.join(pin.extras)}]" if pin.extras else ""
    hashes = "".join(f" \\\n    --hash={digest}" for digest in _digests(entry))
    note = f"\n    # {AS_PUBLISHED}" if entry.as_published else ""
    note += "".join(f"\n    # {each}" for each in entry.modified)
    if entry.rests_on:
        note += f"\n    # built with published wheels: {', '.join(entry.rests_on)}"
    return f"{pin.name}{extras}=={pin.version}{marker}{hashes}{note}\n"


def _digests(entry: VerifiedPin) -> tuple[Digest, ...]:
    return tuple(sorted({wheel.digest for wheel in entry.wheels}))


def _essence(pin: Pin, digests: Iterable[Digest]) -> tuple[object, ...]:
    return pin.name, pin.version, pin.extras, pin.marker, tuple(sorted(digests))


def _read_back(text: str) -> tuple[Pin, ...] | None:
    """Return the pins of the rendered text, or ``None`` where it says anything else."""
    try:
        found = parse_requirements(text, path="")
    except AsamanError:
        return None
    plain = Requirements(kind=found.kind, path="", pins=found.pins)
    return found.pins if found == plain else None


def _is_device(mode: int) -> bool:
    return stat.S_ISCHR(mode) or stat.S_ISBLK(mode)


_KINDS: Final = (
    (stat.S_ISLNK, "a symbolic link"),
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (_is_device, "a device"),
)


def _unwritable(output: Path, error: OSError | ValueError) -> AsamanError:
    why = system_reason(error).lower()
    return AsamanError(f"cannot write {output}", why, code=ExitCode.INPUT_OUTPUT)
