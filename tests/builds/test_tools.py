"""The compilers and build tools that a build can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import tools
from amrasaman_nox.model import Tool
from tests.support.rungs import put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that is all of the search path; what was found before is forgotten."""
    monkeypatch.setattr(tools, "SYSTEM_PATH", str(tmp_path))
    for known in (tools.reachable, tools.locales, tools.hidden):
        known.cache_clear()
    yield tmp_path
    for known in (tools.reachable, tools.locales, tools.hidden):
        known.cache_clear()


def test_a_tool_is_named_with_the_first_line_of_its_version(programs: Path) -> None:
    put(programs / "cc", "echo 'cc 12.2'; echo more")
    put(programs / "cmake", "echo 'cmake 3.25' >&2")
    put(programs / "other", "echo other")
    assert tools.reachable() == (
        Tool(name="cc", version="cc 12.2"),
        Tool(name="cmake", version="cmake 3.25"),
    )


def test_a_tool_that_says_nothing_or_too_much_is_one_line(programs: Path) -> None:
    put(programs / "cc", "exit 1")
    put(programs / "ld", "printf 'ld \\033[31m\\n'")
    found = {tool.name: tool.version for tool in tools.reachable()}
    assert found["cc"] == "unknown"
    assert "\x1b" not in found["ld"]


def test_what_is_hidden_is_there_and_depends_on_the_backend(programs: Path) -> None:
    assert tools.hidden("scikit_build_core.build") == ()
    tools.hidden.cache_clear()
    for name in ("cc", "ninja", "make"):
        put(programs / name, "")
    assert tools.hidden("mesonpy") == (str(programs / "ninja"),)
    both = (str(programs / "ninja"), str(programs / "make"))
    assert tools.hidden("scikit_build_core.build") == both


def test_the_installed_locales_are_those_that_the_system_names(programs: Path) -> None:
    assert tools.locales() == ()
    tools.locales.cache_clear()
    put(programs / "locale", "printf 'C\\nde_DE.utf8\\nfran\\303\\247ais\\n'")
    assert tools.locales() == ("C", "de_DE.utf8")
