"""What the HTML pages share: one self-contained document, all text escaped, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable
from amrasaman_nox.reports.html_script import SCRIPT
from amrasaman_nox.reports.html_style import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: The class of a badge, by what it says.
BADGES: Final = {
    "identical": "good",
    "equivalent": "near",
    "different": "bad",
    "failed": "bad",
    "unchecked": "warn",
    "built": "good",
    "from the store": "near",
    "published as is": "warn",
}


def page(title: str, body: Iterable[str], *, scripted: bool = True) -> str:
    """Return a whole document with our style.

    The policy of the page lets no other style run, and no script but our own.

    :param title: its title, already escaped
    :param body: the lines of its body, already escaped
    :param scripted: whether the script that filters and sorts is part of it
    """
    script = [f"<script>{SCRIPT}</script>"] if scripted else []
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy(scripted)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            *body,
            *script,
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy(scripted: bool) -> str:
    script = f"'{_digest(SCRIPT)}'" if scripted else "'none'"
    return (
        f"default-src 'none'; style-src '{_digest(STYLE)}'; script-src {script}; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(content: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def escaped(text: str) -> str:
    """Return foreign *text* so that it is inert, in text and in quoted attributes."""
    return html.escape(printable(text))


def code(text: str) -> str:
    """Return *text* as code, ``""`` for none."""
    return f"<code>{escaped(text)}</code>" if text else ""


def items(rows: Iterable[str]) -> str:
    """Return a list of what is already escaped, ``""`` for none."""
    listed = "".join(f"<li>{row}</li>" for row in rows)
    return f"<ul>{listed}</ul>" if listed else ""


def pairs(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a list of labels with values, both already escaped; what has no value is left out."""
    yield "<dl>"
    yield from (f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows if value)
    yield "</dl>"


def badge(label: str) -> str:
    """Return *label* as a badge in the colour of what it says."""
    return f'<span class="badge {BADGES.get(label, "")}">{escaped(label)}</span>'


def data(name: str, state: str) -> str:
    """Return the attributes of a row by which the script filters and sorts."""
    return f'data-name="{escaped(name.lower())}" data-state="{escaped(state)}"'


def controls(states: Iterable[str]) -> Iterator[str]:
    """Yield what filters by name and *states*, and sorts.

    The script shows it; without the script it does nothing.
    """
    choices = [("", "all"), *((state, state) for state in states)]
    orders = (("", "as found"), ("name", "name"), ("state", "state"))
    yield '<form class="controls" hidden>'
    yield '<label>Name <input type="search" autocomplete="off"></label>'
    for label, options in (("State", choices), ("Order", orders)):
        listed = "".join(
            f'<option value="{escaped(key)}">{escaped(text)}</option>' for key, text in options
        )
        yield f"<label>{label} <select>{listed}</select></label>"
    yield '<output aria-live="polite"></output></form>'
