"""The parts of documents that a measurement writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def part(page: Path, name: str) -> str:
    """Return what is between the comments of *page* that name a part."""
    _, _, rest = page.read_text().partition(f"<!-- {name} -->\n")
    return rest.partition(f"<!-- end of {name} -->")[0]


def renew(page: Path, part: str, text: str) -> None:
    """Put *text* between the comments of *page* that name *part*."""
    begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    head, found, rest = page.read_text().partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"{page} has no place for {part!r}")
    page.write_text(f"{head}{begin}\n{text.strip()}\n\n{end}{tail}")
