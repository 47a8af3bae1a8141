"""asaman generate --policy: what has its votes is written, and otherwise nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest
from amrasaman_nox.outputs.verified import write_verified

from ..support.rebuilders import Rebuilder, policy_text, rebuilder

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Report

NAMES = ("six", "attrs", "idna")


@pytest.fixture
def teams(tmp_path: Path) -> tuple[Rebuilder, ...]:
    """Three rebuilders with signed wheels of three projects; the first one's folder is ours."""
    found = tuple(rebuilder(tmp_path, name) for name in "abc")
    for each in found:
        for name in NAMES:
            each.has(name=name)
        each.sign()
    sdist = Digest.of(b"sdist")
    pins = "".join(f"{name}==1.0 --hash={sdist}\n" for name in NAMES)
    (tmp_path / "requirements.txt").write_text(pins)
    return found


def generate(folder: Path, text: str, **more: Any) -> Report:
    (folder / "policy.toml").write_text(text)
    values: dict[str, Any] = {
        "requirement": folder / "requirements.txt",
        "output": folder / "a",
        "policy": folder / "policy.toml",
        "against": (str(folder / "b"), str(folder / "c")),
        **more,
    }
    return write_verified(Config(**values))


def test_three_of_three_that_agree_are_written(
    teams: tuple[Rebuilder, ...], tmp_path: Path
) -> None:
    report = generate(tmp_path, policy_text(*teams, threshold=3), vsa=tmp_path / "vsa.json")
    assert "3 of 3 wheels have 3 votes or more" in report.notes
    text = (tmp_path / "verified-requirements.txt").read_text()
    assert text.count(str(Digest.of(b"wheel"))) == 3
    assert len(json.loads((tmp_path / "vsa.json").read_text())["subject"]) == 3


def test_what_lacks_votes_is_named_alone_and_nothing_is_written(
    teams: tuple[Rebuilder, ...], tmp_path: Path
) -> None:
    teams[2].signs(b"poisoned", "attrs")
    before = {*tmp_path.rglob("*")}
    with pytest.raises(AsamanError) as raised:
        generate(tmp_path, policy_text(*teams, threshold=3), vsa=tmp_path / "vsa.json")
    error = raised.value
    assert (error.what, error.others, error.code) == ("attrs==1.0", (), ExitCode.DIFFERENT)
    assert error.why == "2 of 3 votes; a agrees; b agrees; c differs (from the same inputs)"
    assert str(error.origin).endswith("requirements.txt line 2")
    assert {*tmp_path.rglob("*")} - before == {tmp_path / "policy.toml"}


def test_who_does_not_agree_is_named_even_if_there_are_votes_enough(
    teams: tuple[Rebuilder, ...], tmp_path: Path
) -> None:
    teams[2].signs(b"poisoned", "attrs")
    report = generate(tmp_path, policy_text(*teams, threshold=2))
    assert any("attrs-1.0" in note and "c differs" in note for note in report.notes)


def test_all_that_lack_votes_are_named(teams: tuple[Rebuilder, ...], tmp_path: Path) -> None:
    with pytest.raises(AsamanError) as raised:
        generate(tmp_path, policy_text(*teams, threshold=2), against=None)
    names = [raised.value.what, *(each.what for each in raised.value.others)]
    assert names == [f"{name}==1.0" for name in NAMES]


def test_wheels_with_votes_can_be_anybody_s(teams: tuple[Rebuilder, ...], tmp_path: Path) -> None:
    (tmp_path / "a" / "six-1.0-py3-none-any.whl").chmod(0o666)
    generate(tmp_path, policy_text(*teams, threshold=2))
    exempt = '[[exceptions]]\nname = "six"\nreason = "slow"\nuntil = 2999-01-01\n'
    with pytest.raises(AsamanError, match="cannot be trusted"):
        generate(tmp_path, policy_text(*teams, threshold=2) + exempt)


def test_a_summary_requires_a_policy(teams: tuple[Rebuilder, ...], tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match="requires a policy"):
        generate(tmp_path, "", policy=None, vsa=tmp_path / "vsa.json")


def test_a_key_that_cannot_sign_the_summary_is_told_before_anything_is_written(
    teams: tuple[Rebuilder, ...], tmp_path: Path
) -> None:
    with pytest.raises(AsamanError, match="No such file"):
        generate(tmp_path, policy_text(*teams), vsa=tmp_path / "v.json", key="missing.pem")
    assert not (tmp_path / "verified-requirements.txt").exists()


def test_the_summary_is_signed_with_the_key(teams: tuple[Rebuilder, ...], tmp_path: Path) -> None:
    vsa = tmp_path / "v.json"
    generate(tmp_path, policy_text(*teams), vsa=vsa, key=str(teams[0].pem))
    assert json.loads(vsa.read_text())["payloadType"] == "application/vnd.in-toto+json"
