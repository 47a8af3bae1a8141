"""Votes: who counts, and the attacks, each of which is refused with a line that says why."""

from __future__ import annotations

import base64
import dataclasses
import json
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from amrasaman_nox import records
from amrasaman_nox.agreement import envelopes, policy, votes
from amrasaman_nox.agreement.places import Folder, open_place
from amrasaman_nox.model import Digest, IndexOptions, LockedFile, Tool, Verdict
from amrasaman_nox.record_files import beside

from ..support.rebuilders import Rebuilder, policy_text, rebuilder, record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.agreement.votes import Tally
    from amrasaman_nox.model import BuildRecord

OURS = record()
TODAY = date(2026, 8, 1)


class Team(NamedTuple):
    """Three rebuilders, and the folder of the policy."""

    folder: Path
    a: Rebuilder
    b: Rebuilder
    c: Rebuilder

    def tally(
        self,
        threshold: int = 2,
        more: str = "",
        text: str = "",
        ours: BuildRecord = OURS,
        today: date = TODAY,
    ) -> Tally:
        """Count what the three have, under a policy with the keys of all."""
        path = self.folder / "policy.toml"
        path.write_text(text or policy_text(*self[1:], threshold=threshold, more=more))
        there = [each.folder for each in self[1:] if each.folder.is_dir()]
        found = [open_place(str(each), IndexOptions()).held(ours) for each in there]
        return votes.count(ours, found, policy.read(path), today)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path, *(rebuilder(tmp_path, name) for name in "abc"))


def test_as_many_groups_as_the_threshold_admit_a_wheel(team: Team) -> None:
    team.a.signs()
    found = team.tally()
    assert not found.admitted
    assert found.reason == "1 of 2 votes; a agrees; b has nothing; c has nothing"
    team.b.signs()
    found = team.tally()
    assert found.admitted
    assert (found.verdict, found.groups) == (Verdict.IDENTICAL, ("a", "b"))
    assert not team.tally(threshold=3).admitted


def poisoned(own: BuildRecord) -> BuildRecord:
    return dataclasses.replace(own, tools=(Tool(name="cc", version="cc 13"),))


def test_who_differs_is_named_with_the_input_that_differs_first(team: Team) -> None:
    team.a.signs(), team.b.signs()
    team.c.signs(
        b"poisoned",
        requirements=(LockedFile(filename="evil-1-py3-none-any.whl", digest=Digest.of(b"e")),),
        tools=(Tool(name="cc", version="cc 13"),),
    )
    found = team.tally()
    assert found.admitted
    said = "c differs (other inputs: build requirement evil none → 1; compiler cc none → 13)"
    assert found.reason.endswith(said)
    assert "3 votes" in (refused := team.tally(threshold=3)).reason
    assert (refused.admitted, refused.verdict) == (False, Verdict.DIFFERENT)


def test_who_differs_from_the_same_inputs_is_said_so(team: Team) -> None:
    team.a.signs(b"poisoned")
    assert "a differs (from the same inputs)" in team.tally().reason


def test_the_content_counts_only_if_the_policy_says_so(team: Team) -> None:
    for each in (team.a, team.b):
        # Only what is signed is there: a wheel beside it would be read.
        each.signs(b"wheel\nin another archive").with_suffix("").with_suffix("").unlink()
    found = team.tally()
    assert (found.admitted, found.verdict) == (False, Verdict.DIFFERENT)
    assert "a has the same content in another archive" in found.reason
    found = team.tally(more='equal = "content"')
    assert (found.admitted, found.verdict) == (True, Verdict.EQUIVALENT)


def test_times_and_isolation_have_no_say(team: Team) -> None:
    for each, rung in ((team.a, "none"), (team.b, "full")):
        each.signs(isolation=rung, isolation_reasons=(rung,))
    assert team.tally().admitted


def test_a_group_has_one_vote(team: Team) -> None:
    team.a.signs(), team.b.signs()
    text = policy_text(team.a, team.b, team.c)
    for name in "ab":
        text = text.replace(f'name = "{name}"', f'name = "{name}"\ngroup = "g"')
    found = team.tally(text=text)
    assert (found.admitted, found.groups) == (False, ("g",))
    team.c.signs()
    assert team.tally(text=text).admitted


def test_a_group_that_contradicts_itself_has_none(team: Team) -> None:
    team.a.signs(), team.b.signs(b"other"), team.c.signs()
    text = policy_text(team.a, team.b, team.c)
    for name in "ab":
        text = text.replace(f'name = "{name}"', f'name = "{name}"\ngroup = "g"')
    assert team.tally(text=text).groups == ("c",)


def test_a_rebuilder_that_signed_two_wheels_has_no_vote(team: Team) -> None:
    team.b.signs()
    both = [team.a.signs(each).read_bytes() for each in (b"other", b"wheel")]
    envelopes.beside(team.a.folder / OURS.wheel.filename).write_bytes(b"".join(both))
    found = team.tally()
    assert found.groups == ("b",)
    assert "a differs (it signed different wheels; from the same inputs)" in found.reason


def test_one_who_has_only_another_wheel_has_nothing(team: Team) -> None:
    team.a.signs(), team.b.signs()
    wheel = dataclasses.replace(OURS.wheel, filename="six-1.0-cp312-none-any.whl")
    team.c.signs(wheel=wheel)
    assert team.tally().reason.endswith("c has nothing (only six-1.0-cp312-none-any.whl)")


def test_signatures_beside_our_own_wheels_count(team: Team) -> None:
    line = team.a.signs().read_bytes() + team.b.signs().read_bytes()
    folder = team.folder / "ours"
    folder.mkdir()
    envelopes.beside(folder / OURS.wheel.filename).write_bytes(line)
    path = team.folder / "policy.toml"
    path.write_text(policy_text(team.a, team.b))
    found = [Folder(folder, ours=True).held(OURS)]
    assert votes.count(OURS, found, policy.read(path), TODAY).admitted


# --- exceptions and published wheels ---------------------------------------------------------

EXCEPTION = '[[exceptions]]\nname = "six"\nreason = "slow"\nuntil = 2026-08-01\n'


def test_an_exception_admits_until_its_last_day(team: Team) -> None:
    text = policy_text(*team[1:]) + EXCEPTION
    found = team.tally(text=text)
    assert (found.admitted, found.verdict) == (True, Verdict.UNCHECKED)
    assert found.exempt == "exempt until 2026-08-01: slow"
    later = team.tally(text=text, today=date(2026, 8, 2))
    assert not later.admitted
    assert "0 of 2 votes (the exception ended on 2026-08-01)" in later.reason


@pytest.mark.parametrize(
    ("only_binary", "said"), [("refuse", "which the policy refuses"), ("allow", ""), ("vote", "")]
)
def test_a_published_wheel_is_what_the_policy_says(only_binary: str, said: str, team: Team) -> None:
    source = dataclasses.replace(
        OURS.source, filename=OURS.wheel.filename, digest=OURS.wheel.digest
    )
    changes: dict[str, Any] = {"as_published": True, "source": source}
    ours = dataclasses.replace(OURS, **changes)
    more = f'only-binary = "{only_binary}"'
    assert team.tally(ours=ours, more=more).admitted == (only_binary == "allow")
    team.a.signs(**changes), team.b.signs(**changes)
    found = team.tally(ours=ours, more=more)
    assert found.admitted == (only_binary != "refuse")
    assert said in found.reason


# --- without a policy ------------------------------------------------------------------------


def test_without_a_policy_places_are_compared_and_nothing_is_admitted(team: Team) -> None:
    team.a.signs(), team.b.has(b"other")
    team.c.folder.mkdir()
    found = [open_place(str(each.folder), IndexOptions()).held(OURS) for each in team[1:]]
    tally = votes.count(OURS, found, None, TODAY)
    assert [vote.verdict for vote in tally.votes] == ["identical", "different", "unchecked"]
    assert not any(vote.counts for vote in tally.votes)
    assert (tally.verdict, tally.admitted) == (Verdict.DIFFERENT, False)
    assert votes.count(OURS, found[:1], None, TODAY).verdict is Verdict.IDENTICAL
    assert votes.count(OURS, found[2:], None, TODAY).verdict is Verdict.UNCHECKED


def test_a_wheel_alone_is_compared_by_its_bytes(team: Team) -> None:
    for each, content in ((team.a, b"wheel"), (team.b, b"other")):
        beside(each.has(content)).unlink()
    found = [open_place(str(each.folder), IndexOptions()).held(OURS) for each in (team.a, team.b)]
    tally = votes.count(OURS, found, None, TODAY)
    assert [vote.verdict for vote in tally.votes] == ["identical", "different"]


# --- attacks ---------------------------------------------------------------------------------
# b has signed our wheel. Each attack is what a does, so that a has no vote.


def sealed(key: Rebuilder, payload: bytes, kind: str = envelopes.PAYLOAD_TYPE) -> bytes:
    """Return a line with a true signature of whatever it is."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, kind, {})
    envelope.sign(key.key)  # type: ignore[arg-type]
    return json.dumps(envelope.to_dict()).encode() + b"\n"


def text(own: BuildRecord = OURS, **changes: Any) -> bytes:
    return json.dumps({**records.statement(own), **changes}).encode()


def put(team: Team, content: bytes) -> None:
    envelopes.beside(team.a.has()).write_bytes(content)


def another_file(team: Team) -> None:
    other = dataclasses.replace(OURS.wheel, filename="six-1.0-cp312-none-any.whl")
    put(team, sealed(team.a, text(dataclasses.replace(OURS, wheel=other))))


def swapped_payload(team: Team) -> None:
    document = json.loads(sealed(team.a, text(record(content=b"other"))))
    document["payload"] = base64.b64encode(text()).decode()
    put(team, json.dumps(document).encode())


def another_s_key_id(team: Team) -> None:
    document = json.loads(sealed(rebuilder(team.folder, "stranger"), text()))
    document["signatures"][0]["keyid"] = team.a.key.public_key.keyid
    put(team, json.dumps(document).encode())


def copied(team: Team) -> None:
    """a shows the line that b signed."""
    put(team, envelopes.beside(team.b.folder / OURS.wheel.filename).read_bytes() * 3)


def two_signatures_of_b(team: Team) -> None:
    document = json.loads(sealed(team.b, text()))
    (one,) = document["signatures"]
    document["signatures"] = [one, {**one, "keyid": team.a.key.public_key.keyid}]
    put(team, json.dumps(document).encode())


def another_source(team: Team) -> None:
    source = dataclasses.replace(OURS.source, digest=Digest.of(b"another sdist"))
    put(team, sealed(team.a, text(dataclasses.replace(OURS, source=source))))


def another_project(team: Team) -> None:
    source = dataclasses.replace(OURS.source, filename="evil-1.0.tar.gz")
    put(team, sealed(team.a, text(dataclasses.replace(OURS, source=source))))


def forged(team: Team) -> None:
    """A wheel with a record that says what we want to hear, and no signature."""
    team.a.has().write_bytes(b"forged")


def unsigned(team: Team) -> None:
    """The signatures are gone, and the record stays."""
    team.a.signs().unlink()


ATTACKS: dict[str, tuple[Callable[[Team], Any], str]] = {
    "the signature of another file": (another_file, "it is signed for six-1.0-cp312"),
    "a swapped payload": (swapped_payload, "signed by no key of the policy"),
    "another type": (
        lambda team: put(team, sealed(team.a, text(), "application/json")),
        "its type is application/json",
    ),
    "a key id that is not the signer's": (another_s_key_id, "signed by no key of the policy"),
    "the same key three times": (copied, "a has nothing"),
    "the same key in two signatures": (two_signatures_of_b, "a has nothing"),
    "an unknown predicate": (
        lambda team: put(team, sealed(team.a, text(predicateType="https://example.org/x"))),
        "unknown predicate https://example.org/x",
    ),
    "another source": (another_source, "a differs (other inputs: source"),
    "another project's source": (another_project, "was made from evil-1.0.tar.gz"),
    "two subjects": (
        lambda team: put(team, sealed(team.a, text(subject=text() and [{}, {}]))),
        "one item is required",
    ),
    "a forged wheel with an unsigned record": (forged, "not the wheel that its record names"),
    "a downgrade to unsigned": (unsigned, "not counted: not signed"),
    "an empty file of signatures": (lambda team: put(team, b"\n"), "it has no signature"),
    "deep JSON": (lambda team: put(team, b"[" * 100_000), "nested deeper"),
    "a deep payload": (lambda team: put(team, sealed(team.a, b"[" * 100_000)), "nested deeper"),
    "100 MB": (lambda team: put(team, b" " * (100 << 20)), "larger than 32 MiB"),
    "many lines": (lambda team: put(team, b"{}\n" * 1000), "more than 100 signatures"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_gets_no_vote_and_is_said(attack: str, team: Team) -> None:
    act, said = ATTACKS[attack]
    team.b.signs()
    act(team)
    found = team.tally()
    assert not found.admitted
    assert set(found.groups) <= {"b"}
    assert said in "\n".join((found.reason, *map(str, found.problems)))
    assert len(found.problems) <= 1


@pytest.mark.parametrize("dates", ["valid-until = 2026-07-31", "valid-from = 2026-08-02"])
def test_a_key_that_is_not_valid_today_has_no_vote(dates: str, team: Team) -> None:
    team.a.signs(), team.b.signs()
    head = policy_text(*team[1:])
    text = head.replace('name = "a"\n', f'name = "a"\n{dates}\n')
    found = team.tally(text=text)
    assert (found.admitted, found.groups) == (False, ("b",))
    assert "a agrees (not counted: " in found.reason
