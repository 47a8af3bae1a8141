"""Options that have no effect where they are given are errors, each with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from amrasaman_nox.config.commands import COMMANDS, by_session
from amrasaman_nox.config.companions import COMPANIONS, check
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.options import OPTIONS
from amrasaman_nox.errors import AsamanError, ExitCode

GENERATE, VERIFY, BUILD = "verified_requirements", "verify", "reproducible_wheels"

IDLE: dict[str, tuple[str, dict[str, Any], str]] = {
    "generate --against, no policy": (GENERATE, {"against": "b"}, "only a policy counts"),
    "generate --against published": (
        GENERATE, {"against": "published", "policy": Path("p")}, "have no signed records"
    ),
    "generate --sign, no summary": (GENERATE, {"key": "k.pem"}, "none is written"),
    "generate --identity, no summary": (GENERATE, {"identity": True}, "none is written"),
    "verify --policy --against published": (
        VERIFY, {"policy": Path("p"), "against": "published"}, "published wheels have none"
    ),
    "verify --seed --against": (VERIFY, {"seed": "1", "against": "b"}, "of a rebuild"),
    "verify --vary --against": (VERIFY, {"vary": ("umask",), "against": ("b", "c")}, "rebuild"),
    "verify --dist, no project": (VERIFY, {"dist": Path("d")}, "of a project"),
    "verify --sources alone": (VERIFY, {"sources": Path("s")}, "--against names"),
    "build --stages alone": (BUILD, {"stages": 4}, "not built from source"),
}  # fmt: skip


@pytest.mark.parametrize(("session", "given", "why"), IDLE.values(), ids=IDLE)
def test_an_option_without_effect_is_an_error_that_says_what_to_do(
    session: str, given: dict[str, Any], why: str
) -> None:
    with pytest.raises(AsamanError, match=why) as caught:
        check(by_session(session), given, Config(**given))
    assert caught.value.hint
    assert caught.value.code is ExitCode.BAD_INPUT


def test_what_only_a_configuration_file_sets_is_no_error() -> None:
    for session, given, _ in IDLE.values():
        check(by_session(session), (), Config(**given))


def test_an_option_with_its_companion_is_no_error() -> None:
    policy, vsa = Path("p"), Path("v")
    check(by_session(GENERATE), ["against"], Config(against="b", policy=policy))
    check(by_session(GENERATE), ["key", "vsa"], Config(key="k", policy=policy, vsa=vsa))
    check(by_session(VERIFY), ["policy", "against"], Config(against="b", policy=policy))
    check(by_session(VERIFY), ["dist"], Config(dist=Path("d"), project=Path()))
    check(by_session(BUILD), ["stages"], Config(stages=4, build_requirements="source"))


def test_each_row_is_of_an_option_that_its_commands_have() -> None:
    options = {(each.name, each.field): each.commands for each in OPTIONS}
    for row in COMPANIONS:
        having = frozenset().union(
            *(
                has
                for (name, field), has in options.items()
                if (name, field) == (row.option, row.field)
            )
        )
        assert row.commands, row
        assert row.commands <= {each.session for each in COMMANDS}
        assert row.commands & having, row
