"""Resolving build requirements while other sources are fetched and built."""

from __future__ import annotations

import contextlib
import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import PriorityQueue
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.build_lock.requirements import Known
    from amrasaman_nox.model import LockEntry, Pin, Prepared


#: Questions to the index at a time: they wait for the network, and for a processor after builds.
LOOKERS: Final = 2
#: How long is waited, where a run fails, for what makes environments, in seconds.
_PATIENCE: Final = 2.0


class Lookups:
    """Asks the index what sources require, while others are fetched and built.

    Of the sources that wait, the one whose build takes longest is next. As long as nothing is built
    there are processors to spare, and build environments are made as well.

    :param look: returns what a source requires
    :param make: makes the build environment of a source and its lock entry; may be ``None``
    :param stop: ends what runs
    :param estimate: returns how long a build takes, in seconds
    """

    def __init__(
        self,
        look: Callable[[Prepared], Known],
        make: Callable[[Prepared, LockEntry], object] | None,
        *,
        stop: Callable[[], None],
        estimate: Callable[[Prepared], float],
    ) -> None:
        self._look, self._make, self._stop, self._estimate = look, make, stop, estimate
        self._pool = ThreadPoolExecutor(LOOKERS)
        self._makers = ThreadPoolExecutor(1)
        self._made: list[Future[None]] = []
        self._building = threading.Event()
        self._waiting: PriorityQueue[tuple[float, int, Prepared]] = PriorityQueue()
        self._number = itertools.count()
        self._found: dict[Pin, Future[Known]] = {}

    def __enter__(self) -> Lookups:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.builds_begin()
        for future in self._found.values():
            future.cancel()
        if kind is not None:
            # What is made is of no use any more; it leaves nothing if it is waited for.
            self._stop()
            wait(self._made, timeout=_PATIENCE)
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._makers.shutdown(wait=kind is None)

    def builds_begin(self) -> None:
        """Leave the processors to builds from now on; what is being made is made."""
        self._building.set()
        for future in self._made:
            future.cancel()

    def add(self, prepared: Prepared) -> None:
        """Look up what a source requires as soon as there is time for it."""
        if prepared.source.as_published:
            return
        self._found[prepared.source.pin] = Future()
        self._waiting.put((-self._estimate(prepared), next(self._number), prepared))
        self._pool.submit(self._next)

    def _next(self) -> None:
        _, _, prepared = self._waiting.get()
        future = self._found[prepared.source.pin]
        if not future.set_running_or_notify_cancel():
            return
        try:
            known = self._look(prepared)
        except BaseException as error:
            future.set_exception(error)
            return
        future.set_result(known)
        if self._make is not None and not known.whole and not self._building.is_set():
            self._made.append(self._makers.submit(self._made_early, self._make, prepared, known))

    def _made_early(
        self, make: Callable[[Prepared, LockEntry], object], prepared: Prepared, known: Known
    ) -> None:
        # What fails here is the build's to name.
        with contextlib.suppress(AsamanError, OSError):
            make(prepared, known.entry)

    def of(self, prepared: Prepared) -> Known:
        """Return what a source requires, or raise what looking it up raised."""
        return self._found[prepared.source.pin].result()
