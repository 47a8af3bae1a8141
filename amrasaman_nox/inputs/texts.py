"""Reading text files, and the checks that all input formats share."""

from __future__ import annotations

import codecs
import os
import re
import stat
from typing import Final
from urllib.parse import urlsplit

from amrasaman_nox import system
from amrasaman_nox.errors import AsamanError, Kind, Origin, code_of, shown, system_reason
from amrasaman_nox.model import Digest

_LONGEST_FILE: Final = 64 * 1024 * 1024
# What some readers take for the end of a line, or hide from the eye.
CONTROL: Final = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# Other encodings have a NUL in each letter, so the beginning tells.
_LOOKED_AT: Final = 64
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HASH_HINT: Final = (
    "compile with hashes: `uv pip compile --generate-hashes` or `pip-compile --generate-hashes`"
)


def read_text(path: str, origin: Origin | None = None) -> tuple[str, os.stat_result]:
    """Return the text of the regular file at *path*, without a byte order mark.

    It is UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it. ``origin`` is
    where the file was named, if in another one.

    :raises AsamanError: ``cannot read PATH``
    """
    try:
        # Looked at by its name first: to open a device may do something.
        _check_kind(path, os.stat(path), origin)  # noqa: PTH116
        # Without waiting, so that a named pipe put there since cannot hold us up.
        with os.fdopen(os.open(path, os.O_RDONLY | system.NONBLOCK | system.CLOEXEC), "rb") as file:
            status = os.fstat(file.fileno())
            _check_kind(path, status, origin)
            data = file.read(_LONGEST_FILE + 1) or b""
    except (OSError, ValueError) as error:
        why = system_reason(error).lower()
        raise AsamanError(f"cannot read {path}", why, origin=origin, code=code_of(error)) from None
    if len(data) > _LONGEST_FILE:
        raise AsamanError(f"cannot read {path}", "larger than 64 MiB", origin=origin)
    utf16 = data.startswith(_UTF16_MARKS)
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_text(path, utf16, data.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text[:_LOOKED_AT]:
        raise _not_text(path, utf16, 1)
    return text, status


def _not_text(path: str, utf16: bool, line: int) -> AsamanError:
    return AsamanError(
        f"cannot read {path}",
        f"not {'UTF-16' if utf16 else 'UTF-8'}",
        hint="save the file as UTF-8",
        origin=Origin(path=path, line=line),
    )


def _check_kind(path: str, status: os.stat_result, origin: Origin | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise AsamanError(f"cannot read {path}", "is a directory", origin=origin)
    if not stat.S_ISREG(status.st_mode):
        raise AsamanError(f"cannot read {path}", "not a regular file", origin=origin)


def strong_digests(values: list[str], what: str) -> tuple[tuple[Digest, ...], tuple[str, ...]]:
    """Return the strong digests among *values*, and the algorithms that are not used.

    ``values`` are written as ``algorithm:hexadecimal``, and belong to *what*.

    :raises AsamanError: a malformed hash, or none that is strong
    """
    strong: list[Digest] = []
    unused: dict[str, AsamanError] = {}
    for value in values:
        algorithm, _, content = value.partition(":")
        if not algorithm or not content:
            raise AsamanError(
                f"malformed hash {shown(value, 80)}", "algorithm:hexadecimal is required"
            )
        try:
            strong.append(Digest.parse(value))
        except AsamanError as error:
            if error.kind is not Kind.WEAK_HASH:
                raise
            unused[algorithm.lower()] = error
    if unused and not strong:
        first = next(iter(unused.values()))
        raise AsamanError(
            first.what,
            f"{what} has no hash of sha256 or stronger",
            hint=HASH_HINT,
            kind=Kind.WEAK_HASH,
        )
    return tuple(dict.fromkeys(strong)), tuple(unused)


def check_url(url: str, what: str, schemes: tuple[str, ...]) -> None:
    """Check that *url* is one, of one of *schemes*; its text is never repeated in the error.

    :raises AsamanError: ``invalid WHAT``
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise AsamanError(f"invalid {what}", "not a URL") from None
    if parts.scheme not in schemes:
        raise AsamanError(f"invalid {what}", f"not {' or '.join(schemes)}")
    if parts.scheme != "file" and not parts.hostname:
        raise AsamanError(f"invalid {what}", "no host")
    if parts.netloc.count("@") > 1 or CONTROL.search(url) or re.search(r"\s", url):
        raise AsamanError(f"invalid {what}", "it has a character that must be percent-encoded")
