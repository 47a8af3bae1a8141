"""The parts of a machine that builds use."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.machine import parts
from amrasaman_nox.machine.parts import PARTS, Machine
from amrasaman_nox.sandbox import clock, ladder

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Fact

    from ..support.index import LocalIndex


def look(name: str, config: Config) -> list[Fact]:
    (part,) = (each for each in PARTS if each.name == name)
    return list(part.look(Machine(config=config)))


def test_every_rung_is_there_with_what_it_provides_or_why_it_does_not_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ladder, "_probe", lambda one: "no" if one.rung == "full" else "")
    full, namespaces, none, taken = look("isolation", Config())
    assert (full.name, full.value, full.works) == ("isolation-full", "no", False)
    assert "install bubblewrap" in full.fix
    assert (namespaces.works, none.works, taken.value) == (True, True, "namespaces")


def test_in_ci_no_isolation_is_not_what_builds_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "_probe", lambda one: "" if one.rung == "none" else "no")
    assert look("isolation", Config())[-1].value == "none"
    taken = look("isolation", Config(in_ci=True))[-1]
    assert (taken.value, taken.works) == ("none works", False)


@pytest.mark.parametrize("part", ["system", "isolation", "clock"])
def test_on_another_system_what_builds_need_does_not_work(
    monkeypatch: pytest.MonkeyPatch, part: str, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    (fact,) = look(part, Config(cache_dir=tmp_path))
    assert not fact.works
    assert fact.fix


def test_versions_and_interpreters_are_named() -> None:
    (versions,) = look("versions", Config())
    assert "amrasaman-nox " in versions.value
    assert "uv " in versions.value
    (python,) = look("python", Config())
    assert python.value.startswith("cpython 3.")
    with pytest.raises(AsamanError, match=r"9\.9"):
        look("python", Config(python=("9.9",)))


def test_a_clock_library_that_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(clock, "library", lambda root: "")
    (fact,) = look("clock", Config(cache_dir=tmp_path))
    assert not fact.works
    assert "libfaketime" in fact.fix


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (("C.UTF-8", "de_DE.UTF-8"), "de_DE.UTF-8"),
        (("C", "C.UTF-8"), "none; verify compiles one"),
        (tuple(f"x{number}.UTF-8" for number in range(5)), "and 2 more"),
    ],
)
def test_locales_that_sort_otherwise_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(parts.tools, "locales", lambda: installed)
    monkeypatch.setattr(parts.shutil, "which", lambda name, path: f"/usr/bin/{name}")
    (fact,) = look("locales", Config(cache_dir=tmp_path))
    assert fact.works
    assert said in fact.value


def test_a_tool_is_there_with_its_version_or_missing_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts.tools, "reachable", lambda: ())
    found = look("compiler", Config())
    assert [fact.name for fact in found] == ["compiler", "compiler-c++", "git"]
    assert not any(fact.works for fact in found)
    assert all(fact.fix for fact in found)


def test_a_toolchain_of_rust_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match="has no bin/rustc"):
        look("rust", Config(rust=f"{tmp_path}/none"))


def test_the_cache_has_its_size_and_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    (cache / "one").write_bytes(5000 * b"x")
    os.link(cache / "one", cache / "two")
    (fact,) = look("cache", Config(cache_dir=cache))
    assert fact.value.startswith(f"{cache}: 4 KiB in 1 files, ")
    cache.chmod(0o777)
    with pytest.raises(AsamanError, match="writable by other users"):
        look("cache", Config(cache_dir=cache))


def test_an_index_answers_or_the_reason_is_said(index: LocalIndex, tmp_path: Path) -> None:
    (fact,) = look("index", Config(index_url=index.url, cache_dir=tmp_path))
    assert (fact.works, fact.value) == (True, f"{index.url} answers")
    (fact,) = look("index", Config(offline=True))
    assert (fact.works, fact.value) == (False, "not asked: --offline")
    with pytest.raises(AsamanError):
        look("index", Config(index_url="http://127.0.0.1:9/simple", cache_dir=tmp_path))
