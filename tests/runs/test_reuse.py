"""Wheels that need no build: what the store keeps under the key of a job."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds.jobs import job_of
from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildFailure, Digest, Pin
from amrasaman_nox.runs.reuse import remember_record, stored_record
from tests.support.projects import make_wheel
from tests.test_records import record

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildJob, BuildRecord, Interpreter
    from amrasaman_nox.sources.store import Store

DATA = make_wheel("attrs", "25.3.0")


@pytest.fixture
def job(interpreter: Interpreter) -> BuildJob:
    return job_of(record().source, interpreter, config=Config(), files=(), isolation="full")


@pytest.fixture
def built(job: BuildJob, store: Store) -> BuildRecord:
    """Return the record of a build of the job, whose wheel is in the store."""
    wheel = dataclasses.replace(record().wheel, digest=Digest.of(DATA), size=len(DATA))
    store.add([DATA], wheel.digest)
    return dataclasses.replace(record(), wheel=wheel, key=job.key)


def test_a_build_is_found_again_by_the_key_of_its_job(
    job: BuildJob, built: BuildRecord, store: Store
) -> None:
    assert stored_record(job, store) is None
    remember_record(job, built, store)
    found = stored_record(job, store)
    assert found is not None
    assert found.wheel.digest == built.wheel.digest
    other = dataclasses.replace(job, config_settings=(("a", "b"),))
    assert stored_record(other, store) is None


def test_its_source_is_that_of_the_run_that_asks(
    job: BuildJob, built: BuildRecord, store: Store
) -> None:
    remember_record(job, built, store)
    elsewhere = dataclasses.replace(
        job.source,
        pin=Pin(name="attrs", version="25.3.0", digests=(job.source.digest,), extras=("x",)),
    )
    found = stored_record(dataclasses.replace(job, source=elsewhere), store)
    assert found is not None
    assert found.source == elsewhere


def test_a_wheel_that_the_store_lost_or_that_was_damaged_is_built_again(
    job: BuildJob, built: BuildRecord, store: Store
) -> None:
    remember_record(job, built, store)
    path = store.path(built.wheel.digest)
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    assert stored_record(job, store) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"not a record"])
def test_a_record_that_cannot_be_read_is_none(job: BuildJob, store: Store, content: bytes) -> None:
    store.put_value("records", job.key, content)
    assert stored_record(job, store) is None


def test_a_failure_is_not_kept(job: BuildJob, store: Store) -> None:
    failure = BuildFailure(name="attrs", version="1", stage="build", reason="it broke")
    for result in (failure, None):
        remember_record(job, result, store)
    assert store.get_value("records", job.key) is None
