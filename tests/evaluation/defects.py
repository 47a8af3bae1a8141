"""Verify every seeded defect and rebuild every clean project; print what was found as a table.

Run as ``python -m tests.evaluation.defects``; it ends with 1 where a defect is missed, a cause is
named wrongly too often, or a clean project raises an alarm.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox.environments import interpreters
from amrasaman_nox.model import Verdict
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sources.store import Store
from amrasaman_nox.verification import variations, verify

from ..support import defects
from ..support.drawn import draw

if TYPE_CHECKING:
    from amrasaman_nox.model import Comparison
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.verification.variations import Plan

#: Rebuilds of clean projects in all.
REBUILDS = 200
ENOUGH = 0.95


def main() -> int:
    """Print both tables; return the exit status."""
    isolation = choose("auto")
    plan = variations.plan((), variations.Machine.here(isolation), draw())
    with (
        tempfile.TemporaryDirectory() as folder,
        defects.run_without_index(
            Store.open(Path(folder, "cache")),
            isolation,
            interpreters.inspect(),
            Path(folder, "wheels"),
        ) as run,
    ):
        print(f"isolation {isolation.rung}; varied: {', '.join(plan.names)}")
        print(f"not varied: {', '.join(plan.not_varied) or 'none'}\n")
        found = _defects(run, plan)
        alarms = _clean(run, plan)
    return 0 if found and not alarms else 1


def _defects(run: Run, plan: Plan) -> bool:
    print("| defect | verdict | first cause | explanation | found |\n|---|---|---|---|---|")
    counts: Counter[str] = Counter()
    for defect in defects.DEFECTS:
        lacks = defects.missing(defect.needs, plan.machine)
        if lacks:
            print(f"| {defect} | unchecked | needs {lacks} | | |")
            continue
        record = defects.first_build(run, defect.name)
        comparison = verify.verify_record(run, record, plan)
        told = judge(defect, comparison, record.passes)
        counts[told] += 1
        first = comparison.causes[0] if comparison.causes else None
        said = (first.variation, first.explanation) if first else ("", ", ".join(record.passes))
        print(f"| {defect} | {comparison.verdict} | {said[0]} | {said[1]} | {told} |", flush=True)
    total = counts.total()
    print(f"\nfound {total - counts['missed']} of {total}, cause named right in {counts['yes']}")
    return not counts["missed"] and counts["yes"] >= ENOUGH * total


def judge(defect: defects.Defect, comparison: Comparison, passes: tuple[str, ...]) -> str:
    """Return ``yes``, ``missed`` (another verdict) or ``wrong cause``."""
    if comparison.verdict is not defect.verdict or not set(defect.passes) <= set(passes):
        return "missed"
    if not defect.explanation:
        return "wrong cause" if comparison.causes else "yes"
    if not comparison.causes:
        return "wrong cause"
    first = comparison.causes[0]
    named = {cause.variation for cause in comparison.causes}
    right = (first.variation, first.explanation) == (defect.variation, defect.explanation)
    return "yes" if right and set(defect.also) <= named else "wrong cause"


def _clean(run: Run, plan: Plan) -> int:
    """Rebuild clean projects under all variations, and under each alone, until there are enough."""
    records = [defects.first_build(run, name) for name in defects.CLEAN]
    groups = [plan.variations, *((one,) for one in plan.variations), ()]
    done, alarms = 0, 0
    while done < REBUILDS:
        for group in groups:
            for record in records:
                tried = replace(plan, variations=group)
                verdict = verify.verify_record(run, record, tried).verdict
                done += 1
                if verdict is not Verdict.IDENTICAL:
                    alarms += 1
                    names = ", ".join(one.name for one in group) or "nothing"
                    print(f"alarm: {record.name}: {verdict} (varied: {names})")
    print(f"\n{done} rebuilds of {len(records)} clean projects, {alarms} false alarms")
    return alarms


if __name__ == "__main__":
    sys.exit(main())
