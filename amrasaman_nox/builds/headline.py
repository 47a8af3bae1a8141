"""The line of a failed hook's output that names the cause."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How much of an output, from its end, is searched: lines, and characters of each.
_LAST_LINES: Final = 400
_LONGEST_LINE: Final = 1000
#: The frames of a traceback that ended the hook itself: our script of hooks, or the frontend's.
_HOOK_FRAMES: Final = ('File "/build/frontend/hook.py"', "_in_process.py")
#: Lines that tell only that something else failed; its own words are further up.
_WRAPPERS: Final = re.compile(
    r"returned non-zero exit status|CalledProcessError|"
    r"[Cc]ommand .{1,200} failed with exit (code|status)|"
    r"ld returned \d|Build step |ninja: build stopped|"
    r"make(\[\d{1,3}\])?: \*\*\* |^FAILED: |\[Errno \d{1,3}\] -|"
    r"Configuring incomplete|CMake configuration failed|CMake build failed|"
    r"^error: metadata-generation-failed|subprocess-exited-with-error|"
    r"^error: could not compile |^Error: command \[|cargo rustc|Cargo build finished with|"
    r"^SystemExit|autom4te failed|DistutilsExecError|CompileError: command|LinkError: command"
)
#: Lines that are no fault of anything, or go on with what another one says.
_HARMLESS: Final = re.compile(
    r"[Ww]arning: |^checking |^-- |^copying |^adding |^creating |^writing |^reading |^Compiling |"
    r"no files found matching|previously-included|searching for|^(note|hint|help): |^\s"
)
#: Words of lines that say what is wrong.
_TELLING: Final = re.compile(
    r"(Error|Exception)(: |$)|(fatal |configure: |^)error(\[E\d{4}\])?: |: error: |"
    r"^ERROR:? |: ERROR: |^CMake Error|not found|No such file|cannot find|[Uu]ndefined reference|"
    r"Permission denied|[Cc]annot |[Cc]ould not |[Cc]an't |[Uu]nable to |[Ff]ailed to |missing|"
    r"failure in name resolution|Network is unreachable|No C compiler|No space left"
)
#: Ends of lines whose message goes on in the next line.
_GOES_ON: Final = re.compile(
    r"(CMake Error at [^:]{1,200}:\d{1,6}( \(\w{1,40}\))?|Error|Exception):$"
)
#: An exception without a message.
_WORDLESS: Final = re.compile(r"[A-Za-z_][\w.<>]{0,200}")


def headline(output: str) -> str:
    """Return the line of *output* that says best why a hook failed, ``""`` if nothing was said.

    That is what the exception that ended the hook says. Where it only tells that a program failed
    (``CalledProcessError``, ``command 'gcc' failed``), it is what was said before that.
    """
    lines = _end_of(output)
    at = _own_exception(lines)
    if at is not None and not _is_wrapper(lines[at]):
        return _message(lines, at)
    cause = next(_telling(lines if at is None else lines[:at]), at)
    if cause is not None:
        return _message(lines, cause)
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _own_exception(lines: list[str]) -> int | None:
    """Return where the exception is named that ended the hook itself, if one did."""
    frames = [at for at, line in enumerate(lines) if any(frame in line for frame in _HOOK_FRAMES)]
    if not frames:
        return None
    rest = range(frames[-1], len(lines))
    return next((at for at in rest if lines[at] and not lines[at].startswith(" ")), None)


def telling(output: str) -> Iterator[str]:
    """Yield the lines of *output* that say what is wrong or what failed, the last one first."""
    return (line for line in reversed(_end_of(output)) if _is_telling(line) or _is_wrapper(line))


def _end_of(output: str) -> list[str]:
    return [line.rstrip()[:_LONGEST_LINE] for line in output.split("\n")[-_LAST_LINES:]]


def _telling(lines: list[str]) -> Iterator[int]:
    """Yield where the lines are that say what is wrong, the last one first."""
    for at in reversed(range(len(lines))):
        if _is_telling(lines[at]) and not _is_wrapper(lines[at]):
            yield at


def _is_telling(line: str) -> bool:
    return bool(_TELLING.search(line)) and not _HARMLESS.search(line)


def _message(lines: list[str], at: int) -> str:
    """Return what the line says, with the next one where its sentence goes on there."""
    line = lines[at].strip()
    following = next((each.strip() for each in lines[at + 1 :] if each.strip()), "")
    if _WORDLESS.fullmatch(line):
        return following or line
    return f"{line} {following}".strip() if _GOES_ON.search(line) else line


def _is_wrapper(line: str) -> bool:
    return bool(_WRAPPERS.search(line))
