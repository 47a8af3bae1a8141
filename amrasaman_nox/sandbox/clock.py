"""Another clock for a build: where libfaketime is, and how a command is started under it.

The library comes from the package ``libfaketime`` of the package index, from the store, where it
was compiled from that package's sdist, or from the distribution. Nothing of the package is
imported: only its file is shown to builds, read-only and at one path.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sandbox.view import CLOCK, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.sandbox.view import ProcessSpec

#: The project on the package index, and the library in its wheel.
PACKAGE: Final = "libfaketime"
IN_WHEEL: Final = "libfaketime/vendor/libfaketime/src/libfaketime.so.1"
#: The sdist that is compiled where the package's own library does not run.
_SHA256: Final = "49c2b06250bd5a1206efe5ecfdc575850517081b50b42c6c58718be1a4a09fbd"
PIN: Final = f"{PACKAGE}==3.0.1 --hash=sha256:{_SHA256}"
#: Where the distributions have it.
_OF_SYSTEM: Final = ("lib/*/faketime", "lib64/faketime", "lib/faketime", "local/lib/faketime")
#: What of an ELF header says which programs can load a library: class, byte order, machine.
_ELF: Final = (slice(0, 6), slice(18, 20))


def compiled(root: Path) -> Path:
    """Return where the library is, or would be, that was compiled into the store at *root*."""
    return root / "clock" / _SHA256[:32] / "libfaketime.so.1"


def library(root: Path | None = None, *, of_system: bool = True) -> str:
    """Return the path of a libfaketime for this machine's programs, or ``""``.

    :param root: the store's folder
    :param of_system: whether the distribution's will do
    """
    candidates = (
        *_packaged(),
        *([compiled(root)] if root is not None else ()),
        *(_of_system() if of_system else ()),
    )
    return str(next((path for path in candidates if _loads_here(path)), ""))


def _packaged() -> Iterator[Path]:
    """Yield the library of the installed package; importing that would change this process."""
    try:
        yield Path(str(importlib.metadata.distribution(PACKAGE).locate_file(IN_WHEEL)))
    except importlib.metadata.PackageNotFoundError:
        return


def _of_system() -> Iterator[Path]:
    for pattern in _OF_SYSTEM:
        yield from sorted(Path("/usr").glob(f"{pattern}/libfaketime.so.1"))


def _loads_here(path: Path) -> bool:
    """Return whether *path* is of the machine that this program is of; wheels say "any"."""
    ours = _header(Path("/proc/self/exe"))
    return bool(ours) and _header(path) == ours


def _header(path: Path) -> tuple[bytes, ...]:
    try:
        with path.open("rb") as file:
            start = file.read(20)
    except OSError:
        return ()
    return tuple(start[part] for part in _ELF)


def under(command: ProcessSpec, *, constant_paths: bool) -> tuple[str, ...]:
    """Return the start of a command line under another clock; times of files stay as they are.

    :raises AsamanError: there is no libfaketime (exit 4)
    """
    world = command.environment
    if world.clock is None and not world.clock_offset:
        return ()
    if not command.clock:
        raise AsamanError(
            "another clock",
            "libfaketime is not installed",
            hint=f"install it (pip install {PACKAGE}; Debian, Fedora: package libfaketime)",
            code=ExitCode.NOT_AVAILABLE,
        )
    moment = (
        (f"FAKETIME={world.clock_offset:+d}",)
        if world.clock is None
        else (f"FAKETIME={world.clock + world.clock_offset}", "FAKETIME_FMT=%s")
    )
    variables = ("FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1", *moment)
    path = CLOCK if constant_paths else command.clock
    return (program("env"), f"LD_PRELOAD={path}", *variables)
