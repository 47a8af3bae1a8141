"""The command line: what becomes a value, what is refused, and what help says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config.commands import COMMANDS, by_session
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.parser import Parsed, fitting, parse
from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.config.commands import Command


BUILD, GENERATE, VERIFY, LOCK = (
    by_session(name)
    for name in (
        "reproducible_wheels",
        "verified_requirements",
        "verify",
        "lock_build_requirements",
    )
)


def refused(command: Command, *arguments: str) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        parse(command, arguments)
    assert caught.value.code is ExitCode.BAD_INPUT
    assert all("\n" not in line for line in caught.value.lines())
    return caught.value


each_command = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.session)


def test_options_that_help_does_not_list_are_accepted() -> None:
    assert parse(BUILD, ["--skip-build-deps", "--max-log", "1"]) == Parsed({"max_log": 1})


@pytest.mark.parametrize(
    ("command", "arguments", "values"),
    [
        (BUILD, "", {}),
        (BUILD, "-r r.txt -o out", {"requirement": "r.txt", "output": "out"}),
        (BUILD, "-s a.zip", {"source": "a.zip"}),
        (BUILD, "-d sources", {"directory": "sources"}),
        (BUILD, "--jobs=4 -q", {"jobs": 4, "quiet": True}),
        (BUILD, "-j 4 -j 4", {"jobs": 4}),
        (BUILD, "--build-processors 4", {"build_processors": 4}),
        (VERIFY, "--build-processors auto", {"build_processors": "auto"}),
        (BUILD, "--sde 1400000000", {"sde": 1400000000}),
        (BUILD, "-C a=b -C c=", {"config_settings": (("a", "b"), ("c", ""))}),
        (BUILD, "-C a=b=c", {"config_settings": (("a", "b=c"),)}),
        (BUILD, "--only-binary uv,b --only-binary c", {"only_binary": ("uv", "b", "c")}),
        (BUILD, "--with-index https://x", {"index_url": "https://x"}),
        (BUILD, "--with-index=", {}),
        (BUILD, "--with-index u --index-url u", {"index_url": "u"}),
        (BUILD, "--skip-build-deps", {}),
        (BUILD, "--find-links a --find-links b", {"find_links": ("a", "b")}),
        (BUILD, "--max-log 2G --timeout 1.5", {"max_log": 2 << 30, "timeout": 1.5}),
        (BUILD, "--max-disk 10 --max-memory 1kib", {"max_disk": 10, "max_memory": 1024}),
        (BUILD, "--as-of 2025-04-03", {"as_of": "2025-04-03"}),
        (BUILD, "--as-of A_b=now", {"as_of_packages": (("A_b", "now"),)}),
        (
            BUILD,
            "--as-of 2025-04-03 --as-of a=now --as-of b=2025-04-04",
            {"as_of": "2025-04-03", "as_of_packages": (("a", "now"), ("b", "2025-04-04"))},
        ),
        (BUILD, "--json -", {"json": "-"}),
        (GENERATE, "r.txt", {"requirement": "r.txt"}),
        (GENERATE, "-r r.txt", {"requirement": "r.txt"}),
        (GENERATE, "r.txt -r r.txt", {"requirement": "r.txt"}),
        (GENERATE, "-- -r.txt", {"requirement": "-r.txt"}),
        (
            GENERATE,
            "-o v.txt -w w -s a -s b r.txt",
            {"requirement": "r.txt", "verified": "v.txt", "output": "w", "skip": ("a", "b")},
        ),
        (VERIFY, "--vary all --allow identical", {"vary": (), "allow": "identical"}),
        (VERIFY, "--vary umask,locale", {"vary": ("umask", "locale")}),
        (VERIFY, "--against published", {"against": "published"}),
        (BUILD, "-r a -r b -r a", {"requirement": ("a", "b")}),
        (BUILD, "-r a -r a", {"requirement": "a"}),
        (LOCK, "--relock -r r.txt", {"relock": True, "requirement": "r.txt"}),
        (LOCK, "--relock a,b --relock c", {"relock_packages": ("a", "b", "c")}),
    ],
)
def test_options_become_fields(command: Command, arguments: str, values: dict[str, Any]) -> None:
    parsed = parse(command, arguments.split())
    assert parsed == Parsed(values)
    Config(**parsed.values)


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        (BUILD, "--bogus", "no such option"),
        (BUILD, "a b", "unexpected extra argument"),
        (BUILD, "-r", "requires an argument"),
        (BUILD, "-s a -s b", "given twice"),
        (BUILD, "--as-of =now", "is not NAME=DATE"),
        (BUILD, "--as-of 2025-04-03 --as-of now", "given twice"),
        (BUILD, "--jobs x", "not a whole number"),
        (BUILD, "--jobs 1e9", "not a whole number"),
        (BUILD, "--jobs ٣", "not a whole number"),
        (BUILD, "--jobs " + 5000 * "9", "not a whole number"),
        (BUILD, "--build-processors all", "not a whole number"),
        (BUILD, "--sde 1.5", "not a whole number"),
        (BUILD, "--sde today", "not a whole number"),
        (BUILD, "--timeout 1h", "not a number of seconds"),
        (BUILD, "--timeout nan", "not a number of seconds"),
        (BUILD, "--max-log 1X", "not a size"),
        (BUILD, "--max-log -1", "not a size"),
        (BUILD, "-C key", "not KEY=VALUE"),
        (BUILD, "-C =value", "not KEY=VALUE"),
        (BUILD, "--with-index a --index-url b", "cannot be combined"),
        (BUILD, "--vary all", "no such option"),
        (GENERATE, "a b", "unexpected extra argument"),
        (GENERATE, "a -r b", "cannot be combined"),
        (GENERATE, "--source x", "no such option"),
        (LOCK, "--locked", "no such option"),
    ],
)
def test_a_bad_command_line_is_refused_in_one_line(
    command: Command, arguments: str, said: str
) -> None:
    assert said in str(refused(command, *arguments.split()))


@pytest.mark.parametrize("command", [BUILD, VERIFY, LOCK], ids=lambda command: command.session)
def test_a_command_that_reads_pins_takes_a_file(command: Command) -> None:
    assert parse(command, ["r.txt", "-q"]) == Parsed({"file": "r.txt", "quiet": True})


@pytest.mark.parametrize(
    ("line", "why", "hint"),
    [
        ("verfy -r x", "no command verfy", "did you mean asaman verify?"),
        ("frobnicate", "no command frobnicate", "commands are build, generate, verify, "),
        ("r.txt", "r.txt is not a command", "asaman -r r.txt"),
        ("sub/pins", "sub/pins is not a command", "asaman -r sub/pins"),
        ("a-1.0.tar.gz -q", "a-1.0.tar.gz is not a command", "asaman -s a-1.0.tar.gz"),
        ("sdists", "sdists is not a command", "asaman -d sdists"),
        ("project", "project is not a command", "asaman build project"),
        (
            "--offline verify --vary umask",
            "options come after the command",
            "asaman verify --offline --vary umask",
        ),
        (
            "-r r.txt lock",
            "options come after the command",
            "asaman lock -r r.txt",
        ),
        ("-q x", "got unexpected extra argument (x)", "asaman --help lists"),
    ],
)
def test_the_first_argument_alone_decides(
    line: str, why: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sdists").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "pyproject.toml").write_text("")
    with pytest.raises(AsamanError) as caught:
        parse(BUILD, line.split(), "asaman")
    assert (caught.value.what, caught.value.why) == ("asaman", why)
    assert caught.value.hint.startswith(hint)


def test_the_name_of_a_command_can_be_the_value_of_an_option() -> None:
    assert parse(BUILD, ["-o", "verify"], "asaman") == Parsed({"output": "verify"})


def test_a_near_miss_is_suggested() -> None:
    assert "--index-url" in refused(BUILD, "--index-ulr", "x").hint


def test_a_usage_error_names_the_program_as_it_was_called() -> None:
    with pytest.raises(AsamanError) as caught:
        parse(GENERATE, ["a", "b"], "asaman-generate")
    assert caught.value.what == "asaman-generate"
    assert caught.value.hint == "asaman-generate --help lists the options"


def test_no_hash_is_never_followed_and_says_how_to_hash() -> None:
    error = refused(BUILD, "--no-hash")
    assert error.what == "--no-hash"
    assert "never built" in error.why
    assert "--generate-hashes" in error.hint


def test_a_control_character_is_escaped() -> None:
    (line, *_) = refused(BUILD, "--\x1b[31m").lines()
    assert "\x1b" not in line


@pytest.mark.parametrize(
    ("arguments", "sets"),
    [
        ("--relock r.txt", {"relock": True, "file": "r.txt"}),
        ("--relock ./part", {"relock": True, "file": "./part"}),
        ("--relock x-1.0.tar.gz", {"relock": True, "file": "x-1.0.tar.gz"}),
        ("--relock zope.interface", {"relock_packages": ("zope.interface",)}),
        ("--relock numpy r.txt", {"relock_packages": ("numpy",), "file": "r.txt"}),
        ("--relock numpy --relock r.txt", {"relock": True, "relock_packages": ("numpy",)}),
    ],
)
def test_what_follows_relock_is_a_project_or_the_file(
    arguments: str, sets: dict[str, object]
) -> None:
    assert parse(by_session("lock_build_requirements"), arguments.split()).values.items() >= (
        sets.items()
    )


@pytest.mark.parametrize(
    ("session", "given", "fits"),
    [
        ("verified_requirements", "--html x.html -q", "-q"),
        ("verified_requirements", "--html=x.html --skip a", "--skip a"),
        ("verify", "--html x.html --vary umask", "--html x.html --vary umask"),
        ("verified_requirements", "-j 3 r.txt", "r.txt"),
        ("release_check", "r.txt -j 3 --vary umask", "-j 3"),
        ("release_check", "--htlm x.html", "--htlm"),
        ("verify", "--json - --shard 1/2", "--json -"),
    ],
)
def test_what_only_other_commands_have_is_left_out(session: str, given: str, fits: str) -> None:
    assert fitting(by_session(session), given.split()) == fits.split()
