"""What a failed build comes to: its stage, its reason, and the hint that holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure

if TYPE_CHECKING:
    from amrasaman_nox.builds import hooks
    from amrasaman_nox.model import BuildJob


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


def failure_of(job: BuildJob, failed: hooks.HookFailed) -> BuildFailure:
    """Return the failure that a hook's end makes, with the hint that its log suggests."""
    text = f"{failed.reason}\n{failed.log}"
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, text, re.MULTILINE)), "")
    return BuildFailure(
        name=job.source.name,
        version=job.source.version,
        stage=failed.hook,
        reason=failed.reason,
        hint=hint.format(name=job.source.name),
        log=failed.log,
        log_path=failed.log_path,
        origin=job.source.pin.origin,
    )


def failed(job: BuildJob, stage: str, error: AsamanError) -> BuildFailure:
    """Return *error* as the failure of *job*."""
    return BuildFailure(
        name=job.source.name,
        version=job.source.version,
        stage=stage,
        reason=str(error),
        hint=error.hint,
        code=error.code or ExitCode.BUILD_FAILED,
        origin=job.source.pin.origin,
    )
