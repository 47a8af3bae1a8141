"""Forged bytecode: another program than the source that it claims to be of."""

from __future__ import annotations

import importlib.util
from importlib._bootstrap_external import _code_to_hash_pyc, _code_to_timestamp_pyc
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: The ways in which bytecode names its source (PEP 552); Python runs all but those that are stale.
FORGERIES: Final = ("valid", "stale", "checked", "unchecked")


def forged(kind: str, text: str, source: Path | bytes, modified: int = 0) -> bytes:
    """Return bytecode of *text* that claims to be that of *source*, a file or its content.

    :param modified: when the source is modified, in seconds since 1970, where it is no file
    """
    code = compile(text, "forged", "exec")
    content = source if isinstance(source, bytes) else source.read_bytes()
    if kind in {"valid", "stale"}:
        found = modified if isinstance(source, bytes) else int(source.stat().st_mtime)
        return bytes(_code_to_timestamp_pyc(code, found - (kind == "stale"), len(content)))
    digest = importlib.util.source_hash(content)
    return bytes(_code_to_hash_pyc(code, digest, checked=kind == "checked"))
