"""What every archive must keep to, whatever its format: names of members, and limits.

Sdists (tar and zip) and wheels are judged by the same rules, so that no member can be read
differently by two readers, or be written outside the folder that it is unpacked into.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from amrasaman_nox.errors import AsamanError, ExitCode, printable, shown

#: Limits: members, bytes in all, bytes of a component and of a path, components of a path.
MOST_MEMBERS: Final = 100_000
MOST_BYTES: Final = 2 << 30
LONGEST_COMPONENT: Final = 255
LONGEST_PATH: Final = 4096
DEEPEST: Final = 100
#: An archive may expand to this many bytes, or to this many times its own size.
FREE_BYTES: Final = 64 << 20
HIGHEST_RATIO: Final = 100

_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The archive that is read, as errors name it, and the exit code when it is refused."""

    what: str
    code: ExitCode = ExitCode.BAD_INPUT

    def refusal(self, why: str) -> AsamanError:
        """Return the error that says *why* this archive is refused."""
        return AsamanError(self.what, why, code=self.code)


def byte_limit(archive_size: int) -> int:
    """Return how many bytes an archive of *archive_size* bytes may expand to."""
    return min(MOST_BYTES, max(FREE_BYTES, HIGHEST_RATIO * archive_size))


def split_name(subject: Subject, name: str) -> tuple[str, ...]:
    """Return the components of a member's *name*, which has no slash at its end.

    :raises AsamanError: the name is absolute, leaves its folder, is not in its shortest form, is
        too long, or holds a backslash, a control or a bidirectional control character
    """
    parts = tuple(name.split("/"))
    if not _is_safe(name, parts):
        raise subject.refusal(f"unsafe member name {quoted(name)}")
    encoded = [len(part.encode()) for part in parts]
    if len(parts) > DEEPEST or max(encoded) > LONGEST_COMPONENT:
        raise subject.refusal(f"member name too long {quoted(name)}")
    if sum(encoded) + len(parts) > LONGEST_PATH:
        raise subject.refusal(f"member name too long {quoted(name)}")
    return parts


def _is_safe(name: str, parts: tuple[str, ...]) -> bool:
    return (
        not any(part in {"", ".", ".."} for part in parts)
        and "\\" not in name
        and printable(name) == name
        and not _DRIVE.match(name)
    )


def quoted(name: str) -> str:
    """Return *name* for a message, shortened and without control characters."""
    return repr(shown(name, 120))


@dataclass(slots=True)
class Names:
    """The names seen so far: each once, also on file systems that fold case or normalise.

    Without ``fold`` names may differ by case. Every folder on the way to a member counts as a name
    of its own, with one spelling.
    """

    subject: Subject
    fold: bool = True
    folders: set[str] = field(default_factory=set)
    _spellings: dict[str, str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    @property
    def _difference(self) -> str:
        return "case" if self.fold else "Unicode normalisation"

    def add(self, parts: tuple[str, ...], *, folder: bool = False) -> None:
        """Take the name of a member.

        :raises AsamanError: there is a member of this name, or of one that differs only by case
            or normalisation, or a component of the path is a file; or there are too many members
        """
        name = "/".join(parts)
        if name in self._taken:
            raise self.subject.refusal(f"duplicate member {quoted(name)}")
        self._taken.add(name)
        if len(self._taken) > MOST_MEMBERS:
            raise self.subject.refusal(f"more than {MOST_MEMBERS:,} members")
        if "/".join(parts[:-1]) not in self.folders:
            for end in range(1, len(parts)):
                self._add_folder("/".join(parts[:end]))
        if folder:
            self._add_folder(name)
        else:
            self._add_spelling(name)

    def _add_folder(self, name: str) -> None:
        if name not in self.folders:
            self._add_spelling(name)
            self.folders.add(name)

    def _add_spelling(self, name: str) -> None:
        key = folded(name) if self.fold else unicodedata.normalize("NFC", name)
        other = self._spellings.setdefault(key, name)
        if other is not name:
            same = other == name
            raise self.subject.refusal(
                f"{quoted(name)} is both a file and a folder"
                if same
                else f"{quoted(other)} and {quoted(name)} differ only by {self._difference}"
            )


def folded(name: str) -> str:
    """Return what file systems that fold case and normalise take *name* for."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
