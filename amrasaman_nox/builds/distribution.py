"""Which packages of the distribution own files of the system; dpkg and rpm are asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from amrasaman_nox.builds import tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DPKG: Final = Path("/var/lib/dpkg/status")
_RPM: Final = (
    Path("/usr/lib/sysimage/rpm/rpmdb.sqlite"),
    Path("/var/lib/rpm/rpmdb.sqlite"),
    Path("/var/lib/rpm/Packages"),
)
_RELEASE: Final = Path("/etc/os-release")
_SECONDS: Final = 60


class Owner(NamedTuple):
    """A package of the distribution: its name, version and architecture, and ``deb`` or ``rpm``."""

    kind: str
    name: str
    version: str
    architecture: str


def release() -> str:
    """Return the distribution and its version, such as ``debian 12``, or ``""``."""
    try:
        lines = _RELEASE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    values = (facts.get(name, "").strip("\"'") for name in ("ID", "VERSION_ID"))
    return " ".join(filter(None, values))


def state() -> str:
    """Return a text that changes when a package is installed, removed or updated."""
    found = []
    for path in (_DPKG, *_RPM):
        try:
            facts = path.stat()
        except OSError:
            continue
        found.append(f"{path} {facts.st_size} {facts.st_mtime_ns}")
    return "\n".join(found)


def owners(paths: Sequence[str]) -> dict[str, Owner]:
    """Return the package of each of *paths*; those that belong to none are left out."""
    if not paths:
        return {}
    if _DPKG.exists():
        return _of_dpkg(paths)
    return _of_rpm(paths)


def _of_dpkg(paths: Sequence[str]) -> dict[str, Owner]:
    # Packages may know a file by the path that it had before /lib became a link to /usr/lib.
    asked = {spelling: path for path in paths for spelling in _spellings(path)}
    names: dict[str, str] = {}
    for line in _output("dpkg-query", "--search", *asked):
        packages, separator, path = line.partition(": ")
        if separator and path in asked and not packages.startswith("diversion "):
            names.setdefault(asked[path], packages.split(", ")[0])
    found = {}
    for line in _output(
        "dpkg-query",
        "--show",
        "--showformat=${binary:Package}\\t${Package}\\t${Version}\\t${Architecture}\\n",
        *sorted(set(names.values())),
    ):
        binary, name, version, architecture = line.split("\t")
        found[binary] = Owner("deb", name, version, architecture)
    return {path: found[name] for path, name in names.items() if name in found}


def _spellings(path: str) -> Iterator[str]:
    yield path
    if path.startswith("/usr/"):
        yield path.removeprefix("/usr")


def _of_rpm(paths: Sequence[str]) -> dict[str, Owner]:
    found = {}
    form = "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n"
    lines = _output("rpm", "--query", "--queryformat", form, "--file", *paths)
    for path, line in zip(paths, lines, strict=False):
        # A file of no package has a sentence of its own, without tabulators.
        parts = line.split("\t")
        if len(parts) == 3:
            found[path] = Owner("rpm", *parts)
    return found


def _output(program: str, *arguments: str) -> Iterable[str]:
    """Return the lines of an answer; part of it may be that some paths are not known."""
    done = tools.answer([program, *arguments], seconds=_SECONDS)
    return () if done is None else done.stdout.splitlines()
