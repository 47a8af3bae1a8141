from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock import requirements
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildLock, Digest, LockedFile, LockEntry, Pin
from amrasaman_nox.runs.run import opened as run_of
from amrasaman_nox.sources import prepare

from ..support import miniatures
from ..support.projects import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import Interpreter, Prepared
    from amrasaman_nox.sources.site import Site

    from ..support.index import LocalIndex

NO_LOCK = BuildLock()
EARLY = datetime(2023, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _served(index: LocalIndex) -> None:
    """Serve a project and two versions of what it builds with."""
    miniatures.add_sdist(index, "needs", sdist())
    for version in ("1.0", "2.0"):
        index.add(make_wheel("demo", version), wheel_name(version), uploaded=EARLY)


def sdist() -> bytes:
    return miniatures.project("needs", requires='"demo<2"')


def wheel_name(version: str) -> str:
    return f"demo-{version}-py3-none-any.whl"


@contextmanager
def opened(
    folder: Path, index: LocalIndex, interpreter: Interpreter, **changes: object
) -> Iterator[tuple[Site, Prepared]]:
    config = Config(
        cache_dir=folder / "cache",
        index_url=index.url,
        isolation="none",
        **changes,  # type: ignore[arg-type]
    )
    with run_of(config, lambda event: None) as run:
        pin = Pin(name="needs", version="1.0", digests=(Digest.of(sdist()),))
        (prepared,) = prepare.prepare(run.site, [pin], interpreter)
        yield run.site, prepared


def entry_of(
    site: Site,
    prepared: Prepared,
    lock: BuildLock = NO_LOCK,
    *names: str,
    locked: bool = False,
) -> LockEntry:
    known = requirements.known_of(site, prepared, lock, locked=locked)
    if known.whole:
        return known.entry
    return requirements.completed(site, prepared, known.entry, names)


def test_requirements_are_resolved_locked_and_fetched(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    with opened(tmp_path, index, interpreter) as (site, prepared):
        entry = entry_of(site, prepared)
        assert entry.files == (
            LockedFile(filename=wheel_name("1.0"), digest=index.files[wheel_name("1.0")].digest),
        )
        assert (entry.static, entry.dynamic) == (("demo<2",), ())
        assert entry.as_of == prepared.source.uploaded
        assert all(site.store.has(file.digest) for file in entry.files)
        asked = len(index.requests)
        again = entry_of(site, prepared, BuildLock(entries=(entry,)))
    assert (again, len(index.requests)) == (entry, asked)


def test_what_the_backend_asks_for_is_locked_too(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    index.add(make_wheel("more", "1.0"), "more-1.0-py3-none-any.whl", uploaded=EARLY)
    with opened(tmp_path, index, interpreter) as (site, prepared):
        entry = entry_of(site, prepared, BuildLock(), "more>=1", "demo<2")
    assert entry.dynamic == ("more>=1",)
    assert [file.filename for file in entry.files] == [
        wheel_name("1.0"),
        "more-1.0-py3-none-any.whl",
    ]


@pytest.mark.parametrize(
    "text", ["x @ file:///etc", "-r /etc/passwd", "x @ https://example.org/x.whl", "x y", ""]
)
def test_a_backend_cannot_ask_for_anything_but_names(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter, text: str
) -> None:
    with (
        opened(tmp_path, index, interpreter) as (site, prepared),
        pytest.raises(AsamanError, match=r"is not a name with a version specifier") as caught,
    ):
        entry_of(site, prepared, NO_LOCK, text)
    assert caught.value.code is ExitCode.BUILD_FAILED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": ()}, "is not pinned in the build lock"),
        ({"dynamic": ("more",)}, "'more' is not pinned in the build lock"),
        (
            {"files": (LockedFile(filename=wheel_name("2.0"), digest=Digest.of(b"")),)},
            "the build lock has demo 2.0, which does not satisfy 'demo<2'",
        ),
        (
            {"files": (LockedFile(filename=wheel_name("1.0"), digest=Digest.of(b"another")),)},
            "no index has a file with sha256:",
        ),
    ],
)
def test_a_lock_that_is_not_whole_is_refused_with_what_to_do(
    tmp_path: Path,
    index: LocalIndex,
    interpreter: Interpreter,
    change: dict[str, object],
    said: str,
) -> None:
    with opened(tmp_path, index, interpreter) as (site, prepared):
        entry = dataclasses.replace(entry_of(site, prepared), **change)  # type: ignore[arg-type]
        with pytest.raises(AsamanError) as caught:
            entry_of(site, prepared, BuildLock(entries=(entry,)))
    assert said in str(caught.value)
    assert "--relock" in caught.value.hint


def test_a_locked_run_resolves_nothing(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    with (
        opened(tmp_path, index, interpreter) as (site, prepared),
        pytest.raises(AsamanError, match="not in the build lock") as caught,
    ):
        entry_of(site, prepared, locked=True)
    assert "asaman lock" in caught.value.hint


@pytest.mark.parametrize("as_of", ["2023-06-01", "now", None])
def test_the_date_can_be_given(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter, as_of: str | None
) -> None:
    with opened(tmp_path, index, interpreter) as (_, prepared):
        date = requirements.cutoff(prepared, as_of).moment
        assert date is not None
        if as_of == "2023-06-01":
            assert date == datetime(2023, 6, 1, tzinfo=UTC)
        elif as_of == "now":
            assert abs((datetime.now(UTC) - date).total_seconds()) < 60
        else:
            assert date == prepared.source.uploaded
