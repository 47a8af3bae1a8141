"""libfaketime is compiled where it is missing; the build itself is stood in for."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildFailure, BuildOutcome, Report
from amrasaman_nox.runs import build
from amrasaman_nox.sandbox import clock as library
from amrasaman_nox.verification import clock
from tests.reports.examples import record

if TYPE_CHECKING:
    from collections.abc import Callable

#: What loads into the programs of this machine: one of them.
PROGRAM = Path("/proc/self/exe").resolve()


@pytest.fixture(autouse=True)
def _none_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for way in ("_packaged", "_of_system"):
        monkeypatch.setattr(library, way, lambda: ())


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Return the configurations with which something was built: a wheel that has the library."""
    asked: list[Config] = []

    def build_wheels(config: Config, *, notify: object) -> Report:
        asked.append(config)
        assert config.requirement is not None
        assert config.requirement.read_text() == f"{library.PIN}\n"
        config.output.mkdir()
        made = record("libfaketime")
        with zipfile.ZipFile(config.output / made.wheel.filename, "w") as wheel:
            wheel.write(PROGRAM, library.IN_WHEEL)
        return Report(command="c", build=BuildOutcome(records=(made,)))

    monkeypatch.setattr(build, "build_wheels", build_wheels)
    return asked


def provided(folder: Path, **more: Any) -> list[str]:
    """Return the notes of providing the library into a store in *folder*."""
    notes: list[str] = []
    clock.provide(
        Config(cache_dir=folder / "cache", **more), lambda event: notes.append(event.note)
    )
    return notes


def test_it_is_built_once_into_the_store(tmp_path: Path, builds: list[Config]) -> None:
    assert provided(tmp_path) == ["libfaketime varies the clock: compiling it"]
    found = library.compiled(tmp_path / "cache")
    assert library.library(tmp_path / "cache") == str(found)
    assert found.stat().st_mode & 0o222 == 0
    assert provided(tmp_path) == []
    assert len(builds) == 1


def test_the_build_has_the_index_of_the_run_and_nothing_else_of_it(
    tmp_path: Path, builds: list[Config]
) -> None:
    provided(
        tmp_path, index_url="https://i.example", isolation="none", only_binary=("x",), sde=400000000
    )
    (own,) = builds
    assert (own.index_url, own.isolation, own.only_binary) == ("https://i.example", "none", ())
    assert own.sde == Config().sde


@pytest.mark.parametrize("option", ["offline", "no_index"])
def test_without_an_index_nothing_is_tried(
    tmp_path: Path, builds: list[Config], option: str
) -> None:
    assert provided(tmp_path, **{option: True}) == []
    assert builds == []


def failing(*failures: BuildFailure) -> Callable[..., Report]:
    return lambda config, notify: Report(command="c", build=BuildOutcome(failures=failures))


def raising(config: Config, *, notify: object) -> Report:
    raise AsamanError("libfaketime", "no such release")


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (failing(BuildFailure(name="l", version="3", stage="build", reason="no cc")), "no cc"),
        (raising, "no such release"),
    ],
)
def test_what_cannot_be_built_is_a_note_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[..., Report], why: str
) -> None:
    monkeypatch.setattr(build, "build_wheels", work)
    assert provided(tmp_path)[-1].startswith("libfaketime is not compiled: ")
    assert why in provided(tmp_path)[-1]
    assert library.library(tmp_path / "cache") == ""
