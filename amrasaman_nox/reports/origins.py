"""Where a wheel comes from, in words and as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Branch, Origins

#: What a line says behind the file and its hash, by what the file is.
_REMARKS: Final = {
    "built": "",
    "sdist": "  source",
    "modified": "  modified source",
    "published": "  as published",
    "above": "  see above",
}


def lines(origins: Origins) -> Iterator[tuple[str, str]]:
    """Yield a line for each file, indented by its depth, and the published wheels at the end.

    With each comes what the file is, as :class:`Branch` says it, and ``""`` for a heading.
    """
    for each in origins.branches:
        text = f"{'  ' * each.depth}{each.name}  {each.digest}{_REMARKS[each.what]}"
        yield text, each.what
    if origins.published:
        yield "", ""
        yield "all of it was built with these published wheels:", ""
    for each in origins.published:
        yield f"  {each.name}  {each.digest}", each.what


def document(origins: Origins) -> dict[str, Any]:
    """Return *origins* as a value for the JSON report."""
    return {
        "branches": [{"depth": each.depth, **_file(each)} for each in origins.branches],
        "published": [_file(each) for each in origins.published],
    }


def _file(branch: Branch) -> dict[str, str]:
    return {"what": branch.what, "name": branch.name, "hash": str(branch.digest)}
