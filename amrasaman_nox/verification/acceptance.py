"""What counts as the same: the one place that turns verdicts into yes or no, and an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.commands import VERDICTS, by_session
from amrasaman_nox.errors import ExitCode, first_code
from amrasaman_nox.model import Verdict

if TYPE_CHECKING:
    from amrasaman_nox.model import Comparison, Report

_ACCEPTED: Final = {
    Verdict.IDENTICAL: (Verdict.IDENTICAL,),
    Verdict.EQUIVALENT: (Verdict.IDENTICAL, Verdict.EQUIVALENT),
}
#: Verdicts that say that nothing was compared.
_NOT_COMPARED: Final = (Verdict.UNCHECKED, Verdict.FAILED)


def is_accepted(comparison: Comparison, allowed: Verdict) -> bool:
    """Tell whether a comparison is as good as asked for.

    What is unchecked is not, but for a wheel that the user named to be used as published, and what
    a policy exempts.

    :param allowed: the weakest verdict that counts as the same
    """
    if comparison.exempt:
        return True
    if comparison.verdict is Verdict.UNCHECKED:
        return comparison.as_published and not comparison.votes
    return comparison.verdict in _ACCEPTED[allowed]


def compared_nothing(report: Report) -> bool:
    """Tell whether a report that is to compare wheels has none that was compared."""
    if by_session(report.command).result != VERDICTS:
        return False
    return all(one.verdict in _NOT_COMPARED for one in report.comparisons)


def exit_code(report: Report) -> ExitCode:
    """Return what *report* comes to: of all codes that apply, the one that counts."""
    codes = [failure.code for failure in report.build.failures]
    if any(one.verdict is Verdict.FAILED for one in report.comparisons):
        codes.append(ExitCode.BUILD_FAILED)
    accepted = all(is_accepted(one, report.allowed) for one in report.comparisons)
    lacking = any(one.lacks(report.required) for one in report.comparisons)
    unfixed = any(not finding.allowed for finding in report.findings)
    if not accepted or lacking or unfixed or compared_nothing(report):
        codes.append(ExitCode.DIFFERENT)
    if any(fact.required and not fact.works for fact in report.facts):
        codes.append(ExitCode.NOT_AVAILABLE)
    return first_code(codes)
