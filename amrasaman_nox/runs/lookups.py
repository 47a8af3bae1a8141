"""Questions to the index while other sources are fetched and built."""

from __future__ import annotations

import contextlib
import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from queue import PriorityQueue
from typing import TYPE_CHECKING, Final

from amrasaman_nox.build_lock.requirements import Known, known_of
from amrasaman_nox.builds import builder
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.runs.durations import estimator

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildLock, LockEntry, Pin, Prepared
    from amrasaman_nox.runs.workshop import Workshop


#: Questions to the index at a time: they wait for the network, and for a processor after builds.
LOOKERS: Final = 2
#: How long is waited, where a run fails, for what makes environments, in seconds.
_PATIENCE: Final = 2.0


class Lookups:
    """Asks the index what sources require, while others are fetched and built.

    Of the sources that wait, the one whose build takes longest is next. As long as nothing is built
    there are processors to spare, and build environments are made as well.
    """

    def __init__(self, shop: Workshop, lock: BuildLock) -> None:
        self._shop, self._lock = shop, lock
        self._pool = ThreadPoolExecutor(LOOKERS)
        self._makers = ThreadPoolExecutor(1)
        self._made: list[Future[None]] = []
        self._building = threading.Event()
        self._waiting: PriorityQueue[tuple[float, int, Prepared]] = PriorityQueue()
        self._number = itertools.count()
        self._estimate = estimator(shop.store)
        self._found: dict[Pin, Future[Known]] = {}

    def __enter__(self) -> Lookups:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.builds_begin()
        for future in self._found.values():
            future.cancel()
        if kind is not None:
            # What is made is of no use any more; it leaves nothing if it is waited for.
            self._shop.workers.stop()
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
        if prepared.source.taken:
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
            known = known_of(self._shop, prepared, self._lock)
        except BaseException as error:
            future.set_exception(error)
            return
        future.set_result(known)
        if not known.whole and self._shop.workers.cluster is None and not self._building.is_set():
            self._made.append(self._makers.submit(self._make, prepared, known.entry))

    def _make(self, prepared: Prepared, entry: LockEntry) -> None:
        shop = self._shop
        # What fails here is the build's to name.
        with contextlib.suppress(AsamanError, OSError):
            builder.environment_of(
                shop.job(prepared.source, prepared.interpreter, entry.files),
                store=shop.store,
                isolation=shop.isolation,
                backend=builder.backend_in(prepared.system),
            )

    def of(self, prepared: Prepared) -> Known:
        """Return what a source requires, or raise as :func:`known_of` does."""
        return self._found[prepared.source.pin].result()
