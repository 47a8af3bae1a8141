"""Builds on the workers of a dask cluster."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import threading
import time
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox import extras
from amrasaman_nox.builds.failures import failure_of
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure
from amrasaman_nox.runs import message
from amrasaman_nox.runs import worker as remote
from amrasaman_nox.runs.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import BuildJob, BuildRecord
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.site import Site


#: How often a job goes to a worker that does not do it as it was asked.
ATTEMPTS: Final = 4
#: How often the engine starts a job again whose worker raised.
_RETRIES: Final = 2
#: Seconds to reach the scheduler; to wait for a worker; between two looks at the workers.
_CONNECTING: Final = 10
_PATIENCE: Final = 60.0
_LOOK: Final = 2.0
#: How workers are reached; without one of these in front it is TCP.
_SCHEMES: Final = ("tcp", "tls", "ws", "wss", "ucx")
#: The most builds that are under way on a cluster at a time.
_MOST: Final = 256


@contextlib.contextmanager
def dask_workers(config: Config) -> Iterator[Workers]:
    """Connect to the configured dask scheduler for as long as the block lasts.

    :raises AsamanError: dask is not installed (exit 4), the address is not valid (exit 2), or the
        scheduler does not answer or has no workers (exit 5)
    """
    extras.check("executor dask", "dask", "distributed", project="dask")
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    address = config.scheduler or ""
    if "@" in address:
        raise AsamanError("scheduler", "its address has no user name or password")
    scheme, separator, _ = address.partition("://")
    if separator and scheme not in _SCHEMES:
        raise AsamanError(f"scheduler {address}", f"{scheme}: is not one of {', '.join(_SCHEMES)}")
    try:
        client: Any = Client(address, timeout=_CONNECTING, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, ImportError) as error:
        raise _unreachable(address, str(error) or type(error).__name__) from None
    with client:
        cluster = Cluster(client=client, address=address)
        cluster.wait_for_workers()

        def build(job: BuildJob, site: Site, _: Isolation) -> BuildRecord | BuildFailure:
            return delegate(job, site, cluster)

        yield Workers(
            build=build,
            width=cluster.width(),
            room=lambda running: True,
            stop=cluster.stop,
            here=False,
        )


@dataclass(kw_only=True, slots=True)
class Cluster:
    """The workers of a dask scheduler, less those that were found not to do as they are asked."""

    client: Any
    address: str
    stopped: threading.Event = field(default_factory=threading.Event)
    _asked: set[str] = field(default_factory=set)
    _distrusted: dict[str, str] = field(default_factory=dict)
    _news: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def workers(self) -> dict[str, int]:
        """Return the addresses of the workers that may be asked, with their numbers of threads."""
        try:
            known = self.client.scheduler_info(n_workers=-1)["workers"]
        except KeyError:
            raise _unreachable(self.address, "connection lost") from None
        except (OSError, RuntimeError) as error:
            raise _unreachable(self.address, str(error) or type(error).__name__) from None
        self._ask_versions([address for address in known if address not in self._asked])
        with self._lock:
            return {
                address: facts["nthreads"]
                for address, facts in known.items()
                if address not in self._distrusted
            }

    def _ask_versions(self, addresses: list[str]) -> None:
        """Ask new workers which version they have.

        One that cannot import the function of an order would end, and not say why.
        """
        if not addresses:
            return
        (name, wanted), *_ = message.versions()
        found = self.client.run(
            importlib.metadata.version, name, workers=addresses, on_error="return"
        )
        for address, version in found.items():
            if isinstance(version, (str, importlib.metadata.PackageNotFoundError)):
                self._asked.add(address)
                if version != wanted:
                    there = version if isinstance(version, str) else None
                    self.distrust(address, message.unlike(name, there, wanted))

    def wait_for_workers(self) -> dict[str, int]:
        """Return the workers as soon as there is one; none where all of them are distrusted.

        :raises AsamanError: none has come within a minute (exit 5)
        """
        end = time.monotonic() + _PATIENCE
        while not (found := self.workers()) and not self.why_none():
            if time.monotonic() > end:
                raise _unreachable(
                    self.address, f"no worker connected within {_PATIENCE:.0f} seconds"
                )
            time.sleep(0.1)
        return found

    def width(self) -> int:
        """Return how many builds to have under way, so that no worker waits for us."""
        return max(1, min(_MOST, 2 * sum(self.workers().values())))

    def alive(self, workers: dict[str, int]) -> bool:
        """Return whether one is left that a job for *workers* can go to."""
        present = self.workers().keys()
        with self._lock:
            return bool(present & workers.keys() if self._distrusted else present)

    def executor(self, workers: dict[str, int]) -> Executor:
        """Return an executor that gives jobs to *workers*, or to any while none is distrusted."""
        # Equal calls are not one call: with pure=True every rebuild would come from memory.
        with self._lock:
            chosen = {"workers": list(workers)} if self._distrusted else {}
        executor: Executor = self.client.get_executor(pure=False, retries=_RETRIES, **chosen)
        return executor

    def distrust(self, worker: str, reason: str) -> None:
        """Give no more jobs of this run to *worker*."""
        with self._lock:
            if worker not in self._distrusted:
                self._news.append(f"worker {worker} gets no more builds: {reason}")
            self._distrusted[worker] = reason

    def news(self) -> list[str]:
        """Return, once, what was found out about workers."""
        with self._lock:
            told, self._news[:] = list(self._news), []
        return told

    def why_none(self) -> str:
        """Return why no worker is left, or ``""`` where one may still come."""
        with self._lock:
            return "; ".join(f"worker {name}: {why}" for name, why in self._distrusted.items())

    def stop(self) -> None:
        """Let nobody wait for a result any longer; what runs on a worker runs to its end there."""
        self.stopped.set()


def delegate(job: BuildJob, site: Site, cluster: Cluster) -> BuildRecord | BuildFailure:
    """Give *job* to a worker, and to another one where it does not do as it was asked."""
    try:
        return _given(job, site, cluster)
    except AsamanError as error:
        if error.code is ExitCode.INTERRUPTED:
            raise
        return failure_of(job.source, "executor", error)


def _given(job: BuildJob, site: Site, cluster: Cluster) -> BuildRecord | BuildFailure:
    order = remote.order_for(job, site)
    reasons: list[str] = []
    while len(reasons) < ATTEMPTS:
        workers = cluster.wait_for_workers()
        for line in cluster.news():
            site.say(line)
        if not workers:
            reasons = reasons or [cluster.why_none()]
            break
        worker = ""
        try:
            answer = message.opened(_result(cluster, workers, message.pack(order)))
            worker = answer.worker
            result = answer.value()
            former, order = order, remote.carrying(order, result, site.store)
            if order != former:
                continue
            return remote.received(order, result, site.store)
        except _WorkerFailedError as failed:
            reasons.append(str(failed))
            break
        except (message.NotReadError, remote.NotAcceptedError) as why:
            cluster.distrust(worker, str(why))
            reasons.append(f"worker {worker}: {why}")
    return BuildFailure.of(
        job.source.pin,
        stage="executor",
        reason="; ".join(reasons),
        hint="check the workers, or build locally: --executor local",
        code=ExitCode.NOT_AVAILABLE,
    )


class _WorkerFailedError(Exception):
    """The engine gave a job up."""


def _result(cluster: Cluster, workers: dict[str, int], order: bytes) -> object:
    """Return what a worker made of *order*, as long as there are workers.

    :raises _WorkerFailedError: the engine gave up, or no worker is left
    :raises AsamanError: the run was interrupted, or the scheduler is gone
    """
    future = cluster.executor(workers).submit(remote.build_remotely, order)
    seen = time.monotonic()
    while True:
        try:
            return future.result(timeout=_LOOK)
        except TimeoutError:
            if future.done():
                raise _WorkerFailedError(_engine_reason(future)) from None
        except CancelledError:
            raise _unreachable(cluster.address, "the scheduler cancelled the build") from None
        except Exception:
            raise _WorkerFailedError(_engine_reason(future)) from None
        if cluster.stopped.is_set():
            future.cancel()
            raise AsamanError("build", "interrupted", code=ExitCode.INTERRUPTED)
        if cluster.alive(workers):
            seen = time.monotonic()
        elif time.monotonic() - seen > _PATIENCE:
            future.cancel()
            raise _WorkerFailedError("all workers disconnected, and no new one connected")


def _engine_reason(future: Future[Any]) -> str:
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return "every worker that built it died"
    if isinstance(error, (ImportError, AttributeError)):
        return f"a worker or the scheduler has no amrasaman-nox, or a different version: {error}"
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _unreachable(address: str, why: str) -> AsamanError:
    return AsamanError(
        f"scheduler {address}",
        why,
        hint="check that both are running: dask scheduler, dask worker ADDRESS",
        code=ExitCode.INPUT_OUTPUT,
    )
