"""Try all that is hostile or goes wrong, and print how much was tried and held.

``python -m tests.evaluation.hardening [--quick] [--only TEXT] [--write FILE]``; with ``--quick``
the real archives are left out, and some of the faults; with ``--only`` all trials but those that
have the text in their name. Rows of a page that are not tried again stay. Ends with 1 where
anything did not hold.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import pages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
RUNGS = ("full", "namespaces", "none")


@dataclass(frozen=True, slots=True)
class Trial:
    """A row of the table: what is tried, by which tests, and whether it is tried quickly.

    ``by_rung`` makes it a row for each rung. ``before`` says what 0.3.0 did, where that was not
    what it should have done.
    """

    what: str
    paths: tuple[str, ...]
    names: str = ""
    quick: bool = True
    by_rung: bool = False
    before: str = ""


HOSTILE = ("tests/sandbox/test_hostile.py",)
TRIALS = (
    Trial("hostile backends", HOSTILE, by_rung=True),
    Trial(
        "variations that no build sees",
        ("tests/verification/test_probe.py",),
        before="listed as varied, dates not found",
        by_rung=True,
    ),
    Trial(
        *("signs that a build is a rebuild", HOSTILE, "rebuild_shows_nothing"),
        by_rung=True,
    ),
    Trial(
        "bytecode that a wheel brings",
        ("tests/environments/test_environments.py", "tests/environments/test_installed.py"),
        names="bytecode",
        before="run in other releases",
    ),
    Trial(
        *("system calls that a build does not need", HOSTILE, "system_calls or under_the_filter"),
        by_rung=True,
        before="all allowed",
    ),
    Trial(
        *("keys for the next build", HOSTILE, "no_key_is_left"),
        by_rung=True,
        before="found",
    ),
    Trial(
        *("files beside Python", ("tests/environments/test_prefix.py",), "beside_python"),
        by_rung=True,
        before="read",
    ),
    Trial(
        *(
            "sources and outputs that fill memory",
            HOSTILE,
            "outgrows or fills_disk or fills_memory",
        ),
        by_rung=True,
        before="half of the machine's memory, not counted",
    ),
    Trial(
        *("runs and builds with little memory", ("tests/runs/test_little_memory.py",)),
        before="ended by the kernel",
    ),
    Trial(
        "bombs in what is compared",
        ("tests/comparison/test_bombs.py", "tests/archives/test_inflate.py"),
        before="1.2 KB took 3 GB",
    ),
    Trial(
        *("memory that no process shows", HOSTILE, "hides_memory or segments"),
        by_rung=True,
        before="not counted",
    ),
    Trial(
        *("what one hook leaves for the next", ("tests/runs/test_early.py",), "leaves or filtered"),
        by_rung=True,
        before="System V objects found",
    ),
    Trial(
        *("no isolation, unasked", ("tests/sandbox/test_ladder.py",), "in_ci or without_isolation"),
        before="one word at the end",
    ),
    Trial(
        *("hostile backends, as an unprivileged user", ("tests/sandbox/test_unprivileged.py",)),
        quick=False,
    ),
    Trial(
        "backends whose logs, names or files stall the tool",
        HOSTILE,
        names="stall",
        before="64 KB of log took 44 s",
        by_rung=True,
    ),
    Trial(
        "strangers' wheels with the right record",
        ("tests/sources/test_trusted.py", "tests/test_ownership.py"),
        before="kept, exit 0, the hash in the verified file",
    ),
    Trial(
        "bad records: types, depth, named pipes",
        ("tests/test_records.py", "tests/test_record_files.py", "tests/test_strict_json.py"),
        before="a named pipe was waited for",
    ),
    Trial(
        "comparisons in which nothing is compared",
        ("tests/verification/test_acceptance.py", "tests/verification/test_rebuilders.py"),
        names="acceptance or unreadable or cannot_be_read or named_pipe",
        before="exit 0",
    ),
    Trial(
        "metadata and entry points that installers read differently",
        tuple(f"tests/wheels/test_{name}.py" for name in ("headers", "entry_points", "places")),
        before="accepted",
    ),
    Trial(
        "credentials in odd and malformed URLs",
        (
            "tests/test_errors.py",
            "tests/sources/test_access.py",
            "tests/test_end_to_end_surroundings.py",
        ),
        names="secret or hiding or repeated or credentials",
        before="shown after a slash and in queries",
    ),
    Trial("bad inputs, end to end", ("tests/test_end_to_end_inputs.py",)),
    Trial("bad sdists", ("tests/sdists",)),
    Trial("bad wheels", ("tests/wheels/test_reader.py",)),
    Trial("bad archives, beside other readers", ("tests/test_differential.py",)),
    Trial("bad answers of an index", ("tests/sources/test_download.py",)),
    Trial("bad surroundings", ("tests/test_end_to_end_surroundings.py",)),
    Trial("faults of the store, at every operation", ("tests/sources/test_store.py",)),
    Trial("faults of a run, at every operation, and signals", ("tests/runs/test_faults.py",)),
    Trial("changed inputs of every parser", ("tests/fuzz",)),
    Trial("real sdists", ("tests/online/test_real_archives.py",), "real_sdist", quick=False),
    Trial("real wheels", ("tests/online/test_real_archives.py",), "real_wheel", quick=False),
)


def outcomes(trial: Trial, *, quick: bool) -> Counter[tuple[str, str]]:
    """Run the tests of *trial*; count them by rung (``""`` for none) and by what came of them."""
    environment = {} if quick else {"FAULTS_STRIDE": "1", "FAULTS_ROUNDS": "50"}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ("-q", "-p", "no:cacheprovider", "-m", "", "-k", trial.names, "--tb=short")
        subprocess.run(
            [sys.executable, "-m", "pytest", *trial.paths, *options, f"--junitxml={report}"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=sys.stderr,
            check=False,
        )
        if not report.exists():
            return Counter({("", "failed"): 1})
        cases = ET.parse(report).getroot().iter("testcase")
        return Counter((_rung(case.get("name", "")), _came_to(case)) for case in cases)


def _rung(name: str) -> str:
    """Return the rung that a test was for: the first parameter that names one."""
    words = name.partition("[")[2].removesuffix("]").split("-")
    return next((word for word in words if word in RUNGS), "")


def _came_to(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "held"


def rows(trial: Trial, found: Counter[tuple[str, str]]) -> Iterator[str]:
    """Yield the table's rows of *trial*: one, or one for each rung."""
    for rung in RUNGS if trial.by_rung else ("",):
        counts = [
            sum(n for (its, kind), n in found.items() if kind == one and (its == rung or not rung))
            for one in ("held", "skipped", "failed")
        ]
        if not any(counts):
            # A test that says nothing of a rung is no row of it.
            continue
        what = f"{trial.what}, isolation {rung}" if rung else trial.what
        yield f"| {what} | {trial.before or '–'} | {' | '.join(map(str, counts))} |"


def kept(trial: Trial, lines: Sequence[str]) -> list[str]:
    """Return the rows that a page has of *trial*, for when it is not tried again."""
    begins = (f"| {trial.what} |", f"| {trial.what}, isolation ")
    return [line for line in lines if line.startswith(begins)]


def main() -> int:
    """Print a table in Markdown, write it where asked; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without real archives, fewer faults")
    parser.add_argument("--only", default="", help="trials that have this text in their name")
    parser.add_argument("--write", type=Path, help="the page with a place for the table")
    given = parser.parse_args()
    lines = ["| tests of | in 0.3.0 | held | skipped | failed |", "|---|---|---:|---:|---:|"]
    former = pages.part(given.write, "held").splitlines() if given.write else []
    failed = 0
    for trial in TRIALS:
        if (given.quick and not trial.quick) or given.only not in trial.what:
            lines += kept(trial, former)
            continue
        found = outcomes(trial, quick=given.quick)
        for line in rows(trial, found):
            lines.append(line)
            print(line, flush=True)
        failed += sum(number for (_, kind), number in found.items() if kind == "failed")
    if given.write:
        pages.renew(given.write, "held", "\n".join(lines))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
