"""What a published wheel shows about how it was built."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amrasaman_nox.archives.zip import ZipMember
    from amrasaman_nox.wheels.reader import WheelContent


#: What a Generator line calls a backend, and the project that it is.
_GENERATORS: Final = {
    "bdist_wheel": "wheel",
    "setuptools": "setuptools",
    "hatchling": "hatchling",
    "flit": "flit-core",
    "poetry-core": "poetry-core",
    "poetry": "poetry-core",
    "pdm-backend": "pdm-backend",
    "pdm-pep517": "pdm-pep517",
    "scikit-build-core": "scikit-build-core",
    "maturin": "maturin",
    "uv": "uv-build",
    "whey": "whey",
    "enscons": "enscons",
    "py-build-cmake": "py-build-cmake",
}
#: The time (seconds since 1970) that a backend gives members where no epoch is set.
OWN_TIMES: Final = {
    "hatchling": 1580601600,
    "poetry-core": 1451606400,
    "pdm-backend": 1451606400,
    "pdm-pep517": 1451606400,
    "uv-build": 315532800,
}
_UMASKS: Final = (0o022, 0o002, 0o077, 0o027, 0o007)
#: Namespace packages of old leave the version of Python in a file name.
_PYTHON = re.compile(r"-py([23]\.[0-9]+)-nspkg\.pth$")
_GENERATOR = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)(?:\s*\(|\s+|\s*$)v?([0-9][^\s()]*)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What a published wheel tells of how it was built.

    ``backend`` is the project that the Generator line names, normalised, and ``version`` its
    version; both may be empty. ``times`` are the members' times, each once, and ``info_time`` the
    latest in the dist-info folder: seconds since 1970, the zip's times read as UTC. ``umask``
    follows from the modes in that folder. ``marks`` are the names of :data:`MARKS` that are
    there. ``tags`` are the wheel's (PEP 425). ``python`` is the version that a file name gives
    away, such as ``3.9``, or empty. ``uploaded`` is when (UTC) the wheel reached the index.
    """

    generator: str = ""
    backend: str = ""
    version: str = ""
    times: tuple[int, ...] = ()
    info_time: int = 0
    umask: int = 0o022
    marks: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    python: str = ""
    uploaded: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a backend wrote into the dist-info folder: two files, and the names of all."""

    metadata: str
    entry_points: str
    names: tuple[str, ...]

    def has_requirement(self, pattern: str) -> bool:
        """Tell whether a Requires-Dist field begins with a name and then *pattern*."""
        name = r"[A-Za-z0-9._-]+(?:\[[^\]]*\])?"
        return re.search(rf"(?m)^Requires-Dist: {name}{pattern}", self.metadata) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Something that only some versions of a tool leave in a wheel."""

    name: str
    means: str
    found: Callable[[Written], bool]


def _lists_no_license(written: Written) -> bool:
    held = any(re.match(r"(?i)(LICEN[CS]E|COPYING|AUTHORS)", name) for name in written.names)
    return held and "\nLicense-File: " not in written.metadata


#: Found by building one project with each version of setuptools and wheel.
MARKS: Final = (
    Mark(
        name="unknown-field",
        means="setuptools<62.2",
        found=lambda written: (
            re.search(r"(?m)^[A-Z][\w-]+: UNKNOWN$", written.metadata) is not None
        ),
    ),
    Mark(
        name="blank-lines-behind-description",
        means="setuptools<62.2",
        found=lambda written: written.metadata.endswith("\n\n\n"),
    ),
    Mark(
        name="blank-line-behind-entry-points",
        means="setuptools<60.9",
        found=lambda written: written.entry_points.endswith("\n\n"),
    ),
    Mark(name="license-not-listed", means="setuptools<57", found=_lists_no_license),
    Mark(
        name="requirements-in-parentheses",
        means="wheel<0.41.1",
        found=lambda written: written.has_requirement(r" \("),
    ),
    Mark(
        name="requirements-without-spaces",
        means="wheel>=0.44",
        found=lambda written: written.has_requirement("[<>=!~]"),
    ),
)


def read_evidence(wheel: WheelContent, uploaded: datetime | None = None) -> Evidence:
    """Return what the published *wheel* tells; *uploaded* is when it reached the index."""
    files = wheel.layout.files
    made = [one for one in files if one.name.startswith(f"{wheel.dist_info}/")]
    generator = re.search(r"(?m)^Generator:[ \t]*(.*?)\s*$", _text(wheel, "WHEEL"))
    words = generator[1] if generator else ""
    match = _GENERATOR.match(words)
    name, version = (match[1], match[2] or "") if match else ("", "")
    written = Written(
        metadata=_text(wheel, "METADATA"),
        entry_points=_text(wheel, "entry_points.txt"),
        names=tuple(one.name.rpartition("/")[2] for one in made),
    )
    pythons = [found[1] for one in files if (found := _PYTHON.search(one.name))]
    return Evidence(
        generator=words,
        backend=_GENERATORS.get(name.lower(), ""),
        version=version if _is_version(version) else "",
        times=tuple(sorted({_seconds(one) for one in files})),
        info_time=max(_seconds(one) for one in made),
        umask=_umask(made),
        marks=frozenset(mark.name for mark in MARKS if mark.found(written)),
        tags=wheel.tags,
        python=pythons[0] if pythons else "",
        uploaded=uploaded,
    )


def _text(wheel: WheelContent, name: str) -> str:
    try:
        return wheel.read(f"{wheel.dist_info}/{name}").decode(errors="replace")
    except KeyError:
        return ""


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _seconds(member: ZipMember) -> int:
    date, time = member.moment
    try:
        moment = datetime(
            *(1980 + (date >> 9), date >> 5 & 15, date & 31),
            *(time >> 11, time >> 5 & 63, (time & 31) * 2),
            tzinfo=UTC,
        )
    except ValueError:
        return 0
    return int(moment.timestamp())


def _umask(members: Sequence[ZipMember]) -> int:
    """Return the umask under which files got the modes that most of *members* have."""
    modes = Counter(member.mode & 0o666 for member in members)
    mode = modes.most_common(1)[0][0]
    return next((umask for umask in _UMASKS if 0o666 & ~umask == mode), 0o022)
