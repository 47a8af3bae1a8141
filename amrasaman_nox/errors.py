"""What can go wrong, as one value: what, why, a hint and an exit code."""

from __future__ import annotations

import enum
import errno
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The longest line that an error prints.
LONGEST_MESSAGE = 500
#: The longest part of an error that is kept: what a stranger can make longer costs time to print.
_LONGEST_PART = 16_000
#: What is shown in the place of a secret.
HIDDEN = "****"
#: A URL, also one that is written wrongly: its scheme and slashes, then the rest. A user name with
#: a password may have blanks in it. Nothing here backtracks: strangers write logs.
_URL = re.compile(
    r"(://|(?i:\b(?:https?|s?ftp|ssh):)[/\\]*|(?<!\S)//)"
    r"((?:[^\s/?#@:]*+:[^/?#@\n]*+@)?\S+)"
)
_NO_SCHEME = re.compile(r"(?<![\w.%+-])[\w.%+-]++:(?![/\\]*\*{4}@)[^\s/@:]++@(?=[\w\[])")
#: What the fragment of a URL says of a file, which is no secret.
_PLAIN_FRAGMENT = re.compile(r"(md5|sha\d+|egg|subdirectory)=|[^=]*$")
#: Punctuation that follows a URL in a sentence.
_CLOSING = ")]}>'\"`,.;:"


class ExitCode(enum.IntEnum):
    """The exit codes of every command."""

    DONE = 0
    DIFFERENT = 1
    BAD_INPUT = 2
    BUILD_FAILED = 3
    NOT_AVAILABLE = 4
    INPUT_OUTPUT = 5
    INTERRUPTED = 130


#: Which exit code a run ends with where several apply: the first of these.
PRECEDENCE: Final = (
    ExitCode.INTERRUPTED,
    ExitCode.INPUT_OUTPUT,
    ExitCode.NOT_AVAILABLE,
    ExitCode.BAD_INPUT,
    ExitCode.BUILD_FAILED,
    ExitCode.DIFFERENT,
    ExitCode.DONE,
)


def first_code(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the exit code that counts among *codes*, 0 where there are none."""
    return min(codes, key=PRECEDENCE.index, default=ExitCode.DONE)


class Kind(enum.Enum):
    """What an error is about, where a caller acts on it; its text is for people alone."""

    OTHER = enum.auto()
    #: A hash of an algorithm that is weaker than sha256, or unknown.
    WEAK_HASH = enum.auto()
    #: A release of which the index client names no sdist.
    NO_SDIST = enum.auto()
    #: A file with another hash than the pinned one.
    OTHER_HASH = enum.auto()
    #: No sdist that could be built, but the published wheel can be used (``--only-binary``).
    TAKE_WHEEL = enum.auto()
    #: An isolation that is not available.
    ISOLATION = enum.auto()
    #: A URL under which a server has nothing.
    NOT_FOUND = enum.auto()


#: What is not a fault of a file or of its author.
DISK_FAULTS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


def code_of(error: BaseException) -> ExitCode:
    """Return the exit code for an input that cannot be read: 5 if the disk is at fault, else 2."""
    number = getattr(error, "errno", None)
    return ExitCode.INPUT_OUTPUT if number in DISK_FAULTS else ExitCode.BAD_INPUT


def system_reason(error: OSError | ValueError) -> str:
    """Return what the operating system says is wrong, such as ``No such file or directory``.

    Python itself raises ``ValueError`` for paths that no system takes.
    """
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def printable(text: str) -> str:
    """Return *text* with what does not show escaped, and credentials in URLs shown as ``****``.

    That is what Unicode calls other or separator, but for the space: control characters, and those
    that reorder, hide or join what a terminal shows.
    """
    escaped = text
    if not text.isprintable():
        escaped = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    return redacted(escaped)


def redacted(text: str) -> str:
    """Return *text* with what may be secret in URLs shown as ``****``.

    That is all up to the last ``@``, since a password may have a slash in it, all of the query, and
    a fragment that has a value which says nothing of a file. ``USER:PASSWORD@`` is hidden without a
    scheme, too: somebody left that out.
    """
    return _NO_SCHEME.sub(rf"{HIDDEN}@", _URL.sub(_without_secrets, text))


def may_be_secret(place: str) -> bool:
    """Return whether *place*, which is no URL, is written as one with a password but no scheme."""
    return ":" in place.rpartition("@")[0]


def _without_secrets(found: re.Match[str]) -> str:
    begin, whole = found.groups()
    url = whole.rstrip(_CLOSING)
    end = whole[len(url) :]
    before, at, rest = url.rpartition("@")
    if "?" in before:
        # The last @ is one of the query, or the question mark one of a password.
        return f"{begin}{HIDDEN}{end}"
    place, sharp, fragment = rest.partition("#")
    path, mark, query = place.partition("?")
    shown = f"{path}{mark}{HIDDEN if query else ''}{sharp}"
    shown += fragment if _PLAIN_FRAGMENT.match(fragment) else HIDDEN
    return f"{begin}{f'{HIDDEN}@' if at else ''}{shown}{end}"


def shown(text: str, longest: int) -> str:
    """Return the beginning of a text of the user for a message, redacted before it is cut."""
    return shortened(redacted(text), longest)


class AsamanError(Exception):
    """Something a user can cause or mend; printed as one line, never as a traceback.

    :param what: the thing that is wrong, such as ``attrs==25.3.0``
    :param why: what is wrong with it
    :param hint: how to fix it, or ``""``
    :param code: the exit code of the command
    :param origin: the file and line of the pin, where there is one
    :param others: further errors of the same run, printed after this one
    :param kind: what a caller may ask instead of reading the text
    """

    def __init__(
        self,
        what: str,
        why: str,
        *,
        hint: str = "",
        code: ExitCode = ExitCode.BAD_INPUT,
        origin: Origin | None = None,
        others: tuple[AsamanError, ...] = (),
        kind: Kind = Kind.OTHER,
    ) -> None:
        self.what = _bounded(what)
        self.why = _bounded(why)
        super().__init__(self.what, self.why)
        self.hint = _bounded(hint)
        self.code = code
        self.origin = origin
        self.others = others
        self.kind = kind

    def __str__(self) -> str:
        return f"{self.what}: {self.why}"

    def lines(self) -> tuple[str, ...]:
        """Return ``error: WHAT: WHY`` and, where there is one, ``hint: …``, fit for a terminal."""
        where = f" ({self.origin})" if self.origin is not None else ""
        line = printable(f"error: {self.what}: {self.why}")
        own = [shortened(line, LONGEST_MESSAGE - len(printable(where))) + printable(where)]
        if self.hint:
            own.append(shortened(printable(f"hint: {self.hint}"), LONGEST_MESSAGE))
        for other in self.others:
            own.extend(other.lines())
        return tuple(own)

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments do not survive the default pickling of exceptions.
        facts = (self.hint, self.code, self.origin, self.others, self.kind)
        return _unpickled, (self.what, self.why, *facts)


def _unpickled(
    what: str,
    why: str,
    hint: str,
    code: ExitCode,
    origin: Origin | None,
    others: tuple[AsamanError, ...],
    kind: Kind,
) -> AsamanError:
    return AsamanError(what, why, hint=hint, code=code, origin=origin, others=others, kind=kind)


def shortened(line: str, longest: int) -> str:
    """Return *line* with at most *longest* characters, the last one ``…`` where it is cut."""
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST_PART else shown(text, _LONGEST_PART)


def all_of(errors: list[AsamanError]) -> AsamanError:
    """Return one error that prints all *errors*, with the exit code that counts among theirs."""
    first, *rest = errors
    return AsamanError(
        first.what,
        first.why,
        hint=first.hint,
        code=first_code(error.code for error in errors),
        origin=first.origin,
        others=(*first.others, *rest),
        kind=first.kind,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The file, and the line in it, that has a pin (lines count from 1)."""

    path: str
    line: int | None = None

    def __str__(self) -> str:
        return self.path if self.line is None else f"{self.path} line {self.line}"


def with_origin(error: AsamanError, origin: Origin) -> AsamanError:
    """Return *error* with *origin* as its file and line, unless it has one."""
    return AsamanError(
        error.what,
        error.why,
        hint=error.hint,
        code=error.code,
        origin=error.origin or origin,
        others=error.others,
        kind=error.kind,
    )
