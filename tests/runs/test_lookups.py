"""What the index is asked, and in which order, while sources are fetched and built."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.requirements import Known
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildSystem, Digest, LockEntry, Pin, Prepared, Source
from amrasaman_nox.runs import lookups as asking
from amrasaman_nox.runs.lookups import Lookups

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.model import Interpreter

DIGEST = Digest.of(b"an sdist")
ENTRY = LockEntry(name="x", version="1", sdist=DIGEST, interpreter="i", files=())


def opened(
    look: Callable[[Prepared], Known],
    make: Callable[[Prepared, LockEntry], object] | None = None,
    stop: Callable[[], None] = lambda: None,
) -> Lookups:
    return Lookups(look, make, stop=stop, estimate=lambda item: 1.0 + item.native)


@pytest.fixture
def named(interpreter: Interpreter) -> Callable[..., Prepared]:
    def prepared(name: str, *, native: bool = False, as_published: bool = False) -> Prepared:
        pin = Pin(name=name, version="1.0")
        return Prepared(
            source=Source(
                pin=pin, filename=f"{name}-1.0.tar.gz", digest=DIGEST, as_published=as_published
            ),
            interpreter=interpreter,
            system=BuildSystem(requires=(), backend=""),
            native=native,
        )

    return prepared


def test_what_takes_longest_to_build_is_asked_for_first_of_what_waits(
    named: Callable[..., Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    begun, going_on = threading.Event(), threading.Event()

    def look(prepared: Prepared) -> Known:
        begun.set()
        assert going_on.wait(30)
        asked.append(prepared.source.name)
        if prepared.source.name == "bad":
            raise AsamanError("bad", "no solution")
        return Known(entry=ENTRY, whole=True)

    monkeypatch.setattr(asking, "LOOKERS", 1)
    with opened(look) as lookups:
        lookups.add(named("first"))
        assert begun.wait(30)
        for item in (named("small"), named("long", native=True), named("bad")):
            lookups.add(item)
        lookups.add(named("taken", as_published=True))
        going_on.set()
        assert lookups.of(named("small")).whole
        with pytest.raises(AsamanError, match="no solution"):
            lookups.of(named("bad"))
    assert asked == ["first", "long", "small", "bad"]


def test_what_was_not_asked_for_yet_is_not_asked_for_after_a_fault(
    named: Callable[..., Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    begun, going_on = threading.Event(), threading.Event()

    def look(prepared: Prepared) -> Known:
        asked.append(prepared.source.name)
        begun.set()
        assert going_on.wait(30)
        raise AsamanError("x", "y")

    stopped: list[bool] = []
    monkeypatch.setattr(asking, "LOOKERS", 1)
    lookups = opened(look, stop=lambda: stopped.append(True))
    with pytest.raises(AsamanError, match="a pin is wrong"):
        _faulty(lookups, (named("needs"), named("later")), begun)
    going_on.set()
    time.sleep(0.2)
    assert asked == ["needs"]
    assert stopped == [True]


def _faulty(lookups: Lookups, items: tuple[Prepared, Prepared], begun: threading.Event) -> None:
    with lookups:
        lookups.add(items[0])
        assert begun.wait(30)
        lookups.add(items[1])
        raise AsamanError("run", "a pin is wrong")


@pytest.mark.parametrize(
    ("first", "whole", "here", "made"),
    [
        (False, False, True, True),
        (True, False, True, False),
        (False, True, True, False),
        (False, False, False, False),
    ],
)
def test_environments_are_made_as_long_as_nothing_is_built_or_locked(
    named: Callable[..., Prepared], first: bool, whole: bool, here: bool, made: bool
) -> None:
    seen: list[tuple[str, LockEntry]] = []
    begun = threading.Event()

    def make(prepared: Prepared, entry: LockEntry) -> None:
        seen.append((prepared.source.name, entry))
        begun.set()

    known = Known(entry=ENTRY, whole=whole)
    with opened(lambda prepared: known, make if here else None) as lookups:
        if first:
            lookups.builds_begin()
        lookups.add(named("needs"))
        assert lookups.of(named("needs")) is known
        assert begun.wait(30 if made else 0.2) == made
    assert seen == ([("needs", ENTRY)] if made else [])


def test_an_environment_that_cannot_be_made_early_is_left_to_the_build(
    named: Callable[..., Prepared],
) -> None:
    tried = threading.Event()

    def refused(*_: object) -> None:
        tried.set()
        raise AsamanError("build environment", "it does not install")

    with opened(lambda prepared: Known(entry=ENTRY, whole=False), refused) as lookups:
        lookups.add(named("needs"))
        assert lookups.of(named("needs")).entry is ENTRY
        assert tried.wait(30)
