"""The messages that documents quote, and whether the code can say them."""

from __future__ import annotations

import ast
import functools
import re
from typing import TYPE_CHECKING

from . import documents, house

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MESSAGE = re.compile(r"^(?P<kind>error|hint|note|warning): (?P<text>.*)$")
_SPAN = re.compile(r"`((?:error|hint|note|warning): [^`]*)`")
#: Where a message comes from, at its end.
_ORIGIN = re.compile(r" \([^()]* line \d+\)$")
#: What a build prints is quoted after the name of the hook that ran.
_HOOK = re.compile(r"^(build_wheel|build_sdist|get_requires_for_build_wheel): ")
#: A template without two words of its own would match nearly everything.
_WORDS = re.compile(r"[A-Za-z]{2,}.*[A-Za-z]{2,}", re.DOTALL)


def quoted(document: Path) -> Iterator[str]:
    """Yield the messages of *document*, in code blocks and in code within the text.

    The form of a message (``error: WHAT: WHY``) is not one.
    """
    lines = [line for block in documents.blocks(document) for line in block.text.splitlines()]
    for line in [*lines, *_SPAN.findall(document.read_text())]:
        if _MESSAGE.match(line) and re.search(r"[a-z]{3}", line.partition(": ")[2]):
            yield line


def is_said(line: str) -> bool:
    """Tell whether a string of the package can be *line*, from its start or after a colon."""
    match = _MESSAGE.match(line)
    text = _ORIGIN.sub("", match["text"] if match else line)
    parts = text.split(": ")
    ends = [": ".join(parts[number:]) for number in range(len(parts))]
    # A hint may name two ways out.
    return any(map(_is_template, ends)) or all(map(_is_template, re.split("; |, or ", text)))


def _is_template(text: str) -> bool:
    return bool(_HOOK.match(text)) or any(one.fullmatch(text) for one in _templates())


@functools.cache
def _templates() -> tuple[re.Pattern[str], ...]:
    found = {
        text
        for path in sorted(house.PACKAGE.rglob("*.py"))
        for text in _strings(ast.parse(path.read_text()))
    }
    return tuple(re.compile(text, re.DOTALL) for text in sorted(found))


def _strings(tree: ast.AST) -> Iterator[str]:
    """Yield each string of a module as a pattern, with what is filled in as ``.+``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            plain = [str(one.value) for one in node.values if isinstance(one, ast.Constant)]
            pattern = "".join(
                re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".+"
                for one in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            plain = re.split(r"\{\w+\}", node.value)
            pattern = ".+".join(map(re.escape, plain))
        else:
            continue
        if _WORDS.search(" ".join(plain)):
            yield pattern
