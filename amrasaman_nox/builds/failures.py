"""What a failed build comes to: its stage, its reason, and the hint that holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildFailure

if TYPE_CHECKING:
    from amrasaman_nox.builds.hooks import HookFailed
    from amrasaman_nox.model import Source


#: How much of a log, from its end, is searched: lines, and characters of each.
_LAST_LINES: Final = 400
_LONGEST_LINE: Final = 2000


class Hint(NamedTuple):
    """What mends a failure: a line of the log has a match of each of *patterns*.

    Patterns have no ``*`` and no ``+``: backends write the log, and a search must be linear.
    """

    patterns: tuple[str, ...]
    text: str


_TAKE: Final = "use the published wheel: --only-binary {name}"
_NOT_THERE: Final = r"not found|No such file"
HINTS: Final = (
    Hint(
        (r"directory of OpenSSL|system library `openssl`",),
        "install OpenSSL's headers, then run again (Debian: libssl-dev pkg-config)",
    ),
    Hint(
        (r"The system library `",),
        "install the library's headers and pkg-config, then run again",
    ),
    Hint((r"can't find (Rust|cargo)",), f"install Rust, or {_TAKE}"),
    Hint(
        (r"requires rustc |not supported by the following packages|E0554",),
        "it needs another Rust: name a toolchain that is installed with --rust",
    ),
    Hint(
        (r"failed to (get|download|fetch|query|load source)|no matching package|crates\.io",),
        f"it needs crates that its Cargo.lock does not name; {_TAKE}",
    ),
    Hint(
        (
            r"[Nn]ame resolution|Could not resolve host|Network is unreachable|URLError|"
            r"Failed to establish a new connection",
        ),
        f"a build has no network; {_TAKE}",
    ),
    Hint((r"Python\.h: No such file",), "install the interpreter's headers (Debian: python3-dev)"),
    Hint(
        (r"(gcc|g\+\+|cc|clang)'?:? ", _NOT_THERE),
        "install a C and C++ compiler (Debian: build-essential)",
    ),
    Hint(
        (r"[Nn]o C compiler|Unknown compiler",),
        "install a C and C++ compiler (Debian: build-essential)",
    ),
    Hint(
        (r"fatal error: ", r"\.h: No such file"),
        "install the library's headers, then run again",
    ),
    Hint(
        (r"ModuleNotFoundError: No module named '(setuptools|wheel|pkg_resources)",),
        "the project does not declare its build requirements; report this to the project",
    ),
    Hint((r"No space left on device",), "free some space, then run again"),
    *(
        Hint((f"^{limit} limit exceeded",), f"if the build needs more, raise the limit: {option}")
        for limit, option in (
            ("time", "--timeout SECONDS"),
            ("silence", "--silence-timeout SECONDS"),
            ("log size", "--max-log SIZE"),
            ("memory", "--max-memory SIZE"),
            ("process", "--max-processes NUMBER"),
            ("disk", "--max-disk SIZE"),
        )
    ),
)


def hint_for(reason: str, log: str) -> str:
    """Return what mends a failure, with ``{name}`` for the project's, or ``""``."""
    last = log.split("\n")[-_LAST_LINES:]
    lines = [line[:_LONGEST_LINE] for line in (reason, *last)]
    for hint in HINTS:
        for line in lines:
            if all(re.search(pattern, line) for pattern in hint.patterns):
                return hint.text
    return ""


def failure_of(source: Source, stage: str, error: AsamanError | HookFailed) -> BuildFailure:
    """Return *error*, which came up at *stage*, as the failure of *source*.

    Of a hook that failed, the stage is the hook, and the hint is what its log suggests.
    """
    if isinstance(error, AsamanError):
        return BuildFailure.of_error(source.pin, stage, error)
    return BuildFailure.of(
        source.pin,
        stage=error.hook,
        reason=error.reason,
        hint=hint_for(error.reason, error.log).format(name=source.name),
        log=error.log,
        log_path=error.log_path,
    )
