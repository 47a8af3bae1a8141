"""A site of what has its votes: others stay out, and are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Publisher
from amrasaman_nox.sites.index import make_index

from ..support.rebuilders import policy_text, rebuilder
from . import handmade

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Report


def made(tmp_path: Path, more: str = "", **changes: object) -> tuple[Report, Path]:
    """Write the site of two teams, of whom both have ``agreed`` and one has ``alone``."""
    teams = [rebuilder(tmp_path, name) for name in ("team-a", "team-b")]
    for team in teams:
        handmade.put(team.folder, "agreed", **changes)
        if team is teams[0]:
            handmade.put(team.folder, "alone")
        team.sign()
    policy = tmp_path / "policy.toml"
    policy.write_text(policy_text(*teams) + more)
    folders = tuple(team.folder for team in teams)
    return indexed(tmp_path, *folders, policy=policy), tmp_path / "site"


def indexed(tmp_path: Path, *folders: Path, **more: object) -> Report:
    config = Config(folders=folders, site=tmp_path / "site", cache_dir=tmp_path / "c", **more)  # type: ignore[arg-type]
    return make_index(config)


def test_only_wheels_with_their_votes_get_in_and_others_are_named(tmp_path: Path) -> None:
    report, site = made(tmp_path)
    assert [one.name for one in report.build.records] == ["agreed"]
    (left,) = (note for note in report.build.notes if note.startswith("left out"))
    assert left.startswith("left out: alone-1.0-py3-none-any.whl: 1 of 2 votes; team-a agrees; ")
    assert "team-b has nothing" in left
    assert not list(site.rglob("alone*"))
    page = (site / "projects/agreed.html").read_text()
    assert "2 of 2 votes" in page
    assert "team-a agrees" in page
    # What independent rebuilders agree on is verified.
    assert '<span class="badge good">identical</span>' in page
    assert "2 of 2 votes" in (site / "index.html").read_text()


def test_a_wheel_that_lost_its_votes_leaves_the_site(tmp_path: Path) -> None:
    _, site = made(tmp_path)
    policy = tmp_path / "policy.toml"
    folder = tmp_path / "more"
    handmade.put(folder, "alone")
    indexed(tmp_path, folder)
    assert list(site.rglob("alone*"))
    indexed(tmp_path, folder, policy=policy)
    assert not list(site.rglob("alone*"))


def test_where_nothing_has_its_votes_nothing_is_written(tmp_path: Path) -> None:
    made(tmp_path)
    (other := tmp_path / "other").mkdir()
    handmade.put(other / "w", "alone")
    with pytest.raises(AsamanError, match="0 of 2 votes") as caught:
        indexed(other, other / "w", policy=tmp_path / "policy.toml")
    assert caught.value.code is ExitCode.DIFFERENT
    assert not (other / "site").exists()


def test_a_demanded_publisher_is_a_condition_besides_the_votes(tmp_path: Path) -> None:
    demand = '\n[[publishers]]\nname = "agreed"\nrepository = "o/r"\n'
    with pytest.raises(AsamanError, match="no attestation says") as caught:
        made(tmp_path, demand)
    assert caught.value.code is ExitCode.DIFFERENT
    (again := tmp_path / "again").mkdir()
    who = Publisher(kind="GitHub", repository="o/r", workflow="w.yml", commit="c0ffee")
    report, _ = made(again, demand, publisher=who)
    assert [one.name for one in report.build.records] == ["agreed"]
