from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.agreement.ballot import open_ballot
from amrasaman_nox.agreement.places import Folder
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError

from ..support.rebuilders import policy_text, rebuilder, record

if TYPE_CHECKING:
    from pathlib import Path


def test_with_a_policy_our_own_folder_is_asked_first(tmp_path: Path) -> None:
    a, b = rebuilder(tmp_path, "a"), rebuilder(tmp_path, "b")
    a.signs(), b.signs()
    (tmp_path / "policy.toml").write_text(policy_text(a, b))
    config = Config(
        output=a.folder, policy=tmp_path / "policy.toml", against=(str(b.folder), str(a.folder))
    )
    ballot = open_ballot(config)
    assert ballot.places[0] == Folder(a.folder, ours=True)
    assert ballot.tally(record()).groups == ("a", "b")


def test_a_threshold_that_nobody_can_reach_today_is_one_line(tmp_path: Path) -> None:
    a = rebuilder(tmp_path, "a")
    text = policy_text(a, threshold=1) + "valid-until = 2020-01-01\n"
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(AsamanError, match=r"only 0 are valid today: a \(expired"):
        open_ballot(Config(output=a.folder, policy=tmp_path / "policy.toml"))


def test_without_a_policy_only_the_named_places_are_asked(tmp_path: Path) -> None:
    ballot = open_ballot(Config(against=str(tmp_path)))
    assert (ballot.policy, ballot.places) == (None, (Folder(tmp_path),))


def test_published_wheels_are_no_place(tmp_path: Path) -> None:
    """A project can have ``against = "published"`` for verify, and a policy for generate."""
    assert open_ballot(Config(against="published")).places == ()
