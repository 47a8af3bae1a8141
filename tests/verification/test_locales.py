"""Where only C locales are installed, one is compiled, once, and builds see it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import BuildEnvironment
from amrasaman_nox.sandbox import locales
from amrasaman_nox.sandbox.ladder import choose, with_helpers
from amrasaman_nox.verification import locales as compiling
from amrasaman_nox.verification import probe, variations

from ..sandbox.test_locales import HAS_SOURCES
from ..support import defects
from ..support.drawn import draw

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store

pytestmark = pytest.mark.skipif(
    not HAS_SOURCES, reason="localedef and its sources are not installed"
)


def test_it_is_compiled_once(store: Store) -> None:
    notes: list[str] = []
    for _ in range(2):
        compiling.provide(store, lambda event: notes.append(event.note))
    assert notes == [
        "only C locales are installed, to vary the locale: de_DE.UTF-8 is compiled",
    ]
    assert locales.compiled(store.root)


def test_where_it_cannot_be_compiled_the_reason_is_said(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locales, "SYSTEM_PATH", str(tmp_path))
    notes: list[str] = []
    compiling.provide(store, lambda event: notes.append(event.note))
    assert notes == ["only C locales are installed, to vary the locale: localedef is not installed"]
    assert not locales.compiled(store.root)
    isolation = with_helpers(choose("none"), store.root)
    assert variations.Machine(isolation=isolation).other_locales == ("POSIX",)


@pytest.mark.sandbox
def test_a_build_sees_it_and_a_list_in_its_order_is_found(
    store: Store, interpreter: Interpreter, tmp_path: Path
) -> None:
    compiling.provide(store, lambda event: None)
    isolation = with_helpers(choose("full"), store.root)
    machine = dataclasses.replace(variations.Machine.here(isolation), locales=("C", "POSIX"))
    with defects.run_without_index(store, isolation, interpreter, tmp_path / "wheels") as run:
        plan = probe.proved(run, variations.plan(["locale"], machine, draw()))
    assert plan.names == ("locale",)
    assert dict(plan.values(BuildEnvironment()))["locale"] == locales.NAME
