from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.packages import Package
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import (
    BuildFailure,
    BuildLock,
    Digest,
    Fault,
    Interpreter,
    LockEntry,
    Pin,
    Prepared,
)
from amrasaman_nox.runs import run
from amrasaman_nox.sdists import reader
from amrasaman_nox.sources import prepare
from amrasaman_nox.sources.store import fetched

from ..support import archives, miniatures
from ..support.index import altered
from ..support.projects import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.sources.site import Site

    from ..support.index import File, LocalIndex


@contextmanager
def opened(folder: Path, index: LocalIndex, **changes: object) -> Iterator[Site]:
    config = Config(
        cache_dir=folder / "cache",
        index_url=index.url,
        isolation="none",
        **changes,  # type: ignore[arg-type]
    )
    with run.opened(config, lambda event: None) as opened_run:
        yield opened_run.site


@pytest.fixture
def pin(index: LocalIndex) -> Pin:
    return pin_of(index, "mini-flit", miniatures.MINIATURES["mini-flit"]("1.0"))


def pin_of(index: LocalIndex, name: str, data: bytes) -> Pin:
    miniatures.add_sdist(index, name, data)
    return Pin(name=name, version="1.0", digests=(Digest.of(data),))


def locking(pin: Pin, interpreter: Interpreter) -> BuildLock:
    entry = LockEntry(
        name=pin.name,
        version=pin.version,
        sdist=pin.digests[0],
        interpreter=interpreter.key,
        files=(),
    )
    return BuildLock(entries=(entry,))


def test_what_was_located_once_is_remembered_with_its_upload_time(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    with opened(tmp_path, index) as site:
        (first,) = prepare.prepare(site, [pin], interpreter)
        asked = len(index.requests)
        (second,) = prepare.prepare(site, [pin], interpreter)
    assert (second, len(index.requests)) == (first, asked)
    assert second.source.uploaded is not None
    assert second.system.backend == "flit_core.buildapi"


def test_each_source_is_told_of_as_soon_as_it_is_ready_and_a_bad_one_never(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    bad = pin_of(index, "bad", b"not an archive")
    bad = dataclasses.replace(bad, digests=(*bad.digests, Digest.of(b"its wheel")))
    told: list[str] = []
    with opened(tmp_path, index) as site:
        failure, ready = prepare.prepare(
            site, [bad, pin], interpreter, each=lambda ready: told.append(ready.source.name)
        )
    assert told == [pin.name]
    assert isinstance(ready, Prepared)
    assert isinstance(failure, BuildFailure)
    assert (failure.name, failure.stage, failure.takes_wheel) == ("bad", "source", True)
    assert failure.reason == "bad-1.0.tar.gz: not a gzip file"


def test_an_index_without_upload_times_is_asked_again_unless_the_lock_knows_the_source(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    index.upload_times = False
    with opened(tmp_path, index) as site:
        prepare.prepare(site, [pin], interpreter)
        assert prepare._remembered(site, pin, interpreter, BuildLock(), "sdist") is None
        lock = locking(pin, interpreter)
        found = prepare._remembered(site, pin, interpreter, lock, "sdist")
        assert found is not None
        assert found.url == index.file_url("mini_flit-1.0.tar.gz")


def test_what_is_remembered_counts_for_the_same_pin_only(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    other = Pin(name="other", version="1.0", digests=pin.digests)
    with opened(tmp_path, index) as site:
        prepare.prepare(site, [pin], interpreter)
        (failure,) = prepare.prepare(site, [other], interpreter)
    assert isinstance(failure, BuildFailure)
    assert (failure.reason, failure.takes_wheel) == ("no such project on the index", False)
    assert failure.code is ExitCode.BAD_INPUT


def test_a_refused_sdist_stays_in_no_store(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    data = archives.sdist(archives.link("demo-1.0/x", "/etc/passwd"))
    pin = pin_of(index, "demo", data)
    with opened(tmp_path, index) as site:
        (failure,) = prepare.prepare(site, [pin], interpreter)
        assert isinstance(failure, BuildFailure)
        assert "unsafe link" in failure.reason
        assert failure.hint.endswith("use one of them: --only-binary demo")
        assert not site.store.has(pin.digests[0])
        assert not list((site.store.root / "values").iterdir())


def test_a_pin_for_another_python_is_a_failure_of_its_own(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    newer = dataclasses.replace(pin, requires_python=">=99")
    with opened(tmp_path, index) as site:
        (failure,) = prepare.prepare(site, [newer], interpreter)
    assert isinstance(failure, BuildFailure)
    assert failure.reason == f"it requires Python >=99, but this is {interpreter.version}"
    assert not index.requests


def test_a_pin_with_a_fault_is_a_failure(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    fault = Fault(reason="no sdist", hint="lock it", takes_wheel=True)
    with opened(tmp_path, index) as site:
        (failure,) = prepare.prepare(site, [Pin(name="one", version="1", fault=fault)], interpreter)
    assert isinstance(failure, BuildFailure)
    assert (failure.reason, failure.hint, failure.takes_wheel) == ("no sdist", "lock it", True)


def test_the_wheel_that_is_taken_does_not_depend_on_what_was_taken_before(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    names = [f"one-1.0-{tag}.whl" for tag in ("py3-none-any", interpreter.tags[0])]
    any_, best = (index.add(make_wheel("one", "1.0", tag=name[8:-4]), name) for name in names)
    taking = frozenset({"one"})

    def filename(site: Site, *files: File) -> str:
        pin = Pin(name="one", version="1.0", digests=tuple(file.digest for file in files))
        (found,) = prepare.prepare(site, [pin], interpreter, only_binary=taking)
        assert isinstance(found, Prepared)
        return found.source.filename

    with opened(tmp_path, index) as site:
        assert filename(site, any_) == names[0]
        assert filename(site, any_, best) == names[1]
        assert filename(site, any_) == names[0]


def test_a_hash_mismatch_ends_all_and_names_all_that_is_wrong(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    bad = pin_of(index, "demo", archives.sdist()[:-20])
    wrong = pin_of(index, "mini-pdm", miniatures.MINIATURES["mini-pdm"]("1.0"))
    index.always("files/mini_pdm-1.0.tar.gz", altered)
    with opened(tmp_path, index) as site:
        with pytest.raises(AsamanError) as caught:
            prepare.prepare(site, [bad, pin, wrong], interpreter)
        assert site.store.has(pin.digests[0])
        assert not site.store.has(wrong.digests[0])
    text = "\n".join(caught.value.lines())
    assert "truncated" in text
    assert "hash mismatch" in text


def test_nothing_to_prepare_asks_nobody(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    with opened(tmp_path, index) as site:
        assert prepare.prepare(site, [], interpreter) == ()
    assert not index.requests


def test_an_sdist_is_judged_once_unless_the_rules_change(
    tmp_path: Path,
    index: LocalIndex,
    pin: Pin,
    interpreter: Interpreter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged = []
    read = reader.read_sdist

    def counted(file: BinaryIO, filename: str) -> reader.SdistInfo:
        judged.append(filename)
        return read(file, filename)

    monkeypatch.setattr(reader, "read_sdist", counted)
    with opened(tmp_path, index) as site:
        first = prepare.prepare(site, [pin], interpreter)
        assert prepare.prepare(site, [pin], interpreter) == first
        assert len(judged) == 1
        monkeypatch.setattr(reader, "RULES", reader.RULES + 1)
        assert prepare.prepare(site, [pin], interpreter) == first
        assert len(judged) == 2
    other = dataclasses.replace(pin, version="2.0")
    with opened(tmp_path, index) as site, pytest.raises(AsamanError, match="metadata mismatch"):
        prepare._read(site, dataclasses.replace(first[0].source, pin=other), interpreter)


def test_what_is_remembered_of_an_sdist_is_all_of_it(
    tmp_path: Path, index: LocalIndex, interpreter: Interpreter
) -> None:
    data = archives.sdist(
        archives.tar_member("other/pyproject.toml", b"# \xff\n"),
        top="other",
        metadata=archives.pkg_info("demo", "1.0"),
    )
    pin = pin_of(index, "demo", data)
    with opened(tmp_path, index) as site:
        (source,) = prepare.locate(site, [pin], interpreter)
        prepare._fetch(site, source)
        assert prepare._judged(site, source) is None
        with fetched(source.digest, source.filename, site.store) as file:
            first = reader.read_sdist(file, source.filename)
        prepare._remember_judged(site, source, first)
        assert first.pyproject == b"# \xff\n"
        assert first.notes
        assert prepare._judged(site, source) == first


def test_build_requirements_of_one_project_are_added_to_its_own(
    tmp_path: Path, index: LocalIndex, pin: Pin, interpreter: Interpreter
) -> None:
    own = (
        Package(name="mini-flit", build_requirements=("wheel<1",)),
        Package(name="mini-flit", specifier=">1", build_requirements=("never",)),
        Package(name="another", build_requirements=("never",)),
    )
    with opened(tmp_path, index, packages=own) as site:
        (found,) = prepare.prepare(site, [pin], interpreter)
    assert isinstance(found, Prepared)
    assert found.system.requires == ("flit_core", "wheel<1")
