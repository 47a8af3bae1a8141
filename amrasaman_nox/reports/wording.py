"""Verdicts and variations in words."""

from __future__ import annotations

from amrasaman_nox.errors import printable
from amrasaman_nox.model import Comparison, Verdict
from amrasaman_nox.verification.explain import PUBLISHED, RANDOM, explanation_of


def variation_label(variation: str) -> str:
    """Return a variation as the reports say it, such as ``varied: build path``."""
    if variation in PUBLISHED:
        return "as published"
    if variation == RANDOM:
        return "nothing varied"
    return f"varied: {printable(variation).replace('-', ' ')}"


def verdict_line(comparison: Comparison) -> str:
    """Return one line with the verdict and, where there is one, its first cause and the fix."""
    line = f"{comparison.name} {comparison.version}  {comparison.verdict}"
    return printable(line + _because(comparison))


def _because(comparison: Comparison) -> str:
    if comparison.proof:
        return f"  {comparison.proof}"
    told = comparison.reason and comparison.against in PUBLISHED
    if comparison.verdict is Verdict.DIFFERENT and told:
        # What a published wheel itself tells says more than the differences that follow from it.
        return f"  {comparison.reason}" + (f" → {comparison.hint}" if comparison.hint else "")
    if comparison.causes and comparison.verdict in (Verdict.DIFFERENT, Verdict.EQUIVALENT):
        cause, *others = comparison.causes
        row = explanation_of(cause)
        member = f"{cause.member.rsplit('/', 1)[-1] or cause.member}: " if cause.member else ""
        more = f" and {len(others)} more" if others else ""
        return f"  {member}{row.title} ({variation_label(cause.variation)}){more} → {row.packager}"
    if comparison.verdict is Verdict.EQUIVALENT:
        return f"  (normalised: {', '.join(comparison.normalisations)})"
    return f"  {comparison.reason}" if comparison.reason else ""
