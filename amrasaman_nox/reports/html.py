"""The report as one self-contained HTML page: nothing fetched, all text escaped.

Its one script filters and sorts; the policy of the page lets no other one run.
"""

from __future__ import annotations

import html
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from amrasaman_nox.model import RowKind
from amrasaman_nox.reports import facts, stages
from amrasaman_nox.reports.highlight import highlighted
from amrasaman_nox.reports.markup import (
    BADGES,
    badge,
    code,
    controls,
    data,
    escaped,
    items,
    page,
    pairs,
)
from amrasaman_nox.reports.wording import diff_rows, difference_line, variation_label, why_line
from amrasaman_nox.verification.acceptance import is_accepted
from amrasaman_nox.verification.explain import explanation_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from amrasaman_nox.model import (
        BuildFailure,
        BuildRecord,
        Cause,
        Comparison,
        Difference,
        Report,
        Row,
    )

#: Differences that follow from others: the hash of each member that differs.
_RECORD: Final = "record"
_FOLLOWING: Final = ("One difference follows from these", "Differences that follow from these")
_ROWS: Final = {RowKind.THEIRS: "add", RowKind.OURS: "del", RowKind.HEAD: "hunk"}


def render(report: Report) -> str:
    """Return the report as an HTML page; foreign text in it is inert."""
    title = facts.title(report)
    return page(f"{title}: {escaped(facts.summary(report))}", _body(title, report))


def _body(title: str, report: Report) -> Iterator[str]:
    yield from _header(title, report)
    yield "<main>"
    yield from _failures(report)
    if facts.shows_comparisons(report):
        yield from _comparisons(report)
    if facts.shows_builds(report):
        yield from _wheels(report)
    yield from _left_out(report)
    yield "</main>"
    yield from _footer(report)


def _header(title: str, report: Report) -> Iterator[str]:
    yield f"<header><h1>{title}</h1>"
    yield f'<p class="verdict">{escaped(facts.verdict(report))}</p>'
    yield '<ul class="counts">'
    for label, number in facts.counts(report):
        yield f'<li class="badge {BADGES.get(label, "")}">{number} {escaped(label)}</li>'
    yield "</ul>"
    yield from pairs((label.capitalize(), escaped(text)) for label, text in facts.called(report))
    yield from controls(label for label, _ in facts.counts(report) if label in BADGES)
    yield "</header>"


def _footer(report: Report) -> Iterator[str]:
    yield "<footer>"
    for label, text in stages.lines(report):
        yield f"<p><b>{escaped(label)}</b> {escaped(text)}</p>"
    for label, text in facts.circumstances(report):
        yield f"<p>{escaped(label.capitalize())}: {escaped(text)}</p>"
    for warning in report.warnings:
        yield f"<p><strong>Warning:</strong> {escaped(warning)}</p>"
    if facts.shows_comparisons(report):
        yield f"<p>Accepted: {escaped(report.allowed)} or better</p>"
    for note in (*report.build.notes, *report.notes):
        yield f"<p>{escaped(note)}</p>"
    yield f"<p>Written by amrasaman-nox {version('amrasaman-nox')}</p>"
    yield "</footer>"


def _comparisons(report: Report) -> Iterator[str]:
    yield '<h2>Comparisons</h2><section class="sources" aria-label="Comparisons" data-list>'
    accepted = partial(is_accepted, allowed=report.allowed)
    for name, one in sorted(facts.named(report), key=lambda found: accepted(found[1])):
        opened = "" if accepted(one) else " open"
        yield f"<details {data(name, one.verdict)}{opened}>"
        yield (
            f'<summary><b>{escaped(name)} <span class="version">{escaped(one.version)}</span></b>'
            f'<span>{badge(one.verdict)}</span><span class="why">{escaped(why_line(one))}</span>'
            "</summary>"
        )
        yield '<div class="body">'
        yield from _facts_of(one)
        if one.log:
            yield _log(one.log)
        yield from _differences(one, report.documents)
        yield "</div></details>"
    yield "</section>"


def _facts_of(one: Comparison) -> Iterator[str]:
    rows = [
        ("Wheel", code(one.wheel)),
        ("Compared with", escaped(one.against)),
        ("Proof", escaped(one.proof)),
        ("Reason", escaped(one.reason)),
        ("Hint", escaped(one.hint)),
        ("Both files", code(one.kept)),
        *(
            (side.capitalize(), code(str(digest or "")))
            for side, digest in zip(facts.sides(one), (one.ours, one.theirs), strict=True)
        ),
        ("Normalisations", escaped(", ".join(one.normalisations))),
        ("Varied", escaped(", ".join(one.varied))),
        ("Not varied", items(_not_varied(text) for text in one.not_varied)),
        ("Varied values", items(f"{escaped(name)}: {code(value)}" for name, value in one.values)),
        ("Recipe", items(f"{escaped(name)}: {code(value)}" for name, value in one.recipe)),
    ]
    yield from pairs(rows)


def _not_varied(text: str) -> str:
    name, reason = facts.reason_not_varied(text)
    return escaped(f"{name}: {reason}" if reason else name)


def _differences(one: Comparison, documents: str) -> Iterator[str]:
    pairs, sides = list(facts.explained(one)), facts.sides(one)
    shown = pairs[: facts.MOST_DIFFERENCES]
    for difference, cause in shown:
        if not _follows(difference):
            yield from _difference(difference, cause, sides, documents)
    if following := [pair for pair in shown if _follows(pair[0])]:
        yield f'<details class="following"><summary>{_FOLLOWING[len(following) > 1]}</summary>'
        for difference, cause in following:
            yield from _difference(difference, cause, sides, documents)
        yield "</details>"
    if len(pairs) > facts.MOST_DIFFERENCES:
        yield f"<p>And {len(pairs) - facts.MOST_DIFFERENCES} more.</p>"


def _follows(difference: Difference) -> bool:
    return difference.kind == _RECORD and difference.normalisation is not None


def _difference(
    difference: Difference, cause: Cause | None, sides: tuple[str, str], documents: str
) -> Iterator[str]:
    member = escaped(difference.member or "the archive")
    yield '<article class="difference">'
    yield f'<h3>{member} <span class="kind">{escaped(difference.kind)}</span></h3>'
    rows = diff_rows(difference)
    yield f'<div class="pair{"" if cause and rows else " alone"}"><div class="cause">'
    if cause is not None:
        yield f"<h4>{_linked(cause, documents)}</h4>"
    if line := difference_line(difference):
        yield f"<p>{code(line)}</p>"
    if difference.normalisation:
        yield f"<p>Equal under the normalisation {code(difference.normalisation)}.</p>"
    if cause is not None:
        yield f"<p>{badge(variation_label(cause.variation))}</p>"
        row = explanation_of(cause)
        fixes = (("The packager", row.packager), ("The upstream project", row.upstream))
        texts = (("What is seen", row.seen), ("Why", row.why), *fixes)
        yield from pairs((label, escaped(text)) for label, text in texts)
    yield "</div>"
    if rows:
        yield _diff(rows, sides)
    yield "</div></article>"


def _linked(cause: Cause, documents: str) -> str:
    """Return the title of the explanation of *cause*, as a link to its page if there is a site."""
    row = explanation_of(cause)
    if not documents:
        return escaped(row.title)
    url = f"{documents.rstrip('/')}/explanations/{row.name}.html"
    return f'<a href="{escaped(url)}">{escaped(row.title)}</a>'


def _diff(rows: Sequence[Row], sides: tuple[str, str]) -> str:
    """Return a diff with its lines marked; each is a span that ends with its line's end."""
    lines = []
    for row, parts in highlighted(rows, sides):
        text = escaped(row.kind.value) + "".join(
            f"<mark>{escaped(part)}</mark>" if differs else escaped(part) for part, differs in parts
        )
        kind = _ROWS.get(row.kind, "")
        lines.append(f'<span class="{kind}">{text}</span>' if kind else text)
    return '<pre tabindex="0">{}</pre>'.format("\n".join(lines))


def _log(log: str) -> str:
    lines = "\n".join(html.escape(line) for line in facts.tail(log))
    return f'<h3>The end of the log</h3><pre tabindex="0">{lines}</pre>'


def _failures(report: Report) -> Iterator[str]:
    if report.build.failures:
        yield '<h2>Failures</h2><section aria-label="Failures" data-list>'
        for failure in report.build.failures:
            yield from _failure(failure)
        yield "</section>"


def _wheels(report: Report) -> Iterator[str]:
    if report.build.records:
        heads = "".join(f"<th>{head}</th>" for head in ("Name", "Version", "Wheel", "State"))
        yield f"<h2>Wheels</h2><table><thead><tr>{heads}</tr></thead><tbody data-list>"
        yield from (_wheel(record, report) for record in report.build.records)
        yield "</tbody></table>"


def _left_out(report: Report) -> Iterator[str]:
    if facts.shows_builds(report) and report.build.left_out:
        yield "<h2>Left out</h2>"
        yield items(
            f"{escaped(str(pin))}: {escaped(reason)}" for pin, reason in report.build.left_out
        )


def _wheel(record: BuildRecord, report: Report) -> str:
    state = facts.STATES[facts.state_of(record, report.build)]
    wheel = f"{code(record.wheel.filename)}<br>{code(str(record.wheel.digest))}"
    return (
        f"<tr {data(record.name, state)}><td><b>{escaped(record.name)}</b></td>"
        f'<td data-label="version">{escaped(record.version)}</td>'
        f"<td>{wheel}</td><td>{badge(state)}</td></tr>"
    )


def _failure(failure: BuildFailure) -> Iterator[str]:
    name = f'{escaped(failure.name)} <span class="version">{escaped(failure.version)}</span>'
    yield f'<article class="card" {data(failure.name, "failed")}>'
    yield f"<h3>{name} {badge('failed')}</h3>"
    rows = (
        ("Stage", escaped(failure.stage)),
        ("Reason", escaped(failure.reason)),
        ("Hint", escaped(failure.hint)),
        ("Pinned in", escaped(str(failure.origin or ""))),
        ("Log", code(failure.log_path or "")),
    )
    yield from pairs(rows)
    if failure.log:
        yield _log(failure.log)
    yield "</article>"
