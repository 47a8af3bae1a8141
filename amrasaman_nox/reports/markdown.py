"""The report as GitHub-flavoured Markdown."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from amrasaman_nox.errors import printable
from amrasaman_nox.reports import changes, facts, findings, stages
from amrasaman_nox.reports.wording import (
    diff_text,
    difference_line,
    variation_label,
    why_line,
)
from amrasaman_nox.verification.explain import explanation_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import BuildFailure, Cause, Comparison, Difference, Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")
#: What begins a list, a quotation or an underlined heading at the start of a line.
_BLOCK_START = re.compile(r"^(\d*)([-+=.)])(?=[\s=-]|$)")


def render(report: Report) -> str:
    """Return the report as Markdown; foreign text in it is inert."""
    lines = [f"## {facts.title(report)}", "", escape(facts.summary(report)), ""]
    if facts.shows_comparisons(report):
        lines += _comparisons(report)
    if facts.shows_builds(report):
        lines += _builds(report)
    lines += [f"- {escape(label)}: {escape(text)}" for label, text in stages.lines(report)]
    lines += [f"- {escape(line)}" for line in findings.lines(report)]
    if report.changes:
        lines += _changes(report)
    if report.build.bootstraps or report.findings:
        lines.append("")
    for label, text in facts.circumstances(report):
        lines += [f"{label.capitalize()}: {escape(text)}", ""]
    for warning in report.warnings:
        lines += [f"**Warning:** {escape(warning)}", ""]
    lines += [f"- {escape(note)}" for note in (*report.build.notes, *report.notes)]
    return "\n".join(lines).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """Return *text* as one line that Markdown shows as it is; no markup, HTML or links in it."""
    line = _SPECIAL.sub(r"\\\1", printable(text).strip())
    line = _BLOCK_START.sub(r"\1\\\2", line)
    # A backslash does not stop a bare address from becoming a link.
    return line.replace("://", "&#58;//").replace("www.", "www&#46;")


def _comparisons(report: Report) -> list[str]:
    lines = ["| name | version | verdict | why |", "|---|---|---|---|"]
    for name, one in facts.named(report):
        cells = (name, one.version, str(one.verdict), why_line(one))
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    lines.append("")
    for one in report.comparisons:
        if one.differences or one.log or one.not_varied or one.recipe:
            lines += _folded(f"{one.name} {one.version}: {one.verdict}", list(_details(one)))
    return lines


def _changes(report: Report) -> list[str]:
    lines = ["| wheels of | version | why | verdict |", "|---|---|---|---|"]
    for one in report.changes:
        cells = (one.name, changes.versions(one), "; ".join(one.why), one.verdict)
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    return [*lines, ""]


def _details(comparison: Comparison) -> Iterator[str]:
    if comparison.varied:
        yield f"Varied: {escape(', '.join(comparison.varied))}\n"
    for text in comparison.not_varied:
        name, reason = facts.reason_not_varied(text)
        yield f"Not varied: {escape(name)}" + (f" ({escape(reason)})" if reason else "") + "\n"
    if comparison.recipe:
        yield "Recipe:\n"
        yield "\n".join(f"- {escape(name)}: {escape(value)}" for name, value in comparison.recipe)
        yield ""
    if comparison.hint:
        yield f"Hint: {escape(comparison.hint)}\n"
    if comparison.kept:
        yield f"Both files: {escape(comparison.kept)}\n"
    if comparison.log:
        yield _fenced("text", "\n".join(facts.tail(comparison.log)))
    pairs = list(facts.explained(comparison))
    for difference, cause in pairs[: facts.MOST_DIFFERENCES]:
        yield from _difference(difference, cause)
    if len(pairs) > facts.MOST_DIFFERENCES:
        yield f"And {len(pairs) - facts.MOST_DIFFERENCES} more.\n"


def _difference(difference: Difference, cause: Cause | None) -> Iterator[str]:
    yield f"#### {escape(difference.member or 'the archive')}: {escape(difference.kind)}\n"
    if line := difference_line(difference):
        yield f"{escape(line)}\n"
    if difference.normalisation:
        yield f"Equal under the normalisation {escape(difference.normalisation)}.\n"
    if cause is not None:
        row = explanation_of(cause)
        yield f"**{escape(row.title)}** ({escape(variation_label(cause.variation))})\n"
        yield f"- Why: {escape(row.why)}"
        yield f"- Packager: {escape(row.packager)}"
        yield f"- Upstream: {escape(row.upstream)}\n"
    if diff := diff_text(difference):
        yield _fenced("diff", facts.clean_block(diff))


def _builds(report: Report) -> list[str]:
    lines = []
    if report.build.records:
        lines += ["| name | version | wheel | sha256 | |", "|---|---|---|---|---|"]
    for record in report.build.records:
        state = facts.STATES[facts.state_of(record, report.build)]
        wheel = (record.wheel.filename, record.wheel.digest.value)
        cells = (record.name, record.version, *wheel, state)
        lines.append(f"| {' | '.join(escape(cell) for cell in cells)} |")
    lines.append("")
    for failure in report.build.failures:
        lines += _failure(failure)
    for pin, reason in report.build.left_out:
        lines += [f"Left out: {escape(str(pin))}: {escape(reason)}", ""]
    return lines


def _failure(failure: BuildFailure) -> list[str]:
    where = f" ({failure.origin})" if failure.origin else ""
    lines = [
        f"### {escape(f'{failure.name} {failure.version}: failed{where}')}",
        "",
        f"{escape(failure.stage)}: {escape(failure.reason)}",
        "",
    ]
    if failure.hint:
        lines += [f"Hint: {escape(failure.hint)}", ""]
    if failure.log:
        lines += [
            *_folded("The end of the log", [_fenced("text", "\n".join(facts.tail(failure.log)))])
        ]
    return lines


def _folded(title: str, body: list[str]) -> list[str]:
    return [
        f"<details><summary>{html.escape(printable(title))}</summary>",
        "",
        *body,
        "",
        "</details>",
        "",
    ]


def _fenced(language: str, text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n"
