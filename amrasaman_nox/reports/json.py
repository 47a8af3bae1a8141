"""The report as JSON; ``docs/reference/report-schema.md`` describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.reports import changes, facts, findings, machine, origins, stages
from amrasaman_nox.reports.wording import diff_text, difference_line

if TYPE_CHECKING:
    from amrasaman_nox.errors import Origin
    from amrasaman_nox.model import (
        BuildFailure,
        BuildRecord,
        Comparison,
        Difference,
        Report,
        Vote,
    )

#: Raised when a key changes its meaning or goes away; new keys do not raise it.
VERSION: Final = 1


def render(report: Report) -> str:
    """Return the report as JSON, in ASCII; foreign text in it is escaped as in every report."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Return the report as the value that :func:`render` writes."""
    found: dict[str, Any] = {
        "schema": VERSION,
        "command": report.command,
        "isolation": report.isolation,
        "output": report.output,
        "notes": [*report.build.notes, *report.notes],
        "warnings": list(report.warnings),
    }
    if facts.shows_comparisons(report):
        found["allowed"] = str(report.allowed)
        found["seed"] = report.seed
        found["comparisons"] = [_comparison(one) for one in report.comparisons]
    if facts.shows_builds(report):
        found["wheels"] = [_wheel(one, report) for one in report.build.records]
        found["failures"] = [_failure(one) for one in report.build.failures]
        found["left_out"] = [
            {"name": pin.name, "version": pin.version, "reason": reason}
            for pin, reason in report.build.left_out
        ]
    if report.build.bootstraps:
        found["bootstraps"] = [stages.document(one) for one in report.build.bootstraps]
    if report.origins is not None:
        found["origins"] = origins.document(report.origins)
    if report.findings or facts.shows_findings(report):
        found["findings"] = [findings.document(one) for one in report.findings]
    if report.facts:
        found["facts"] = [machine.document(one) for one in report.facts]
    if report.changes:
        found["changes"] = [changes.document(one) for one in report.changes]
    cleaned: dict[str, Any] = _cleaned(found)
    return cleaned


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "wheel": one.wheel,
        "verdict": str(one.verdict),
        "against": one.against,
        "ours": None if one.ours is None else str(one.ours),
        "theirs": None if one.theirs is None else str(one.theirs),
        "normalisations": list(one.normalisations),
        "causes": [
            {
                "variation": cause.variation,
                "explanation": cause.explanation,
                "member": cause.member,
                "detail": difference_line(cause.difference),
            }
            for cause in one.causes
        ],
        "differences": [_difference(difference) for difference in one.differences],
        "varied": list(one.varied),
        "not_varied": [
            dict(zip(("variation", "reason"), facts.reason_not_varied(text), strict=True))
            for text in one.not_varied
        ],
        "values": [{"name": name, "value": value} for name, value in one.values],
        "recipe": [{"name": name, "value": value} for name, value in one.recipe],
        "proof": one.proof,
        "reason": one.reason,
        "hint": one.hint,
        "kept": one.kept,
        "log": one.log,
        **({"votes": [_vote(vote) for vote in one.votes]} if one.votes else {}),
        **({"exempt": one.exempt} if one.exempt else {}),
    }


def _vote(vote: Vote) -> dict[str, Any]:
    return {
        "rebuilder": vote.rebuilder,
        "group": vote.group,
        "verdict": str(vote.verdict),
        "counts": vote.counts,
        "reason": vote.reason,
        "digest": None if vote.digest is None else str(vote.digest),
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "member": one.member,
        "detail": difference_line(one),
        "diff": diff_text(one),
        "normalisation": one.normalisation,
    }


def _wheel(record: BuildRecord, report: Report) -> dict[str, Any]:
    return {
        "name": record.name,
        "version": record.version,
        "wheel": record.wheel.filename,
        "sha256": record.wheel.digest.value,
        "content_sha256": record.wheel.content_digest.value,
        "state": facts.state_of(record, report.build),
        "record": facts.record_name(record),
    }


def _failure(failure: BuildFailure) -> dict[str, Any]:
    return {
        "name": failure.name,
        "version": failure.version,
        "stage": failure.stage,
        "reason": failure.reason,
        "hint": failure.hint,
        "code": int(failure.code),
        "log": failure.log,
        "log_path": failure.log_path,
        "origin": _origin(failure.origin),
    }


def _origin(origin: Origin | None) -> dict[str, Any] | None:
    return None if origin is None else {"path": origin.path, "line": origin.line}


def _cleaned(value: Any) -> Any:
    """Return *value* with all its texts escaped, and credentials in them hidden."""
    if isinstance(value, str):
        return facts.clean_block(value)
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return value
