"""The five changes of CONTRIBUTING.md, each made in a copy: one file is new, one has the row."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import house
from tests.support.documents import ROOT


class Change(NamedTuple):
    """A change: a new file with a function, a table that gets a row, and calls that show it.

    ``rows`` are put behind the lines that they follow. ``calls`` run in a folder with ``pins.txt``,
    ``pins.ini`` and ``sdists``, one after the other; each has what it prints.
    """

    heading: str
    new: str
    text: str
    table: str
    rows: dict[str, str]
    calls: dict[str, str]


_ASAMAN = "-m amrasaman_nox"
_OFFLINE = "--offline --cache-dir cache --isolation none"

INPUT_FORMAT = Change(
    heading="An input format",
    new="inputs/ini.py",
    text="""
from configparser import ConfigParser

from amrasaman_nox.model import Digest, Pin, Requirements

def read_ini(path, config):
    parser = ConfigParser()
    parser.read(path)
    pins = tuple(
        Pin(name=name, version=table["version"], digests=(Digest.parse(table["hash"]),))
        for name, table in parser.items() if name != "DEFAULT"
    )
    return Requirements(kind="ini", path=str(path), pins=pins)
""",
    table="config/inputs.py",
    rows={
        "FORMATS: Final[tuple[InputFormat, ...]] = (": """
    InputFormat(kind="ini", field="ini", read="inputs.ini:read_ini", names=("*.ini",),
                help="An INI file with pins."),""",
        "    project: Path | None = None": "    ini: Path | None = None",
    },
    calls={
        f"{_ASAMAN} --ini pins.ini {_OFFLINE}": "demo==1.0",
        f"{_ASAMAN} lock pins.ini {_OFFLINE}": "demo==1.0",
    },
)

RUNG = Change(
    heading="A rung of isolation",
    new="sandbox/jail.py",
    text="""
from amrasaman_nox.sandbox.limited import none

def jail(command, filtered):
    return none(command, filtered)
""",
    table="config/rungs.py",
    rows={
        "    for rung in (": """
        Rung(name="jail", provides="a jail", launch="sandbox.jail:jail", remedy="install it",
             constant_paths=False),""",
    },
    calls={
        "-c \"from amrasaman_nox.sandbox import ladder; print(ladder.choose('jail'))\"": "jail",
        f"{_ASAMAN} --isolation gaol -r pins.txt": "auto, jail",
    },
)

REPORT = Change(
    heading="A report",
    new="reports/csv.py",
    text="""
def render(report):
    return "".join(f"{failure.name},{failure.stage}\\n" for failure in report.build.failures)
""",
    table="config/reports.py",
    rows={
        "FORMATS: Final[tuple[ReportFormat, ...]] = (": """
    ReportFormat(name="csv", render="reports.csv:render", help="Write the result as CSV."),""",
        "    html: Path | None = None": "    csv: Path | None = None",
    },
    calls={
        f"{_ASAMAN} --csv report.csv -d sdists {_OFFLINE}": "demo==1.0",
        "-c \"print(open('report.csv').read())\"": "demo,source",
    },
)

COMMAND = Change(
    heading="A command",
    new="runs/count.py",
    text="""
from amrasaman_nox.inputs.readers import read_input
from amrasaman_nox.model import Report

def count(config, *, notify):
    pins = read_input(config).pins
    return Report(command="count", notes=(f"counted {len(pins)} pins",))
""",
    table="config/commands.py",
    rows={
        '        script="asaman",\n    ),': """
    Command(session="count", word="count", work="runs.count:count", summary="Count the pins.",
            arguments=(_INPUT,)),""",
    },
    calls={
        f"{_ASAMAN} count pins.txt": "counted 1 pins",
        '-c "from amrasaman_nox import *; print(count.__doc__)"': "Count the pins.",
    },
)

EXPLANATION = Change(
    heading="An explanation",
    new="../docs/explanations/phase-of-the-moon.md",
    text="# phase of the moon\n",
    table="verification/explain.py",
    rows={
        "EXPLANATIONS: Final[tuple[Explanation, ...]] = (": """
    Explanation(name="phase-of-the-moon", title="phase of the moon", seen="A phase.", why="-",
                packager="-", upstream="-", matches=_says(re.compile("gibbous"))),""",
    },
    calls={
        '-c "from amrasaman_nox.model import Change, Difference;'
        " from amrasaman_nox.verification.explain import explain, explanation_of;"
        " found = explain((Difference(kind='text', changes=(Change(what='x', ours='gibbous'),)),),"
        " 'random'); print(explanation_of(found[0]).page)\"": "explanations/phase-of-the-moon.md",
    },
)

CHANGES = (INPUT_FORMAT, RUNG, REPORT, COMMAND, EXPLANATION)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, in a folder with pins to work on."""
    shutil.copytree(house.PACKAGE, tmp_path / house.NAME)
    digest = f"sha256:{'0' * 64}"
    (tmp_path / "pins.txt").write_text(f"demo==1.0 --hash={digest}\n")
    (tmp_path / "pins.ini").write_text(f"[demo]\nversion = 1.0\nhash = {digest}\n")
    (tmp_path / "sdists").mkdir()
    (tmp_path / "sdists/demo-1.0.tar.gz").write_text("no archive")
    return tmp_path


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.heading)
def test_a_change_takes_a_new_file_and_rows_of_one_table(change: Change, copy: Path) -> None:
    new, table = copy / house.NAME / change.new, copy / house.NAME / change.table
    new.parent.mkdir(parents=True, exist_ok=True)
    assert not new.exists()
    new.write_text(change.text)
    content = table.read_text()
    for line, row in change.rows.items():
        assert content.count(f"{line}\n") == 1
        content = content.replace(f"{line}\n", f"{line}\n{row}\n")
    table.write_text(content)
    environ = {**os.environ, "PYTHONPATH": str(copy), "HOME": str(copy)}
    for call, shows in change.calls.items():
        done = subprocess.run(
            f"{sys.executable} {call}",
            shell=True,
            cwd=copy,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert shows in done.stdout + done.stderr, call


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.heading)
def test_the_files_of_a_change_are_those_that_contributing_names(change: Change) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text.partition(f"### {change.heading}\n")[2].partition("\n### ")[0]
    steps, _, test = section.partition("\nTest")
    assert steps.count("\n1. ") == steps.count("\n2. ") == 1
    assert "\n3. " not in steps
    assert f"`{Path(change.new).parent.as_posix().removeprefix('../')}/" in steps
    assert f"`{change.table}`" in steps
    assert "tests/" in test
