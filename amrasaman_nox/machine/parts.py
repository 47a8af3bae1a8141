"""The parts of a machine that builds use, in one table: a part is one function and one row here."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final, NamedTuple

from amrasaman_nox import system
from amrasaman_nox.builds import tools
from amrasaman_nox.config.variables import default_cache, own_variables
from amrasaman_nox.environments import interpreters, toolchains
from amrasaman_nox.model import Fact
from amrasaman_nox.sandbox import clock, locales
from amrasaman_nox.sandbox.normalise import SYSTEM_PATH
from amrasaman_nox.sources import uv
from amrasaman_nox.sources.store import Store
from amrasaman_nox.verification.variations import installed_locales

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from amrasaman_nox.config.config import Config

#: Distributions whose versions can change what is built, or what is said of it.
_DISTRIBUTIONS: Final = ("amrasaman-nox", "nox", "uv", "build", "virtualenv", "packaging")
#: What any index has, and what is asked for to see whether it answers.
_PROJECT: Final = "flit-core"
_NEEDS_LINUX: Final = f"needs Linux, and this is {sys.platform}"
_CONTAINER: Final = "build in a container: docs/how-to/container.md of amrasaman-nox"
_COMPILERS: Final = {
    "compiler": ("cc", "install a C compiler (Debian: build-essential; Fedora: gcc)"),
    "compiler-c++": ("c++", "install a C++ compiler (Debian: build-essential; Fedora: gcc-c++)"),
    "git": ("git", "install git: versions from tags and commit times need it"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What is looked at: this machine, with the settings of a run."""

    config: Config

    @property
    def cache(self) -> Path:
        """The folder of the store; it need not be there."""
        return self.config.cache_dir or default_cache()


class Part(NamedTuple):
    """A part: its name, and who looks at it."""

    name: str
    look: Callable[[Machine], Iterator[Fact]]


def _system(_: Machine) -> Iterator[Fact]:
    try:
        name = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        name = ""
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    value = ", ".join(filter(None, (name, kernel, f"{os.cpu_count()} processors")))
    works = system.builds()
    yield Fact(
        name="system",
        value=value if works else f"{value}: building {_NEEDS_LINUX}",
        works=works,
        fix="" if works else _CONTAINER,
    )


def _versions(_: Machine) -> Iterator[Fact]:
    found = [f"{name} {metadata.version(name)}" for name in _DISTRIBUTIONS]
    yield Fact(name="versions", value=", ".join(found))


def _python(machine: Machine) -> Iterator[Fact]:
    for request in machine.config.python or ("",):
        found = interpreters.inspect(request)
        value = f"{found.implementation} {found.version} ({found.executable})"
        yield Fact(name="python", value=value)


def _isolation(machine: Machine) -> Iterator[Fact]:
    if not system.builds():
        yield Fact(name="isolation", value=_NEEDS_LINUX, works=False, fix=_CONTAINER)
        return
    # On other systems it cannot be imported.
    from amrasaman_nox.sandbox import ladder

    taken = ""
    for rung, found, why in ladder.tried():
        reason = "; ".join(one.partition(" is not available: ")[2] or one for one in why)
        if found is not None:
            # In CI, no isolation is never taken unasked.
            allowed = not rung.warning or not machine.config.in_ci
            taken = taken or (rung.name if allowed else "")
            value = f"{rung.provides} ({reason})" if reason else rung.provides
            yield Fact(name=f"isolation-{rung.name}", value=value)
        else:
            yield Fact(name=f"isolation-{rung.name}", value=reason, works=False, fix=rung.remedy)
    yield Fact(name="isolation", value=taken or "none works", works=bool(taken))


def _clock(machine: Machine) -> Iterator[Fact]:
    found = system.builds() and clock.library(machine.cache)
    yield Fact(
        name="clock",
        value=str(found) if found else "libfaketime is not installed: verify compiles it",
        works=bool(found),
        fix="" if found else f"pip install {clock.PACKAGE}, or package libfaketime",
    )


def _locales(machine: Machine) -> Iterator[Fact]:
    found = installed_locales(tools.locales())
    compiled = locales.compiled(machine.cache)
    localedef = shutil.which("localedef", path=SYSTEM_PATH)
    value = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
    if not found:
        where = "compiled by an earlier run" if compiled else "none; verify compiles one"
        value = where if compiled or localedef else "none that sorts unlike C"
    works = bool(found or compiled or localedef)
    fix = "" if works else "install a locale, or localedef (Debian: package locales)"
    yield Fact(name="locales", value=value, works=works, fix=fix)


def _tools(_: Machine) -> Iterator[Fact]:
    known = {tool.name: tool.version for tool in tools.reachable()}
    for name, (program, fix) in _COMPILERS.items():
        works = program in known
        value = known.get(program, f"{program} is not on the path of builds")
        yield Fact(name=name, value=value, works=works, fix="" if works else fix)


def _rust(machine: Machine) -> Iterator[Fact]:
    sysroot = toolchains.sysroot(machine.config.rust or "", dict(own_variables()))
    done = tools.answer((str(sysroot / "bin/rustc"), "--version"), seconds=10)
    said = done.stdout.strip() if done is not None else "no answer"
    yield Fact(name="rust", value=f"{said}: {sysroot}", works=bool(done and not done.returncode))


def _cache(machine: Machine) -> Iterator[Fact]:
    root = Store.open(machine.cache).root
    size, count = _size(root)
    value = f"{root}: {_shown(size)} in {count} files"
    if hasattr(os, "statvfs"):
        value += f", {_shown(shutil.disk_usage(root).free)} free"
    yield Fact(name="cache", value=value)


def _index(machine: Machine) -> Iterator[Fact]:
    index = machine.config.index
    if index.no_index or index.offline:
        option = "--offline" if index.offline else "--no-index"
        yield Fact(name="index", value=f"not asked: {option}", works=False)
        return
    client = uv.Client(index=index, python=sys.executable, cache=machine.cache / "uv")
    # Where it has no such project, it has answered as well.
    client.run(("--no-deps", "--no-build"), (_PROJECT,))
    yield Fact(name="index", value=f"{_without_password(client)} answers")


def _without_password(client: uv.Client) -> str:
    from amrasaman_nox.sources.access import without_credentials

    return without_credentials(client.index.index_url or client.default_index())


@functools.cache
def _size(root: Path) -> tuple[int, int]:
    """Return how many bytes and files are below *root*; a file with two names counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            try:
                facts = os.lstat(os.path.join(folder, name))  # noqa: PTH118
            except OSError:  # A run has just moved it.
                continue
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values()), len(sizes)


def _shown(size: int) -> str:
    """Return *size*, in bytes, as a person reads it."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size} {unit}"
        size //= 1024
    return f"{size} GiB"


PARTS: Final[tuple[Part, ...]] = (
    Part("system", _system),
    Part("versions", _versions),
    Part("python", _python),
    Part("isolation", _isolation),
    Part("clock", _clock),
    Part("locales", _locales),
    Part("compiler", _tools),
    Part("rust", _rust),
    Part("cache", _cache),
    Part("index", _index),
)
