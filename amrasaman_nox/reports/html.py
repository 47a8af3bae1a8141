"""The report as one self-contained HTML page: nothing fetched, all text escaped.

Its one script filters and sorts; the policy of the page lets no other one run.
"""

from __future__ import annotations

import base64
import hashlib
import html
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable
from amrasaman_nox.model import RowKind
from amrasaman_nox.reports import facts, stages
from amrasaman_nox.reports.highlight import highlighted
from amrasaman_nox.reports.html_script import SCRIPT
from amrasaman_nox.reports.html_style import STYLE
from amrasaman_nox.reports.wording import diff_rows, difference_line, variation_label, why_line
from amrasaman_nox.verification.acceptance import is_accepted
from amrasaman_nox.verification.explain import explanation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

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
#: Differences that follow from others: the hash of each member that differs.
_RECORD: Final = "record"
_FOLLOWING: Final = ("One difference follows from these", "Differences that follow from these")
_ROWS: Final = {RowKind.THEIRS: "add", RowKind.OURS: "del", RowKind.HEAD: "hunk"}


def render(report: Report) -> str:
    """Return the report as an HTML page; foreign text in it is inert."""
    title = facts.title(report)
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
            *_failures(report),
            *(_comparisons(report) if facts.shows_comparisons(report) else ()),
            *(_wheels(report) if facts.shows_builds(report) else ()),
            *_left_out(report),
            "</main>",
            *_footer(report),
            f"<script>{SCRIPT}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy() -> str:
    return (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src '{_digest(SCRIPT)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _text(text: str) -> str:
    return html.escape(printable(text))


def _header(title: str, report: Report) -> Iterator[str]:
    yield f"<header><h1>{title}</h1>"
    yield f'<p class="verdict">{_text(facts.verdict(report))}</p>'
    yield '<ul class="counts">'
    for label, number in facts.counts(report):
        yield f'<li class="badge {_BADGES.get(label, "")}">{number} {_text(label)}</li>'
    yield "</ul>"
    yield from _pairs((label.capitalize(), _text(text)) for label, text in facts.called(report))
    yield from _controls(facts.counts(report))
    yield "</header>"


def _controls(counts: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Yield what filters and sorts; the script shows it, without which it does nothing."""
    states = [("", "all"), *((label, label) for label, _ in counts if label in _BADGES)]
    orders = (("", "as found"), ("name", "name"), ("state", "state"))
    yield '<form class="controls" hidden>'
    yield '<label>Name <input type="search" autocomplete="off"></label>'
    for label, options in (("State", states), ("Order", orders)):
        items = "".join(
            f'<option value="{_text(key)}">{_text(text)}</option>' for key, text in options
        )
        yield f"<label>{label} <select>{items}</select></label>"
    yield '<output aria-live="polite"></output></form>'


def _data(name: str, state: str) -> str:
    return f'data-name="{_text(name.lower())}" data-state="{_text(state)}"'


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
    yield f"<p>Written by amrasaman-nox {version('amrasaman-nox')}</p>"
    yield "</footer>"


def _badge(label: str) -> str:
    return f'<span class="badge {_BADGES.get(label, "")}">{_text(label)}</span>'


def _comparisons(report: Report) -> Iterator[str]:
    yield '<section class="sources" aria-label="Comparisons" data-list>'
    accepted = partial(is_accepted, allowed=report.allowed)
    for name, one in sorted(facts.named(report), key=lambda found: accepted(found[1])):
        opened = "" if accepted(one) else " open"
        yield f"<details {_data(name, one.verdict)}{opened}>"
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
        *(
            (side.capitalize(), _code(str(digest or "")))
            for side, digest in zip(facts.sides(one), (one.ours, one.theirs), strict=True)
        ),
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
    pairs, sides = list(facts.explained(one)), facts.sides(one)
    shown = pairs[: facts.MOST_DIFFERENCES]
    for difference, cause in shown:
        if not _follows(difference):
            yield from _difference(difference, cause, sides)
    if following := [pair for pair in shown if _follows(pair[0])]:
        yield f'<details class="following"><summary>{_FOLLOWING[len(following) > 1]}</summary>'
        for difference, cause in following:
            yield from _difference(difference, cause, sides)
        yield "</details>"
    if len(pairs) > facts.MOST_DIFFERENCES:
        yield f"<p>And {len(pairs) - facts.MOST_DIFFERENCES} more.</p>"


def _follows(difference: Difference) -> bool:
    return difference.kind == _RECORD and difference.normalisation is not None


def _difference(
    difference: Difference, cause: Cause | None, sides: tuple[str, str]
) -> Iterator[str]:
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
        yield _diff(rows, sides)
    yield "</div></article>"


def _diff(rows: Sequence[Row], sides: tuple[str, str]) -> str:
    """Return a diff with its lines marked; each is a span that ends with its line's end."""
    lines = []
    for row, parts in highlighted(rows, sides):
        text = _text(row.kind.value) + "".join(
            f"<mark>{_text(part)}</mark>" if differs else _text(part) for part, differs in parts
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
        yield _list(f"{_text(str(pin))}: {_text(reason)}" for pin, reason in report.build.left_out)


def _wheel(record: BuildRecord, report: Report) -> str:
    state = facts.STATES[facts.state_of(record, report.build)]
    wheel = f"{_code(record.wheel.filename)}<br>{_code(str(record.wheel.digest))}"
    return (
        f"<tr {_data(record.name, state)}><td><b>{_text(record.name)}</b></td>"
        f'<td data-label="version">{_text(record.version)}</td>'
        f"<td>{wheel}</td><td>{_badge(state)}</td></tr>"
    )


def _failure(failure: BuildFailure) -> Iterator[str]:
    name = f'{_text(failure.name)} <span class="version">{_text(failure.version)}</span>'
    yield f'<article class="card" {_data(failure.name, "failed")}>'
    yield f"<h3>{name} {_badge('failed')}</h3>"
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
