"""Who agrees on one of our wheels: one vote for each rebuilder, one for each group of a policy.

Votes are counted by the digest that was signed for the exact name of the file. Without a policy
nobody's signature can count: then places are compared, and each says what it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox.agreement import identities
from amrasaman_nox.agreement.inputs import inputs_line
from amrasaman_nox.agreement.policy import Equal, OnlyBinary
from amrasaman_nox.model import Digest, Verdict, Vote

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from amrasaman_nox.agreement.places import Held
    from amrasaman_nox.agreement.policy import Policy, Rebuilder
    from amrasaman_nox.agreement.statements import Statement
    from amrasaman_nox.errors import AsamanError
    from amrasaman_nox.model import BuildRecord

#: How the reports name what a vote says.
_SAYS = {
    Verdict.IDENTICAL: "agrees",
    Verdict.EQUIVALENT: "has the same content in another archive",
    Verdict.DIFFERENT: "differs",
    Verdict.UNCHECKED: "has nothing",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What all say of one wheel.

    ``needed`` is how many groups must agree, 0 without a policy; ``groups`` are those that do.
    ``exempt`` says why none is needed, ``refused`` why none would do, ``remark`` what else must be
    known. ``statements`` are the digests of what was signed by those who agree. ``problems`` are
    files that do not count.
    """

    record: BuildRecord
    votes: tuple[Vote, ...] = ()
    needed: int = 0
    groups: tuple[str, ...] = ()
    exempt: str = ""
    refused: str = ""
    remark: str = ""
    statements: tuple[Digest, ...] = ()
    problems: tuple[AsamanError, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict on our wheel."""
        if self.refused or self.exempt:
            return Verdict.UNCHECKED
        found = [vote.verdict for vote in self.votes if vote.counts or not self.needed]
        agreeing = [each for each in found if each in (Verdict.IDENTICAL, Verdict.EQUIVALENT)]
        if self.needed and not self.admitted:
            differs = set(found) & {Verdict.DIFFERENT, Verdict.EQUIVALENT}
            return Verdict.DIFFERENT if differs else Verdict.UNCHECKED
        if Verdict.DIFFERENT in found and not self.needed:
            return Verdict.DIFFERENT
        if not agreeing:
            return Verdict.UNCHECKED
        enough = self.needed or len(agreeing)
        same = {
            vote.group
            for vote in self.votes
            if vote.verdict is Verdict.IDENTICAL and (vote.counts or not self.needed)
        }
        return Verdict.IDENTICAL if len(same) >= enough else Verdict.EQUIVALENT

    @property
    def admitted(self) -> bool:
        """Whether the policy lets the wheel through."""
        if self.refused:
            return False
        return bool(self.exempt) or len(self.groups) >= self.needed > 0

    @property
    def reason(self) -> str:
        """What the votes come to, as one line."""
        head = self.refused or self.exempt
        if self.needed and not head:
            head = f"{len(self.groups)} of {self.needed} votes"
            head += f" ({self.remark})" if self.remark else ""
        return "; ".join(filter(None, (head, *map(line, self.votes))))


def line(vote: Vote) -> str:
    """Return what a vote says, such as ``team-a agrees``."""
    says = f"{vote.rebuilder} {_SAYS[vote.verdict]}"
    return f"{says} ({vote.reason})" if vote.reason else says


def count(ours: BuildRecord, found: Sequence[Held], policy: Policy | None, today: date) -> Tally:
    """Count what places have *found* for our wheel.

    :param policy: whose signatures count, ``None`` to compare with each place
    :param today: the day (UTC) on which keys and exceptions must be valid
    """
    problems = tuple(problem for each in found for problem in each.problems)
    if policy is None:
        votes = tuple(_of_place(ours, each) for each in found)
        return Tally(record=ours, votes=votes, problems=problems)
    signed = [statement for each in found for statement in each.signed]
    by = {each.name: _signed_by(each, signed) for each in policy.rebuilders}
    known = {id(statement) for own in by.values() for statement in own}
    others = sorted({name for each in found for name in each.others})
    votes = tuple(
        _of_rebuilder(ours, each, by[each.name], others, today) for each in policy.rebuilders
    )
    votes += tuple(
        _not_counted(ours, each)
        for each in found
        if (each.signed or each.told or each.digest)
        and not any(id(statement) in known for statement in each.signed)
    )
    exempt, refused = _rules(ours, policy, today)
    groups = _agreeing(votes, policy)
    ended = policy.expired(ours.name, ours.version, today)
    agreeing = {each.name for each in policy.rebuilders if each.group in groups}
    return Tally(
        record=ours,
        votes=votes,
        needed=policy.threshold,
        groups=groups,
        exempt=exempt,
        refused=refused,
        remark=f"the exception ended on {ended.until}" if ended else "",
        statements=tuple(
            Digest.of(each.envelope.payload) for name in sorted(agreeing) for each in by[name]
        ),
        problems=problems,
    )


def _rules(ours: BuildRecord, policy: Policy, today: date) -> tuple[str, str]:
    """Return why our wheel needs no votes, and why none would do."""
    if unpublished := policy.unpublished(ours):
        return "", unpublished
    if ours.as_published and policy.only_binary is OnlyBinary.REFUSE:
        return "", "a published wheel that was not rebuilt, which the policy refuses"
    exception = policy.exception(ours.name, ours.version, today)
    if exception is not None:
        return f"exempt until {exception.until}: {exception.reason}", ""
    if ours.as_published and policy.only_binary is OnlyBinary.ALLOW:
        return "published wheel, which the policy allows", ""
    return "", ""


def _agreeing(votes: Iterable[Vote], policy: Policy) -> tuple[str, ...]:
    """Return the groups all of whose votes are for our wheel."""
    accepted = {Verdict.IDENTICAL}
    if policy.equal is Equal.CONTENT:
        accepted.add(Verdict.EQUIVALENT)
    by_group: dict[str, set[Verdict]] = {}
    for vote in votes:
        if vote.counts:
            by_group.setdefault(vote.group, set()).add(vote.verdict)
    return tuple(group for group, verdicts in by_group.items() if verdicts <= accepted)


def _signed_by(rebuilder: Rebuilder, signed: Iterable[Statement]) -> list[Statement]:
    return [
        each
        for each in signed
        if each.envelope.verified_by(rebuilder.keys)
        or identities.is_by(each.envelope, rebuilder.identities)
    ]


def _of_rebuilder(
    ours: BuildRecord,
    rebuilder: Rebuilder,
    own: Sequence[Statement],
    others: Sequence[str],
    today: date,
) -> Vote:
    """Return the vote of a rebuilder of the policy, whose signatures *own* are."""
    if not own:
        reason = f"only {', '.join(others)}" if others else ""
        return _vote(rebuilder.name, rebuilder.group, Verdict.UNCHECKED, reason)
    verdicts = {_compared(ours, each.record): each for each in own}
    worst = max(verdicts, key=_RANK.index)
    statement = verdicts[worst]
    reason = _why(ours, statement.record, worst)
    if len(verdicts) > 1:
        reason = f"it signed different wheels; {reason}"
    invalid = rebuilder.invalid(today)
    reason = f"not counted: {invalid}" if invalid else reason
    digest = statement.record.wheel.digest
    return _vote(rebuilder.name, rebuilder.group, worst, reason, digest, counts=not invalid)


def _not_counted(ours: BuildRecord, held: Held) -> Vote:
    """Return what a place says that nobody in the policy has signed."""
    vote = _of_place(ours, held)
    why = "signed by no key of the policy" if held.signed else "not signed"
    reason = f"not counted: {why}; {vote.reason}".removesuffix("; ")
    return _vote(vote.rebuilder, vote.group, vote.verdict, reason, vote.digest)


def _of_place(ours: BuildRecord, held: Held) -> Vote:
    """Return what a place says of our wheel: by the record that it has, and by the file."""
    record = held.record
    if record is None and held.digest is None:
        reason = f"only {', '.join(held.others)}" if held.others else ""
        return _vote(held.place, held.place, Verdict.UNCHECKED, reason)
    if record is None:
        same = held.digest == ours.wheel.digest
        verdict = Verdict.IDENTICAL if same else Verdict.DIFFERENT
        return _vote(held.place, held.place, verdict, "" if same else "no record", held.digest)
    verdict = _compared(ours, record)
    if held.digest not in (None, record.wheel.digest):
        reason = f"its file is not the wheel of its record; {_why(ours, record, verdict)}"
        reason = reason.removesuffix("; ")
        return _vote(held.place, held.place, Verdict.DIFFERENT, reason, held.digest)
    digest = record.wheel.digest
    return _vote(held.place, held.place, verdict, _why(ours, record, verdict), digest)


#: From the best to the worst that a rebuilder can have signed.
_RANK = (Verdict.IDENTICAL, Verdict.EQUIVALENT, Verdict.DIFFERENT)


def _compared(ours: BuildRecord, theirs: BuildRecord) -> Verdict:
    """Compare by digests; a wheel that is said to be of another source is another one."""
    if ours.source.digest != theirs.source.digest:
        return Verdict.DIFFERENT
    if ours.wheel.digest == theirs.wheel.digest:
        return Verdict.IDENTICAL
    same = ours.wheel.content_digest == theirs.wheel.content_digest
    return Verdict.EQUIVALENT if same else Verdict.DIFFERENT


def _why(ours: BuildRecord, theirs: BuildRecord, verdict: Verdict) -> str:
    return "" if verdict is Verdict.IDENTICAL else inputs_line(ours, theirs)


def _vote(
    name: str,
    group: str,
    verdict: Verdict,
    reason: str,
    digest: Digest | None = None,
    *,
    counts: bool = False,
) -> Vote:
    return Vote(
        rebuilder=name, group=group, verdict=verdict, reason=reason, digest=digest, counts=counts
    )
