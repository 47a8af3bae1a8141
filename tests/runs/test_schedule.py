"""The order of builds, and what limits them."""

from __future__ import annotations

import threading
import time

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.runs import schedule
from amrasaman_nox.sandbox import memory
from amrasaman_nox.sandbox.view import MEMORY_SIZE


def order_of(
    names: str, *, weights: list[float] | None = None, needs: list[set[int]] | None = None
) -> str:
    seen: list[str] = []
    schedule.run(names, seen.append, jobs=1, weights=weights or [], needs=needs or [])
    return "".join(seen)


@pytest.mark.parametrize(
    ("weights", "needs", "expected"),
    [
        (None, None, "abcd"),
        ([1, 3, 2, 3], None, "bdca"),
        # a needs d: d first, however short it is.
        ([9, 3, 2, 1], [{3}, set(), set(), set()], "dabc"),
        # A chain: c, b, a; and d, which is long, before it.
        ([1, 1, 1, 5], [{1}, {2}, set(), set()], "dcba"),
        # A chain that is longer than any of its parts goes before a long one.
        ([3, 3, 1, 5], [{1}, {2}, set(), set()], "cbda"),
        # A diamond.
        (None, [{1, 2}, {3}, {3}, set()], "dbca"),
    ],
)
def test_what_is_needed_comes_first_and_what_takes_long_starts_early(
    weights: list[float] | None, needs: list[set[int]] | None, expected: str
) -> None:
    assert order_of("abcd", weights=weights, needs=needs) == expected


@pytest.mark.parametrize("jobs", [2, 3])
def test_one_slot_goes_through_the_short_ones_while_the_others_take_the_long_ones(
    jobs: int,
) -> None:
    """All long builds wait until the short ones are through, which only one slot can see to."""
    short_are_through = threading.Event()
    finished: list[int] = []

    def act(number: int) -> None:
        if number >= 6:
            assert short_are_through.wait(10)
        finished.append(number)
        if len(finished) == 6:
            short_are_through.set()

    weights = [2.0, 1.0, 3.0, 2.0, 1.0, 5.0, 600.0, 300.0]
    schedule.run(range(8), act, jobs=jobs, weights=weights)
    # The shortest first, and of those that are as short the first.
    assert finished[:6] == [1, 4, 0, 3, 2, 5]


def test_the_short_slot_takes_only_what_can_start() -> None:
    seen: list[str] = []
    lock = threading.Lock()

    def act(name: str) -> None:
        with lock:
            seen.append(name)

    schedule.run("abc", act, jobs=2, weights=[9, 1, 3], needs=[set(), {2}, set()])
    assert seen.index("c") < seen.index("b")


def test_a_circle_is_refused_before_anything_runs() -> None:
    seen: list[str] = []
    with pytest.raises(AsamanError, match="in a circle"):
        schedule.run("abc", seen.append, jobs=1, needs=[{1}, {0}, set()])
    assert not seen


@pytest.mark.parametrize("jobs", [1, 3, 8])
def test_results_come_in_the_order_of_the_items(jobs: int) -> None:
    weights = [float(number % 7) for number in range(50)]
    assert schedule.run(range(50), str, jobs=jobs, weights=weights) == [str(n) for n in range(50)]


def test_no_more_run_at_a_time_than_there_are_jobs_or_there_is_room_for() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def act(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1

    schedule.run(range(12), act, jobs=4)
    assert most == 4
    most = 0
    schedule.run(range(6), act, jobs=4, room=lambda running: running < 2)
    assert most == 2


def test_one_build_runs_even_without_room() -> None:
    assert schedule.run("ab", str.upper, jobs=2, room=lambda _: False) == ["A", "B"]


def test_nothing_starts_after_an_interrupt_and_what_runs_is_stopped() -> None:
    stopped = threading.Event()
    started: list[int] = []

    def act(number: int) -> None:
        started.append(number)
        if number == 1:
            time.sleep(0.05)
            raise KeyboardInterrupt
        assert stopped.wait(10)

    with pytest.raises(KeyboardInterrupt):
        schedule.run(range(9), act, jobs=2, stop=stopped.set)
    assert started == [0, 1]


@pytest.mark.parametrize(
    ("each", "total", "free", "running", "expected"),
    [
        (0, 8 << 30, 4 << 30, 5, True),
        (0, 8 << 30, 4 << 30, 6, False),
        (0, 256 << 30, 4 << 30, 100, True),
        (0, 8 << 30, MEMORY_SIZE - 1, 1, False),
        (2 << 30, 8 << 30, 4 << 30, 3, True),
        (2 << 30, 8 << 30, 4 << 30, 4, False),
        (2 << 30, 8 << 30, (2 << 30) - 1, 1, False),
    ],
)
def test_memory_limits_builds(
    each: int, total: int, free: int, running: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available", lambda: memory.Memory(total=total, free=free))
    monkeypatch.setattr(schedule, "_FRESH", -1.0)
    assert schedule.room(each)(running) is expected
