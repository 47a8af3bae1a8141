"""The order of builds: what others need comes first, what takes long starts early.

Of several slots, one goes through the short builds meanwhile, so that results come early, too.
Limits are the processors and the memory: a count of builds at a time, and room for one more.
"""

from __future__ import annotations

import time
from bisect import bisect_left, insort
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, TypeVar

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sandbox import memory
from amrasaman_nox.sandbox.view import MEMORY_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from amrasaman_nox.runs.workers import Workers

T = TypeVar("T")
R = TypeVar("R")

#: How often, in seconds, is looked whether there is room by now.
_LOOK: Final = 0.5
#: For how long, in seconds, what was seen of the memory counts.
_FRESH: Final = 0.2


def ranks(weights: Sequence[float], needs: Sequence[Collection[int]]) -> tuple[float, ...]:
    """Return for each item how long the longest chain is that begins with it, in seconds.

    :param weights: how long each item takes
    :param needs: for each item the positions of those that must come before it
    :raises AsamanError: the items need each other in a circle
    """
    users: list[list[int]] = [[] for _ in weights]
    for number, before in enumerate(needs):
        for other in before:
            users[other].append(number)
    waiting = [len(after) for after in users]
    ready = [number for number, count in enumerate(waiting) if not count]
    longest = list(weights)
    seen = 0
    while ready:
        number = ready.pop()
        seen += 1
        for other in needs[number] if needs else ():
            longest[other] = max(longest[other], weights[other] + longest[number])
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    if seen < len(weights):
        raise AsamanError("build requirements", "they depend on each other in a circle")
    return tuple(longest)


def run(
    items: Sequence[T],
    act: Callable[[T], R],
    *,
    jobs: int,
    weights: Sequence[float] = (),
    needs: Sequence[Collection[int]] = (),
    room: Callable[[int], bool] = lambda running: True,
    stop: Callable[[], None] = lambda: None,
) -> list[R]:
    """Return *act* of each item, in their order; a failure must be a value.

    :param jobs: how many run at a time
    :param weights: how long each takes, in seconds; those that begin the longest chain go first,
        and beside them, in one slot, those that begin the shortest
    :param needs: for each item the positions of those that must be through before it
    :param room: whether there is memory for one more, beside this many
    :param stop: is called again and again, when the run is interrupted, until nothing runs
    :raises AsamanError: the items need each other in a circle
    """
    longest = ranks(weights or [0.0] * len(items), needs)
    plan = _Plan(longest, needs)
    results: dict[int, R] = {}
    running: dict[Future[R], int] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while plan.ready or running:
                while plan.ready and len(running) < jobs and (not running or room(len(running))):
                    number = plan.next()
                    running[pool.submit(act, items[number])] = number
                patience = _LOOK if plan.ready and len(running) < jobs else None
                done, _ = wait(running, timeout=patience, return_when=FIRST_COMPLETED)
                for future in done:
                    number = running.pop(future)
                    plan.finish(number)
                    results[number] = future.result()
        except BaseException:
            while not all(future.done() for future in running):
                stop()
                time.sleep(0.05)
            raise
    return [results[number] for number in range(len(items))]


class _Plan:
    """What can start now, the longest chain first; beside it, one slot takes the shortest."""

    def __init__(self, longest: Sequence[float], needs: Sequence[Collection[int]]) -> None:
        self._longest = longest
        self._users: list[list[int]] = [[] for _ in longest]
        self._waiting = [0] * len(longest)
        self._running: set[int] = set()
        self._short: int | None = None
        for number, before in enumerate(needs):
            self._waiting[number] = len(before)
            for other in before:
                self._users[other].append(number)
        #: Ordered, the longest chain first.
        self.ready: list[tuple[float, int]] = []
        for number, count in enumerate(self._waiting):
            if not count:
                self._add(number)

    def next(self) -> int:
        if self._running and self._short is None:
            shortest, _ = self.ready[-1]
            # The first of those that are as short.
            number = self._short = self.ready.pop(bisect_left(self.ready, (shortest, -1)))[1]
        else:
            number = self.ready.pop(0)[1]
        self._running.add(number)
        return number

    def finish(self, number: int) -> None:
        self._running.remove(number)
        if number == self._short:
            self._short = None
        for other in self._users[number]:
            self._waiting[other] -= 1
            if not self._waiting[other]:
                self._add(other)

    def _add(self, number: int) -> None:
        insort(self.ready, (-self._longest[number], number))


def room(each: int) -> Callable[[int], bool]:
    """Return whether there is memory for one more build beside those that run.

    What a build may have in its folder in memory must be free, and all such folders together get
    no more than three quarters of the memory that there is.

    :param each: the most that one build may use, in bytes; 0 where that is not limited
    """
    seen = memory.available()
    looked = time.monotonic()
    wanted = max(MEMORY_SIZE, each)

    def enough(running: int) -> bool:
        nonlocal seen, looked
        if (running + 1) * MEMORY_SIZE > seen.total * 3 // 4 or (running + 1) * each > seen.total:
            return False
        if time.monotonic() - looked > _FRESH:
            seen, looked = memory.available(), time.monotonic()
        return seen.free >= wanted

    return enough


def in_parallel(
    workers: Workers,
    items: Sequence[T],
    act: Callable[[T], R],
    weights: Sequence[float] = (),
) -> list[R]:
    """Return *act* of each item, in their order, some at a time; a failure must be a value.

    When the run is interrupted, all sandboxes end before this returns.

    :param weights: how long each takes, in seconds; what takes long starts early, and of several
        slots one goes through what is short
    """
    return run(
        items,
        act,
        jobs=workers.width,
        weights=weights,
        room=workers.room,
        stop=workers.stop,
    )
