"""A build on another machine: bytes go by hash, the wheel comes back as bytes and is checked.

:func:`build_remotely` runs in a worker: it has a store, an interpreter and a sandbox of its own,
and shares no files with us. :func:`received` runs here: it holds what a worker says against what
was asked, and against the bytes that came.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox.builds import builder
from amrasaman_nox.config.variables import default_cache, own_variables
from amrasaman_nox.environments import interpreters, toolchains
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildFailure, BuildRecord, Digest
from amrasaman_nox.runs import message
from amrasaman_nox.sandbox.ladder import choose, with_helpers
from amrasaman_nox.sources import access, cargo, download
from amrasaman_nox.sources.crates import fetch_crates
from amrasaman_nox.sources.locate import find_files
from amrasaman_nox.sources.site import Site
from amrasaman_nox.sources.store import Store
from amrasaman_nox.wheels import canonical

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildJob, IndexOptions, Interpreter, Wheel
    from amrasaman_nox.sandbox.view import Isolation


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is sent to a worker; all of it can be pickled.

    ``index`` says where to fetch from; its variables of access are the worker's own.
    ``crate_index`` is the URL of a sparse index of crates, ``""`` for that of the worker's cargo.
    ``carried`` are bytes that the worker cannot fetch, such as a local archive.
    """

    job: BuildJob
    index: IndexOptions
    crate_index: str = ""
    carried: tuple[tuple[Digest, bytes], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteResult:
    """What comes back: a record with the wheel's bytes, a failure, or why nothing was built.

    ``refused`` is why this worker cannot do the job as it is; ``missing`` are bytes that it
    could not fetch, for the reason in ``refused``.
    """

    record: BuildRecord | None = None
    failure: BuildFailure | None = None
    wheel: bytes = b""
    refused: str = ""
    missing: tuple[Digest, ...] = ()


class NotAcceptedError(Exception):
    """What a worker sent is not what it was asked for; its text is the reason."""


def order_for(job: BuildJob, site: Site) -> Order:
    """Return what is sent for *job*; paths and proxies of this machine stay here."""
    place = site.rust.crate_index if site.rust is not None else ""
    return Order(
        job=job,
        index=dataclasses.replace(site.index, environment=()),
        crate_index=place if access.is_url(place) else "",
    )


def carrying(order: Order, result: object, store: Store) -> Order:
    """Return *order* with the bytes that a worker could not fetch, as far as *store* has them."""
    if not isinstance(result, RemoteResult):
        return order
    # Only what the job is made of is ever sent.
    wanted = {order.job.source.digest, *(file.digest for file in order.job.requirements)}
    wanted |= {crate.digest for crate in order.job.source.crates or ()}
    carried = []
    for digest in wanted & set(result.missing) - {digest for digest, _ in order.carried}:
        file = store.get(digest)
        if file is not None:
            with file:
                carried.append((digest, file.read()))
    return dataclasses.replace(order, carried=(*order.carried, *carried))


def build_remotely(order: bytes) -> bytes:
    """Fetch what an :class:`Order` names, verify it, build, and return a :class:`RemoteResult`.

    Both are messages, and the import path of this function stays, so that machines with different
    versions of this package can tell each other which one they have. It never raises.
    """
    worker = _address()
    try:
        asked = message.opened(order).value()
        if not isinstance(asked, Order):
            raise message.NotReadError("this is not a build order")
        result = _build(asked)
    except (AsamanError, message.NotReadError) as error:
        result = RemoteResult(refused=str(error))
    except Exception as error:
        # Several libraries' exceptions do not survive the way back.
        result = RemoteResult(refused=f"{type(error).__name__}: {error}")
    return message.pack(result, worker)


def received(order: Order, result: object, store: Store) -> BuildRecord | BuildFailure:
    """Return what a worker built, its wheel verified and put into *store*.

    The bytes are hashed again, read strictly and held against the record; the record must be that
    of the job that was sent.

    :raises NotAcceptedError: they are not, or the worker refused
    """
    job = order.job
    if not isinstance(result, RemoteResult):
        raise NotAcceptedError("it did not send a result")
    if result.failure is not None:
        return dataclasses.replace(
            result.failure, name=job.source.name, version=job.source.version,
            origin=job.source.pin.origin, log_path=None,
        )  # fmt: skip
    if result.record is None:
        raise NotAcceptedError(result.refused or "it sent nothing")
    _check_record(job, result.record)
    _check_wheel(job, result.record.wheel, result.wheel)
    store.add(iter((result.wheel,)), result.record.wheel.digest)
    return result.record


def _check_record(job: BuildJob, record: BuildRecord) -> None:
    """Check that the record answers what was asked: the same key, and the same facts in it."""
    expected = {
        "name": job.source.name,
        "version": job.source.version,
        "source": job.source,
        "interpreter": job.interpreter,
        "isolation": job.isolation,
        "environment": job.environment,
        "requirements": tuple(sorted(job.requirements)),
        "config_settings": job.config_settings,
        "key": job.key,
        "as_published": False,
    }
    for name, value in expected.items():
        if getattr(record, name) != value:
            raise NotAcceptedError(f"its record is of another job: the {name} differs")


def _check_wheel(job: BuildJob, wheel: Wheel, content: bytes) -> None:
    got = Digest.of(content, wheel.digest.algorithm)
    if got != wheel.digest:
        raise NotAcceptedError(f"hash mismatch: its record says {wheel.digest}, its bytes {got}")
    if not job.canonical:
        return
    epoch = job.environment.source_date_epoch or 0
    try:
        read, _ = canonical.canonicalise(
            io.BytesIO(content), wheel.filename, io.BytesIO(), epoch=epoch, pin=job.source.pin
        )
    except AsamanError as error:
        raise NotAcceptedError(f"its wheel is invalid: {error}") from None
    if read != wheel:
        raise NotAcceptedError("its wheel is not in canonical form, or not what its record says")


def _build(order: Order) -> RemoteResult:
    job = order.job
    refused = _refusal(order)
    if refused:
        return RemoteResult(refused=refused)
    isolation, store = _isolation(job.isolation), _store()
    for digest, content in order.carried:
        store.add(iter((content,)), digest)
    try:
        _fetch(order, store)
    except AsamanError as error:
        return RemoteResult(refused=str(error), missing=_missing(job, store))
    result = builder.build_wheel(job, store=store, isolation=isolation)
    if isinstance(result, BuildFailure):
        return RemoteResult(failure=result)
    file = store.get(result.wheel.digest)
    if file is None:
        return RemoteResult(refused="the wheel is no longer in the worker's store")
    with file:
        return RemoteResult(record=result, wheel=file.read())


def _refusal(order: Order) -> str:
    """Return why this worker cannot do the job just as it would be done here, or ``""``."""
    wanted = order.job.interpreter
    found = _interpreter(wanted.executable)
    for fact in ("implementation", "version", "platform", "digest", "compile_flags"):
        if getattr(found, fact) != getattr(wanted, fact):
            return (
                f"another interpreter at {wanted.executable}: its {fact} is "
                f"{getattr(found, fact)}, not {getattr(wanted, fact)}"
            )
    if order.job.rust is not None:
        toolchain = toolchains.inspect(order.job.rust.sysroot, dict(own_variables()), _store())
        if toolchain != order.job.rust:
            return f"another Rust toolchain at {toolchain.sysroot}: {toolchain.version}"
    rung = _isolation(order.job.isolation).rung
    if rung != order.job.isolation:
        return f"another rung of isolation: {rung}, not {order.job.isolation}"
    return ""


def _fetch(order: Order, store: Store) -> None:
    """Bring the sdist and the build requirements into *store*, each checked against its hash."""
    job = order.job
    options = dataclasses.replace(order.index, environment=own_variables())
    site = Site(store=store, index=options)
    if not store.has(job.source.digest):
        download.fetch(job.source, site)
    lacking = [file for file in job.requirements if not store.has(file.digest)]
    if lacking:
        found = find_files(
            lacking, index=options, python=job.interpreter.executable, cache=site.index_cache
        )
        download.fetch_all(found.values(), site)
    if job.rust is not None:
        program, variables = job.rust.cargo_program, dict(own_variables())
        fetch_crates(
            job.source.crates or (),
            site,
            place=order.crate_index,
            default=lambda: cargo.ask(program, variables, store),
        )


def _missing(job: BuildJob, store: Store) -> tuple[Digest, ...]:
    crates = (crate.digest for crate in job.source.crates or ())
    digests = (job.source.digest, *(file.digest for file in job.requirements), *crates)
    return tuple(digest for digest in digests if not store.has(digest))


@functools.cache
def _store() -> Store:
    """Open the worker's own store, once a process."""
    # The process is the worker's: its umask has no say in the folders of builds, for good.
    os.umask(0o022)
    store = Store.open(default_cache())
    store.sweep()
    return store


@functools.cache
def _interpreter(executable: str) -> Interpreter:
    return interpreters.inspect(executable)


@functools.cache
def _isolation(rung: str) -> Isolation:
    highest = choose("auto")
    chosen = highest if highest.rung == rung else choose(rung)
    return with_helpers(chosen, _store().root)


def _address() -> str:
    try:
        from distributed import get_worker

        return str(get_worker().address)
    except (ImportError, ValueError):
        return ""
