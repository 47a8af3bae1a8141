from __future__ import annotations

import dataclasses
import errno
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.files import digest_of
from amrasaman_nox.model import BuildRecord, Digest, Pin, Source, Wheel
from amrasaman_nox.record_files import read_file
from amrasaman_nox.runs.publish import publish, publish_source

from ..support.faults import counted, failing, killed_at, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.sources.store import Store

NAME = "demo-1.0-py3-none-any.whl"


def record_of(store: Store, content: bytes = b"wheel") -> BuildRecord:
    """Put bytes into the store, and return the record of a wheel with them."""
    digest, source = Digest.of(content), Digest.of(b"source of " + content)
    store.add([content], digest)
    store.add([b"source of " + content], source)
    wheel = Wheel(filename=NAME, digest=digest, content_digest=digest, size=len(content))
    pin = Pin(name="demo", version="1.0", digests=(source,))
    return BuildRecord(
        name="demo",
        version="1.0",
        wheel=wheel,
        source=Source(pin=pin, filename="demo-1.0.tar.gz", digest=source),
        key="0" * 64,
    )


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def code_of(act: Callable[[], object]) -> ExitCode | None:
    try:
        act()
    except AsamanError as error:
        return error.code
    return None


def test_a_wheel_is_published_with_its_record(store: Store, tmp_path: Path) -> None:
    record, output = record_of(store), tmp_path / "a/b"
    assert publish(record, output, store, force=False) == ""
    assert names_in(output) == [NAME, NAME + records.SUFFIX]
    assert (output / NAME).read_bytes() == b"wheel"
    assert read_file(output / (NAME + records.SUFFIX)).record.wheel == record.wheel
    assert {path.stat().st_mode & 0o777 for path in output.iterdir()} == {0o644}


def test_publishing_again_touches_nothing_even_if_the_clock_went_on(
    store: Store, tmp_path: Path
) -> None:
    record = record_of(store)
    publish(record, tmp_path / "w", store, force=False)
    before = {path: path.stat() for path in (tmp_path / "w").iterdir()}
    from datetime import UTC, datetime

    later = dataclasses.replace(record, started=datetime.now(UTC))
    publish(later, tmp_path / "w", store, force=False)
    assert {path: path.stat().st_mtime_ns for path in before} == {
        path: facts.st_mtime_ns for path, facts in before.items()
    }


def test_our_own_wheel_of_other_inputs_is_replaced_with_a_note(
    store: Store, tmp_path: Path
) -> None:
    publish(record_of(store), tmp_path, store, force=False)
    note = publish(record_of(store, b"another"), tmp_path, store, force=False)
    assert note == f"{NAME} is replaced: it was built from other inputs"
    assert (tmp_path / NAME).read_bytes() == b"another"


@pytest.mark.parametrize("kind", ["foreign", "link", "folder", "changed"])
def test_what_has_no_record_is_not_replaced(store: Store, tmp_path: Path, kind: str) -> None:
    record, output = record_of(store), tmp_path / "w"
    output.mkdir()
    match kind:
        case "foreign":
            (output / NAME).write_bytes(b"foreign")
        case "link":
            (output / NAME).symlink_to("/etc/passwd")
        case "folder":
            (output / NAME).mkdir()
        case "changed":
            publish(record, output, store, force=False)
            (output / NAME).write_bytes(b"changed")
    before = snapshot(output)
    with pytest.raises(AsamanError, match="has no provenance record") as caught:
        publish(record, output, store, force=False)
    assert caught.value.code is ExitCode.BAD_INPUT
    assert snapshot(output) == before
    if kind != "folder":
        publish(record, output, store, force=True)
        assert digest_of(output / NAME) == record.wheel.digest.value


def test_a_full_disk_at_any_operation_leaves_no_wheel_without_a_record(
    store: Store, tmp_path: Path
) -> None:
    record = record_of(store)
    with counted() as names:
        publish(record, tmp_path / "count", store, force=False)
    for at in range(1, len(names) + 1):
        output = tmp_path / f"w{at}"
        with counted(failing(errno.ENOSPC), at):
            code = code_of(lambda: publish(record, output, store, force=False))  # noqa: B023
        assert code in {None, ExitCode.INPUT_OUTPUT}
        assert names_in(output) in ([], [NAME, NAME + records.SUFFIX])
        publish(record, output, store, force=False)
        assert snapshot(output) == snapshot(tmp_path / "count")


def test_a_kill_at_any_operation_is_mended_by_the_next_run(store: Store, tmp_path: Path) -> None:
    record, at = record_of(store), 1
    output = tmp_path / "w1"
    while killed_at(at, lambda: publish(record, output, store, force=False)):  # noqa: B023
        if (output / (NAME + records.SUFFIX)).exists():
            assert (output / NAME).read_bytes() == b"wheel"
        publish(record, output, store, force=False)
        assert (output / NAME).read_bytes() == b"wheel"
        at += 1
        output = tmp_path / f"w{at}"
    assert at > 5


def test_sources_are_copied_with_their_bytes_checked(store: Store, tmp_path: Path) -> None:
    source = record_of(store).source
    publish_source(source, tmp_path / "w", store)
    path = tmp_path / "w/demo-1.0.tar.gz"
    assert path.read_bytes() == b"source of wheel"
    path.write_bytes(b"changed")
    publish_source(source, tmp_path / "w", store)
    assert path.read_bytes() == b"source of wheel"
    store.path(source.digest).unlink()
    publish_source(source, tmp_path / "w", store)
    path.unlink()
    with pytest.raises(AsamanError, match="no longer in the cache"):
        publish_source(source, tmp_path / "w", store)
