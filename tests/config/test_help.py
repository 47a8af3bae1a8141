"""What help and version print: which options, in which layout, and that click says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click import HelpFormatter

from amrasaman_nox.config.commands import COMMANDS, by_session
from amrasaman_nox.config.help import ASKING, asked, help_text
from amrasaman_nox.config.options import OPTIONS
from amrasaman_nox.config.parser import parse

if TYPE_CHECKING:
    from amrasaman_nox.config.commands import Command

BUILD, GENERATE = by_session("reproducible_wheels"), by_session("verified_requirements")
each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.session)


@each_command
def test_the_whole_help_has_every_option_that_has_an_effect(command: Command) -> None:
    text = help_text(command, whole=True)
    for option in OPTIONS:
        if command.session in option.commands:
            listed = any(f"{before} --{option.name}" in text for before in (" ", ","))
            assert listed is bool(option.field)
    assert all(len(line) <= 80 for line in text.splitlines())


@each_command
def test_the_help_of_a_command_fits_a_screen_of_50_lines(command: Command) -> None:
    text = help_text(command)
    assert len(text.splitlines()) <= 50
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "--help-all" in text


def test_the_help_of_asaman_fits_a_screen_and_lists_the_commands() -> None:
    text = help_text(BUILD, "asaman")
    assert len(text.splitlines()) <= 50
    assert text.startswith("Usage: asaman [OPTIONS]\n       asaman COMMAND [OPTIONS]\n")


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        (
            BUILD,
            [
                "Usage: asaman [OPTIONS]",
                "Tool to build reproducible wheels.",
                "-s, --source FILE A single source tarball or zip file.",
                "-d, --directory DIRECTORY A directory containing all source tarballs and zips.",
                "-o, --output DIRECTORY The output directory to store all wheel files. "
                "Default: ./wheels",
                "-r, --requirement FILE Path to the requirement.txt file which contains all "
                "packages to build along with hashes.",
                "--sde TEXT Custom SOURCE_DATE_EPOCH value.",
                "--keep-sources Copy over the sources to output directory",
                "--with-index TEXT In case you want to install build time dependencies from an "
                "index, pass the URL.",
                "--trusted-host TEXT Pass --trusted-host VALUE to pip, helps in local indexes "
                'over HTTP. Pass the correct hostname. [default: ""]',
                "--help Show this message and exit.",
            ],
        ),
        (
            GENERATE,
            [
                "[OPTIONS] REQUIREMENT",
                "Tool to build verified requirements file from reproducible wheels.",
                "-o, --output FILE The output file. Default: verified-{requirement}.txt",
                "-w, --wheels DIRECTORY The directory with reproducible wheels.",
                "-s, --skip TEXT The packages we don't want in our final requirement file.",
                "--help Show this message and exit.",
            ],
        ),
    ],
)
def test_help_keeps_the_wording_of_the_original(command: Command, lines: list[str]) -> None:
    text = " ".join(help_text(command, command.script).split())
    for line in lines:
        assert line in text


def test_version_is_that_of_the_distribution() -> None:
    text = asked(BUILD, ["--version"], "asaman") or ""
    assert text.startswith("amrasaman-nox ")
    assert text.split()[1][0].isdigit()


@pytest.mark.parametrize("program", ["asaman", "asaman build"])
@pytest.mark.parametrize("spelling", [one for names in ASKING for one in names])
def test_the_parser_answers_as_without_it(spelling: str, program: str) -> None:
    """Behind other arguments it is the parser that finds what is asked for."""
    text = asked(BUILD, [spelling], program)
    assert text
    assert asked(BUILD, ["-q", spelling], program) is None
    assert parse(BUILD, ["-q", spelling], program).text == text


@pytest.mark.parametrize("columns", [30, 66, 80, 200])
def test_tables_are_laid_out_as_those_of_click(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    formatter = HelpFormatter()
    with formatter.section("Commands"):
        formatter.write_dl([(command.word, command.summary) for command in COMMANDS])
    assert formatter.getvalue() in help_text(BUILD, "asaman")
    formatter = HelpFormatter()
    formatter.write_usage("asaman rebuild", "[OPTIONS] RECORD...")
    assert help_text(by_session("rebuild_records")).startswith(formatter.getvalue())
