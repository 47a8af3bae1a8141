"""The report as one self-contained HTML page: no scripts, nothing fetched, all text escaped."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable
from amrasaman_nox.model import RowKind
from amrasaman_nox.reports import facts, stages
from amrasaman_nox.reports.acceptance import is_accepted
from amrasaman_nox.reports.html_style import STYLE
from amrasaman_nox.reports.wording import diff_rows, difference_line, variation_label, why_line
from amrasaman_nox.verification.explain import explanation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.model import (
        BuildFailure,
        BuildRecord,
        Cause,
        Comparison,
        Difference,
        Report,
        Row,
    )

#: The class of a badge, by what is counted.
_BADGES: Final = {
    "identical": "good",
    "equivalent": "near",
    "different": "bad",
    "failed": "bad",
    "unchecked": "warn",
    "built": "good",
    "from the store": "near",
    "published as is": "warn",
}
_ROWS: Final = {RowKind.THEIRS: "add", RowKind.OURS: "del", RowKind.HEAD: "hunk"}


def render(report: Report) -> str:
    """Return the report as an HTML page; foreign text in it is inert."""
    title = "Verification" if facts.shows_comparisons(report) else "Wheels"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title}: {_text(facts.summary(report))}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *_header(title, report),
            "<main>",
            *(_comparisons(report) if facts.shows_comparisons(report) else ()),
            *(_builds(report) if facts.shows_builds(report) else ()),
            "</main>",
            *_footer(report),
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _text(text: str) -> str:
    return html.escape(printable(text))


def _header(title: str, report: Report) -> Iterator[str]:
    yield f"<header><h1>{title}</h1>"
    yield '<ul class="counts">'
    for label, number in facts.counts(report):
        yield f'<li class="badge {_BADGES.get(label, "")}">{number} {_text(label)}</li>'
    yield "</ul></header>"


def _footer(report: Report) -> Iterator[str]:
    yield "<footer>"
    for label, text in stages.lines(report):
        yield f"<p><b>{_text(label)}</b> {_text(text)}</p>"
    for label, text in facts.circumstances(report):
        yield f"<p>{_text(label.capitalize())}: {_text(text)}</p>"
    for warning in report.warnings:
        yield f"<p><strong>Warning:</strong> {_text(warning)}</p>"
    if facts.shows_comparisons(report):
        yield f"<p>Accepted: {_text(report.allowed)} or better</p>"
    for note in (*report.build.notes, *report.notes):
        yield f"<p>{_text(note)}</p>"
    yield "</footer>"


def _badge(label: str) -> str:
    return f'<span class="badge {_BADGES.get(label, "")}">{_text(label)}</span>'


def _comparisons(report: Report) -> Iterator[str]:
    yield '<section class="sources">'
    for name, one in facts.named(report):
        opened = "" if is_accepted(one, report.allowed) else " open"
        yield f"<details{opened}>"
        yield (
            f'<summary><b>{_text(name)} <span class="version">{_text(one.version)}</span></b>'
            f'<span>{_badge(one.verdict)}</span><span class="why">{_text(why_line(one))}</span>'
            "</summary>"
        )
        yield '<div class="body">'
        yield from _facts_of(one)
        if one.log:
            yield _log(one.log)
        yield from _differences(one)
        yield "</div></details>"
    yield "</section>"


def _facts_of(one: Comparison) -> Iterator[str]:
    rows = [
        ("Wheel", _code(one.wheel)),
        ("Compared with", _text(one.against)),
        ("Proof", _text(one.proof)),
        ("Reason", _text(one.reason)),
        ("Hint", _text(one.hint)),
        ("Both files", _code(one.kept)),
        ("Ours", _code(str(one.ours or ""))),
        ("Theirs", _code(str(one.theirs or ""))),
        ("Normalisations", _text(", ".join(one.normalisations))),
        ("Varied", _text(", ".join(one.varied))),
        ("Not varied", _list(_not_varied(text) for text in one.not_varied)),
        ("Varied values", _list(f"{_text(name)}: {_code(value)}" for name, value in one.values)),
        ("Recipe", _list(f"{_text(name)}: {_code(value)}" for name, value in one.recipe)),
    ]
    yield from _pairs(rows)


def _not_varied(text: str) -> str:
    name, reason = facts.reason_not_varied(text)
    return _text(f"{name}: {reason}" if reason else name)


def _pairs(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "<dl>"
    yield from (f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows if value)
    yield "</dl>"


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>" if text else ""


def _list(items: Iterable[str]) -> str:
    rows = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{rows}</ul>" if rows else ""


def _differences(one: Comparison) -> Iterator[str]:
    pairs = list(facts.explained(one))
    for difference, cause in pairs[: facts.MOST_DIFFERENCES]:
        yield from _difference(difference, cause)
    if len(pairs) > facts.MOST_DIFFERENCES:
        yield f"<p>And {len(pairs) - facts.MOST_DIFFERENCES} more.</p>"


def _difference(difference: Difference, cause: Cause | None) -> Iterator[str]:
    member = _text(difference.member or "the archive")
    yield '<article class="difference">'
    yield f'<h3>{member} <span class="kind">{_text(difference.kind)}</span></h3>'
    rows = diff_rows(difference)
    yield f'<div class="pair{"" if cause and rows else " alone"}"><div class="cause">'
    if cause is not None:
        yield f"<h4>{_text(explanation_of(cause).title)}</h4>"
    if line := difference_line(difference):
        yield f"<p>{_code(line)}</p>"
    if difference.normalisation:
        yield f"<p>Equal under the normalisation {_code(difference.normalisation)}.</p>"
    if cause is not None:
        yield f"<p>{_badge(variation_label(cause.variation))}</p>"
        row = explanation_of(cause)
        fixes = (("The packager", row.packager), ("The upstream project", row.upstream))
        texts = (("What is seen", row.seen), ("Why", row.why), *fixes)
        yield from _pairs((label, _text(text)) for label, text in texts)
    yield "</div>"
    if rows:
        yield _diff(rows)
    yield "</div></article>"


def _diff(rows: Iterable[Row]) -> str:
    """Return a diff with its lines marked; each is a span that ends with its line's end."""
    lines = []
    for row in rows:
        kind, text = _ROWS.get(row.kind, ""), _text(f"{row.kind.value}{row.text}")
        lines.append(f'<span class="{kind}">{text}</span>' if kind else text)
    return '<pre tabindex="0">{}</pre>'.format("\n".join(lines))


def _log(log: str) -> str:
    lines = "\n".join(html.escape(line) for line in facts.tail(log))
    return f'<h3>The end of the log</h3><pre tabindex="0">{lines}</pre>'


def _builds(report: Report) -> Iterator[str]:
    if report.build.failures:
        yield "<h2>Failures</h2>"
    for failure in report.build.failures:
        yield from _failure(failure)
    if report.build.records:
        heads = "".join(f"<th>{head}</th>" for head in ("Name", "Version", "Wheel", "State"))
        yield f"<h2>Wheels</h2><table><thead><tr>{heads}</tr></thead><tbody>"
        yield from (_wheel(record, report) for record in report.build.records)
        yield "</tbody></table>"
    if report.build.left_out:
        yield "<h2>Left out</h2>"
        yield _list(f"{_text(str(pin))}: {_text(reason)}" for pin, reason in report.build.left_out)


def _wheel(record: BuildRecord, report: Report) -> str:
    state = facts.STATES[facts.state_of(record, report.build)]
    wheel = f"{_code(record.wheel.filename)}<br>{_code(str(record.wheel.digest))}"
    return (
        f"<tr><td><b>{_text(record.name)}</b></td>"
        f'<td data-label="version">{_text(record.version)}</td>'
        f"<td>{wheel}</td><td>{_badge(state)}</td></tr>"
    )


def _failure(failure: BuildFailure) -> Iterator[str]:
    name = f'{_text(failure.name)} <span class="version">{_text(failure.version)}</span>'
    yield f'<article class="card"><h3>{name} {_badge("failed")}</h3>'
    rows = (
        ("Stage", _text(failure.stage)),
        ("Reason", _text(failure.reason)),
        ("Hint", _text(failure.hint)),
        ("Pinned in", _text(str(failure.origin or ""))),
        ("Log", _code(failure.log_path or "")),
    )
    yield from _pairs(rows)
    if failure.log:
        yield _log(failure.log)
    yield "</article>"
