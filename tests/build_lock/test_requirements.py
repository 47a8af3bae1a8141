from __future__ import annotations

import dataclasses
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock import requirements
from amrasaman_nox.config.config import Config
from amrasaman_nox.environments import complete
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildLock, Digest, LockedFile, LockEntry, Pin
from amrasaman_nox.runs import lookups as asking
from amrasaman_nox.runs import workshop
from amrasaman_nox.runs.lookups import Lookups
from amrasaman_nox.sources import prepare

from ..support import miniatures
from ..support.projects import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import Interpreter, Prepared
    from amrasaman_nox.runs.workshop import Workshop

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
) -> Iterator[tuple[Workshop, Prepared]]:
    config = Config(
        cache_dir=folder / "cache",
        index_url=index.url,
        isolation="none",
        **changes,  # type: ignore[arg-type]
    )
    with workshop.opened(config, lambda event: None) as shop:
        pin = Pin(name="needs", version="1.0", digests=(Digest.of(sdist()),))
        (prepared,) = prepare.prepare(shop, [pin], interpreter)
        yield shop, prepared


def entry_of(
    shop: Workshop,
    prepared: Prepared,
    lock: BuildLock = NO_LOCK,
    *names: str,
) -> LockEntry:
    return requirements.entry_of(shop, prepared, lock, lambda entry: names)


def test_requirements_are_resolved_locked_and_fetched(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    with opened(tmp_path, index, interpreter) as (shop, prepared):
        entry = entry_of(shop, prepared)
        assert entry.files == (
            LockedFile(filename=wheel_name("1.0"), digest=index.files[wheel_name("1.0")].digest),
        )
        assert (entry.static, entry.dynamic) == (("demo<2",), ())
        assert entry.as_of == prepared.source.uploaded
        assert all(shop.store.has(file.digest) for file in entry.files)
        asked = len(index.requests)
        again = entry_of(shop, prepared, BuildLock(entries=(entry,)))
    assert (again, len(index.requests)) == (entry, asked)


def test_what_the_backend_asks_for_is_locked_too(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    index.add(make_wheel("more", "1.0"), "more-1.0-py3-none-any.whl", uploaded=EARLY)
    with opened(tmp_path, index, interpreter) as (shop, prepared):
        entry = entry_of(shop, prepared, BuildLock(), "more>=1", "demo<2")
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
        opened(tmp_path, index, interpreter) as (shop, prepared),
        pytest.raises(AsamanError, match=r"is not name\+specifier") as caught,
    ):
        entry_of(shop, prepared, NO_LOCK, text)
    assert caught.value.code is ExitCode.BUILD_FAILED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"files": ()}, "is not pinned in the build lock"),
        ({"dynamic": ("more",)}, "'more' is not pinned in the build lock"),
        (
            {"files": (LockedFile(filename=wheel_name("2.0"), digest=Digest.of(b"")),)},
            "the build lock has demo 2.0, and 'demo<2' is required",
        ),
        (
            {"files": (LockedFile(filename=wheel_name("1.0"), digest=Digest.of(b"another")),)},
            "no index has it with sha256:",
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
    with opened(tmp_path, index, interpreter) as (shop, prepared):
        entry = dataclasses.replace(entry_of(shop, prepared), **change)  # type: ignore[arg-type]
        with pytest.raises(AsamanError) as caught:
            entry_of(shop, prepared, BuildLock(entries=(entry,)))
    assert said in str(caught.value)
    assert "--relock" in caught.value.hint


def test_a_locked_run_resolves_nothing(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    with (
        opened(tmp_path, index, interpreter, locked=True) as (shop, prepared),
        pytest.raises(AsamanError, match="not in the build lock") as caught,
    ):
        entry_of(shop, prepared)
    assert "asaman lock" in caught.value.hint


@pytest.mark.parametrize("as_of", ["2023-06-01", "now", None])
def test_the_date_can_be_given(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter, as_of: str | None
) -> None:
    with opened(tmp_path, index, interpreter, as_of=as_of) as (shop, prepared):
        date = requirements.cutoff(shop, prepared).moment
        assert date is not None
        if as_of == "2023-06-01":
            assert date == datetime(2023, 6, 1, tzinfo=UTC)
        elif as_of == "now":
            assert abs((datetime.now(UTC) - date).total_seconds()) < 60
        else:
            assert date == prepared.source.uploaded


def test_what_takes_longest_to_build_is_asked_for_first_of_what_waits(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    begun, going_on = threading.Event(), threading.Event()

    def known_of(shop: Workshop, prepared: Prepared, lock: BuildLock) -> requirements.Known:
        begun.set()
        assert going_on.wait(30)
        asked.append(prepared.source.name)
        if prepared.source.name == "bad":
            raise AsamanError("bad", "no solution")
        return requirements.Known(entry=entry, whole=True)

    monkeypatch.setattr(asking, "LOOKERS", 1)
    monkeypatch.setattr(asking, "known_of", known_of)
    with opened(tmp_path, index, interpreter) as (shop, prepared):
        entry = LockEntry(
            name="x", version="1", sdist=prepared.source.digest, interpreter="i", files=()
        )

        def named(name: str, *, native: bool = False, taken: bool = False) -> Prepared:
            pin = Pin(name=name, version="1.0")
            source = dataclasses.replace(prepared.source, pin=pin, taken=taken)
            return dataclasses.replace(prepared, source=source, native=native)

        with Lookups(shop, NO_LOCK) as lookups:
            lookups.add(named("first"))
            assert begun.wait(30)
            for item in (named("small"), named("long", native=True), named("bad")):
                lookups.add(item)
            lookups.add(named("taken", taken=True))
            going_on.set()
            assert lookups.of(named("small")).whole
            with pytest.raises(AsamanError, match="no solution"):
                lookups.of(named("bad"))
    assert asked == ["first", "long", "small", "bad"]


def test_what_was_not_asked_for_yet_is_not_asked_for_after_a_fault(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    begun, going_on = threading.Event(), threading.Event()

    def known_of(shop: Workshop, prepared: Prepared, lock: BuildLock) -> requirements.Known:
        asked.append(prepared.source.name)
        begun.set()
        assert going_on.wait(30)
        raise AsamanError("x", "y")

    monkeypatch.setattr(asking, "LOOKERS", 1)
    monkeypatch.setattr(asking, "known_of", known_of)
    with opened(tmp_path, index, interpreter) as (shop, prepared):
        with pytest.raises(AsamanError, match="a pin is wrong"):
            _faulty(Lookups(shop, NO_LOCK), prepared, begun)
        going_on.set()
        time.sleep(0.2)
    assert asked == ["needs"]


def _faulty(lookups: Lookups, prepared: Prepared, begun: threading.Event) -> None:
    with lookups:
        lookups.add(prepared)
        assert begun.wait(30)
        lookups.add(dataclasses.replace(prepared))
        raise AsamanError("run", "a pin is wrong")


@pytest.mark.parametrize(
    ("first", "locked", "made"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_environments_are_made_as_long_as_nothing_is_built_or_locked(
    tmp_path: Path,
    index: LocalIndex,
    interpreter: Interpreter,
    first: bool,
    locked: bool,
    made: bool,
) -> None:
    with opened(tmp_path, index, interpreter) as (shop, prepared):
        entry = entry_of(shop, prepared)
        lock = BuildLock(entries=(entry,)) if locked else NO_LOCK
        whole = complete.home(shop.store.root, "environments")
        before = {*whole.glob("*.complete")}
        with Lookups(shop, lock) as lookups:
            if first:
                lookups.builds_begin()
            lookups.add(prepared)
            assert lookups.of(prepared).entry.files == entry.files
            if made:
                deadline = time.monotonic() + 30
                while {*whole.glob("*.complete")} == before and time.monotonic() < deadline:
                    time.sleep(0.05)
        assert bool({*whole.glob("*.complete")} - before) == made


def test_an_environment_that_cannot_be_made_early_is_left_to_the_build(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def refused(*_: object, **__: object) -> None:
        tried.set()
        raise AsamanError("build environment", "it does not install")

    monkeypatch.setattr(requirements.builder, "environment_of", refused)
    with (
        opened(tmp_path, index, interpreter) as (shop, prepared),
        Lookups(shop, NO_LOCK) as lookups,
    ):
        lookups.add(prepared)
        assert lookups.of(prepared).entry.files
        assert tried.wait(30)
