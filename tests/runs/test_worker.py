"""What a worker may send: every lie about a job or its bytes is told from the truth."""

from __future__ import annotations

import inspect
import io
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import Origin
from amrasaman_nox.model import (
    BuildFailure,
    BuildJob,
    BuildRecord,
    Crate,
    Digest,
    IndexOptions,
    LockedFile,
    Pin,
    RustToolchain,
    Source,
)
from amrasaman_nox.runs import message, worker
from amrasaman_nox.sources.site import RustSite, Site
from amrasaman_nox.wheels import canonical

from ..support import liar
from ..support.projects import make_sdist, make_wheel

if TYPE_CHECKING:
    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store

NAME = "mini-1.0-py3-none-any.whl"
SDIST = make_sdist("mini", "1.0")
ORIGIN = Origin(path="requirements.txt", line=7)
ACCESS = (("HTTPS_PROXY", "http://proxy.test"), ("NETRC", "/home/me/netrc"))


@pytest.fixture
def order(interpreter: Interpreter, store: Store) -> worker.Order:
    digest = Digest.of(SDIST)
    pin = Pin(name="mini", version="1.0", digests=(digest,), origin=ORIGIN)
    file = LockedFile(filename="flit_core-3.12.0-py3-none-any.whl", digest=Digest.of(b"flit"))
    job = BuildJob(
        source=Source(pin=pin, filename="mini-1.0.tar.gz", digest=digest),
        requirements=(file,),
        interpreter=interpreter,
    )
    return worker.order_for(job, site(store))


def site(store: Store, crate_index: str = "") -> Site:
    def never(channel: str) -> RustToolchain:
        raise AssertionError(channel)

    rust = RustSite(toolchain=never, crate_index=crate_index)
    index = IndexOptions(index_url="https://index.test", environment=ACCESS)
    return Site(store=store, index=index, rust=rust)


@pytest.fixture
def result(order: worker.Order) -> worker.RemoteResult:
    job, written = order.job, io.BytesIO()
    epoch = job.environment.source_date_epoch or 0
    wheel, passes = canonical.canonicalise(
        io.BytesIO(make_wheel("mini", "1.0")), NAME, written, epoch=epoch, pin=job.source.pin
    )
    record = BuildRecord(
        name="mini",
        version="1.0",
        wheel=wheel,
        source=job.source,
        key=job.key,
        requirements=job.requirements,
        interpreter=job.interpreter,
        environment=job.environment,
        isolation=job.isolation,
        backend="flit_core.buildapi",
        passes=passes,
    )
    return worker.RemoteResult(record=record, wheel=written.getvalue())


def built(order: worker.Order) -> worker.RemoteResult:
    """Send *order* to a worker, and return its result."""
    found = message.opened(worker.build_remotely(message.pack(order))).value()
    assert isinstance(found, worker.RemoteResult)
    return found


def test_an_honest_result_is_taken_into_the_store(
    order: worker.Order, result: worker.RemoteResult, store: Store
) -> None:
    sent = message.opened(message.pack(result)).value()
    assert worker.received(order, sent, store) == result.record
    assert result.record is not None
    file = store.get(result.record.wheel.digest)
    assert file is not None
    with file:
        assert file.read() == result.wheel


@pytest.mark.parametrize("lie", liar.LIES)
def test_a_lie_is_told_from_the_truth_and_nothing_of_it_is_stored(
    lie: str, order: worker.Order, result: worker.RemoteResult, store: Store
) -> None:
    change, reason = liar.LIES[lie]
    with pytest.raises(worker.NotAcceptedError, match=reason):
        worker.received(order, change(result), store)
    assert not list((store.root / "files/sha256").iterdir())


def test_a_refusal_is_passed_on(order: worker.Order, store: Store) -> None:
    with pytest.raises(worker.NotAcceptedError, match="too warm"):
        worker.received(order, worker.RemoteResult(refused="too warm"), store)


def test_a_failure_is_that_of_our_pin(order: worker.Order, store: Store) -> None:
    failure = BuildFailure(
        name="other", version="2", stage="build_wheel", reason="it broke", log_path="/their/log"
    )
    result = worker.RemoteResult(failure=failure)
    expected = replace(failure, name="mini", version="1.0", origin=ORIGIN, log_path=None)
    assert worker.received(order, result, store) == expected


def test_paths_and_proxies_of_this_machine_stay_here(order: worker.Order) -> None:
    assert order.index == IndexOptions(index_url="https://index.test")
    assert b"proxy.test" not in message.pack(order)


@pytest.mark.parametrize(
    ("place", "sent"),
    [("https://crates.test/index", "https://crates.test/index"), ("/my/crates", ""), ("", "")],
)
def test_a_worker_takes_crates_from_the_index_that_is_named_but_from_no_folder_of_ours(
    place: str, sent: str, order: worker.Order, store: Store
) -> None:
    assert worker.order_for(order.job, site(store, place)).crate_index == sent


def test_crates_that_a_worker_could_not_fetch_are_carried(
    order: worker.Order, store: Store
) -> None:
    data = b"a crate"
    digest = Digest.of(data)
    store.add([data], digest)
    crates = (Crate(name="a", version="1.0.0", digest=digest),)
    source = replace(order.job.source, crates=crates)
    order = replace(order, job=replace(order.job, source=source))
    result = worker.RemoteResult(refused="no crates", missing=(digest,))
    assert worker.carrying(order, result, store).carried == ((digest, data),)


def test_only_bytes_that_the_job_is_made_of_are_carried(order: worker.Order, store: Store) -> None:
    secret, sdist = Digest.of(b"secret"), order.job.source.digest
    store.add(iter((b"secret",)), secret)
    store.add(iter((SDIST,)), sdist)
    result = worker.RemoteResult(refused="no network", missing=(secret, sdist))
    carrying = worker.carrying(order, result, store)
    assert carrying.carried == ((sdist, SDIST),)
    # Once is enough: what was carried in vain is not carried again.
    assert worker.carrying(carrying, result, store) == carrying
    assert worker.carrying(order, "a string", store) == order


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("version", "3.0.1"),
        ("digest", Digest.of(b"another build")),
        ("implementation", "pypy"),
        ("compile_flags", "-O0"),
        ("platform", "linux-riscv64"),
    ],
)
def test_a_worker_refuses_what_another_interpreter_is_to_build(
    fact: str, value: object, order: worker.Order
) -> None:
    interpreter = replace(order.job.interpreter, **{fact: value})  # type: ignore[arg-type]
    asked = replace(order, job=replace(order.job, interpreter=interpreter))
    result = built(asked)
    assert result.record is None
    assert result.refused.startswith("another interpreter at ")
    assert fact in result.refused


def test_a_worker_reads_no_order_of_another_version(
    order: worker.Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        others = tuple((name, "9.9") for name, _ in message.versions())
        patched.setattr(message, "versions", lambda: others)
        sent = message.pack(order)
    found = message.opened(worker.build_remotely(sent)).value()
    assert isinstance(found, worker.RemoteResult)
    assert found.refused.startswith("it has amrasaman-nox 9.9, but ")


@pytest.mark.parametrize("sent", [b"", b"\n", b"no message", message.pack("a string")])
def test_a_worker_refuses_what_is_not_an_order(sent: bytes) -> None:
    found = message.opened(worker.build_remotely(sent)).value()
    assert isinstance(found, worker.RemoteResult)
    assert found.refused in {"it did not send a message", "this is not a build order"}


def test_the_function_that_workers_are_found_by_stays_where_it_is() -> None:
    # Workers with other versions of this package import it by this path.
    sent = pickle.dumps(worker.build_remotely)
    assert b"amrasaman_nox.runs.worker" in sent
    assert b"build_remotely" in sent
    (parameter,) = inspect.signature(worker.build_remotely).parameters.values()
    annotations = (parameter.annotation, inspect.signature(worker.build_remotely).return_annotation)
    assert annotations == ("bytes", "bytes")


def test_a_worker_without_the_interpreter_says_so(order: worker.Order) -> None:
    interpreter = replace(order.job.interpreter, executable="/nowhere/python")
    asked = replace(order, job=replace(order.job, interpreter=interpreter))
    assert "/nowhere/python" in built(asked).refused
