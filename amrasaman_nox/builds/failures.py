"""What a failed build comes to: its stage, its reason, and the hint that holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure

if TYPE_CHECKING:
    from amrasaman_nox.builds.hooks import HookFailed
    from amrasaman_nox.model import Source


#: What the log of a failed build says, and what mends it.
_HINTS: Final = (
    (
        r"[Cc]argo|crates\.io|maturin|rustc",
        "it needs Rust sources from the network; take the published wheel: --only-binary {name}",
    ),
    (
        r"[Nn]ame resolution|Could not resolve host|Network is unreachable|URLError|"
        r"Failed to establish a new connection",
        "a build has no network; take the published wheel: --only-binary {name}",
    ),
    (r"Python\.h: No such file", "install the interpreter's headers (Debian: python3-dev)"),
    (
        r"(gcc|g\+\+|cc|clang)'?:? .*(not found|No such file)|[Nn]o C compiler|"
        r"Unknown compiler",
        "install a C and C++ compiler (Debian: build-essential)",
    ),
    (r"fatal error: .*\.h: No such file", "install the library's headers, then run again"),
    (
        r"ModuleNotFoundError: No module named '(setuptools|wheel|pkg_resources)",
        "the project does not declare what it builds with; report it to the project",
    ),
    (r"No space left on device", "free some space, then run again"),
    *(
        (f"^limit passed: {limit}", f"if the build is sound, give it more: {option}")
        for limit, option in (
            ("time", "--timeout SECONDS"),
            ("silence", "--silence-timeout SECONDS"),
            ("log size", "--max-log SIZE"),
            ("memory", "--max-memory SIZE"),
            ("processes", "--max-processes NUMBER"),
            ("disk", "--max-disk SIZE"),
        )
    ),
)


def failure(
    source: Source,
    *,
    stage: str,
    reason: str,
    hint: str = "",
    code: ExitCode = ExitCode.BUILD_FAILED,
    log: str = "",
    log_path: str | None = None,
) -> BuildFailure:
    """Return the failure of *source* at *stage*, one of those that :class:`BuildFailure` names."""
    return BuildFailure(
        name=source.name,
        version=source.version,
        stage=stage,
        reason=reason,
        hint=hint,
        code=code,
        log=log,
        log_path=log_path,
        origin=source.pin.origin,
    )


def failure_of(source: Source, stage: str, error: AsamanError | HookFailed) -> BuildFailure:
    """Return *error*, which came up at *stage*, as the failure of *source*.

    Of a hook that failed, the stage is the hook, and the hint is what its log suggests.
    """
    if isinstance(error, AsamanError):
        return failure(source, stage=stage, reason=str(error), hint=error.hint, code=error.code)
    text = f"{error.reason}\n{error.log}"
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, text, re.MULTILINE)), "")
    return failure(
        source,
        stage=error.hook,
        reason=error.reason,
        hint=hint.format(name=source.name),
        log=error.log,
        log_path=error.log_path,
    )
