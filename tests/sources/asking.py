"""Sources located in a test, on an index made in it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, all_of
from amrasaman_nox.model import IndexOptions, Pin, Source
from amrasaman_nox.sources import locate as locating

from ..support.projects import make_sdist

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..support.index import File


PYTHON = sys.executable
#: The index client's own retries would take seconds.
AT_ONCE = (("UV_HTTP_RETRIES", "0"),)
JUNE = datetime(2024, 6, 1, tzinfo=UTC)


def pin(*files: File, name: str = "one", version: str = "1.0", **more: Any) -> Pin:
    return Pin(name=name, version=version, digests=tuple(file.digest for file in files), **more)


def locate(cache: Path, options: IndexOptions, *pins: Pin, **more: Any) -> tuple[Source, ...]:
    """Return where the files of *pins* are; raise what is wrong with any of them."""
    found = locating.locate(pins, index=options, python=PYTHON, cache=cache, **more)
    return all_located(found)


def all_located(found: Iterable[Source | AsamanError]) -> tuple[Source, ...]:
    errors = [one for one in found if isinstance(one, AsamanError)]
    if errors:
        raise all_of(errors)
    return tuple(one for one in found if isinstance(one, Source))


def refusal(cache: Path, options: IndexOptions, *pins: Pin, **more: Any) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        locate(cache, options, *pins, **more)
    return caught.value


def canary(name: str, touched: Path, *, pyproject: str | None = None) -> bytes:
    """An sdist of which every hook and the ``setup.py`` writes a file, with no static metadata."""
    touch = f"import pathlib; pathlib.Path({str(touched)!r}).write_text('touched')\n"
    hooks = "".join(
        f"def {hook}(*args, **kwargs): return []\n"
        for hook in ("get_requires_for_build_wheel", "prepare_metadata_for_build_wheel")
    )
    return make_sdist(
        name,
        "1.0",
        {"setup.py": touch, "backend/evil.py": touch + hooks},
        pyproject=pyproject,
        requires=(),
        backend="evil",
        backend_path="backend",
        pkg_info=f"Metadata-Version: 1.1\nName: {name}\nVersion: 1.0\n",
    )
