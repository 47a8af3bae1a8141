"""Real files, each through in one command: how much of it is built and the same, and why not.

``python -m tests.evaluation.files [FILE[@PYTHON] …] [--keep FOLDER] [--only-binary NAMES]
[--write PAGE]`` asks the real index. A file is a requirements file or a lock as its team keeps it;
Python is a version, the running one if there is none. Ends with 1 where a figure is missed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amrasaman_nox.model import Verdict
from amrasaman_nox.verification.explain import EXPLANATIONS

from . import pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).parent
#: Sources of before 2020, which is where most of what other people's files need comes up.
DEFAULT = (f"{HERE}/old-on-311.txt@3.11", f"{HERE}/old-on-313.txt@3.13")
#: What the one who builds can do, by the name of the explanation.
_REMEDIES = {each.name: each.packager for each in EXPLANATIONS}
#: The shares of the pins that are to be built and to be the same, in percent.
BUILT, SAME = 98, 99


@dataclass(frozen=True, kw_only=True)
class File:
    """What one command made of a file.

    ``report`` is that of ``asaman verify``; ``code`` is its exit code, and ``wall`` how long it
    took, in seconds. ``longest`` is the longest build in seconds, ``output`` the most that one
    printed, in bytes.
    """

    name: str
    python: str
    report: dict[str, Any]
    code: int
    wall: float
    longest: float
    output: int

    @property
    def compared(self) -> list[dict[str, Any]]:
        """What was built, with its verdict; wheels that are taken as published do not count."""
        found = self.report.get("comparisons", [])
        return [one for one in found if one["verdict"] != Verdict.UNCHECKED]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """What was not built."""
        found: list[dict[str, Any]] = self.report.get("failures", [])
        return found

    @property
    def pins(self) -> int:
        """How many pins apply here."""
        return len(self.compared) + len(self.failed)

    @property
    def verdicts(self) -> Counter[str]:
        """How many builds have which verdict."""
        return Counter(one["verdict"] for one in self.compared)


def measure(
    files: Sequence[str], keep: Path | None = None, only_binary: str | None = None
) -> list[File]:
    """Build and verify each file by one command, in a folder of its own with one cache for all.

    :param files: paths, each with ``@`` and a version of Python or without
    :param keep: the folder to work in; what it has of a file by now is not repeated
    :param only_binary: names, with commas: their published wheels are used, and they do not count
    """
    more = ("--only-binary", only_binary) if only_binary else ()
    with tempfile.TemporaryDirectory() as temporary:
        return [_measured(file, keep or Path(temporary), more) for file in files]


def _measured(text: str, work: Path, more: tuple[str, ...]) -> File:
    name, _, python = text.partition("@")
    file = Path(name).absolute()
    folder = work / f"{file.stem}@{python}"
    folder.mkdir(parents=True, exist_ok=True)
    ended, report = folder / "code", folder / "report.json"
    if not ended.exists():
        code, wall = _run(folder, file, python, work / "cache", more)
        ended.write_text(f"{code} {wall:.1f}")
    code, wall = ended.read_text().split()
    return File(
        name=file.name,
        python=python or ".".join(map(str, sys.version_info[:2])),
        report=json.loads(report.read_text()) if report.exists() else {},
        code=int(code),
        wall=float(wall),
        longest=max(map(_seconds, folder.glob("wheels/*.provenance.json")), default=0.0),
        output=max((log.stat().st_size for log in work.glob("cache/logs/*")), default=0),
    )


def _run(
    folder: Path, file: Path, python: str, cache: Path, more: tuple[str, ...]
) -> tuple[int, float]:
    program = Path(sys.executable).with_name("asaman")
    started = time.perf_counter()
    done = subprocess.run(
        [
            *(str(program), "verify", "-r", str(file), "--lock", "lock.toml", "-o", "wheels"),
            *("--json", "report.json", "--cache-dir", str(cache)),
            *(("--python", python) if python else ()),
            *more,
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, time.perf_counter() - started


def _seconds(record: Path) -> float:
    """Return how long the build of a record took."""
    facts = json.loads(record.read_text())["predicate"]["runDetails"].get("metadata", {})
    if "startedOn" not in facts:
        # A wheel that is used as published.
        return 0.0
    times = [datetime.fromisoformat(facts[name]) for name in ("startedOn", "finishedOn")]
    return (times[1] - times[0]).total_seconds()


def table(found: Sequence[File]) -> str:
    """Return the figures of each file, and below what is not built or not the same, and why."""
    return "\n".join(
        (
            "| file | Python | pins | built | identical | equivalent | different | longest, s |",
            "|---|---|---:|---:|---:|---:|---:|---:|",
            *map(_row, found),
            _total(found),
            "",
            f"The most that one build printed: {max(one.output for one in found) / 1024:.0f} KiB.",
            "",
            *_causes(found),
        )
    )


def _row(one: File) -> str:
    said = one.verdicts
    counts = (one.pins, len(one.compared), *(said[each] for each in _SHOWN))
    return f"| {one.name} | {one.python} | {_cells(counts)} | {one.longest:.0f} |"


def _total(found: Sequence[File]) -> str:
    said = Counter[str]()
    for one in found:
        said += one.verdicts
    pins, built = sum(one.pins for one in found), said.total()
    share = 100 * built / max(1, pins)
    counts = (pins, f"{built} ({share:.1f} %)", *(said[each] for each in _SHOWN))
    return f"| all | | {_cells(counts)} | |"


_SHOWN = (Verdict.IDENTICAL, Verdict.EQUIVALENT, Verdict.DIFFERENT)


def _cells(values: Sequence[object]) -> str:
    return " | ".join(map(str, values))


def _causes(found: Sequence[File]) -> Iterator[str]:
    rows = [
        *((one, each, _not_built(each)) for one in found for each in one.failed),
        *(
            (one, each, _not_same(each))
            for one in found
            for each in one.compared
            if each["verdict"] != Verdict.IDENTICAL
        ),
    ]
    if rows:
        yield "| not built, or not identical | Python | why | what to do |"
        yield "|---|---|---|---|"
    for one, each, (why, hint) in rows:
        yield f"| {each['name']} {each['version']} | {one.python} | {why} | {_text(hint)} |"


def _not_built(failure: dict[str, Any]) -> tuple[str, str]:
    return _text(f"{failure['stage']}: {failure['reason']}"), failure["hint"]


def _not_same(compared: dict[str, Any]) -> tuple[str, str]:
    causes = dict.fromkeys(
        f"{one['variation']}: {one['explanation']}" for one in compared["causes"]
    )
    why = "; ".join(causes) or compared["reason"]
    steps = dict.fromkeys(_REMEDIES.get(one["explanation"], "") for one in compared["causes"])
    return _text(f"{compared['verdict']}: {why}"), compared["hint"] or " ".join(steps)


def _text(text: str) -> str:
    line = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return line if len(line) < 160 else f"{line[:159]}…"


def reached(found: Sequence[File]) -> bool:
    """Tell whether every file came to its end, and enough of all pins are built and the same."""
    pins, built = sum(one.pins for one in found), sum(len(one.compared) for one in found)
    same = sum(one.verdicts[Verdict.IDENTICAL] for one in found)
    through = all(one.report and one.code in (0, 1, 3) for one in found)
    return through and 100 * built >= BUILT * pins and 100 * same >= SAME * built


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, write it where asked, and tell whether the figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", default=DEFAULT)
    parser.add_argument("--keep", type=Path, help="a folder to work in, and to go on from")
    parser.add_argument("--only-binary", metavar="NAMES", help="what is not to be built")
    parser.add_argument("--write", type=Path, help="the page with a place for the files")
    given = parser.parse_args(arguments)
    found = measure(given.files, given.keep, given.only_binary)
    text = table(found)
    print(text)
    if given.write:
        pages.renew(given.write, "files", text)
    return 0 if reached(found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
