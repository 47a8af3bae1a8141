"""What a stranger put into a folder of wheels does not count, however right its record is."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest
from amrasaman_nox.outputs.verified import write_verified
from amrasaman_nox.record_files import RecordFile, beside, read_folder
from amrasaman_nox.runs import merge
from amrasaman_nox.sources import trusted

from ..support import miniatures
from ..support.bench import Bench, snapshot
from ..support.strangers import STRANGER, forge, give_away
from ..test_records import record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.sources.store import Store

SDIST = Digest.of(b"sdist")


@pytest.fixture
def file(tmp_path: Path) -> RecordFile:
    """A wheel with its record, in a folder of their own."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / record().wheel.filename).write_bytes(b"wheel")
    beside(folder / record().wheel.filename).write_text(records.render(record()))
    return read_folder(folder).files[0]


def keep(store: Store) -> None:
    """Let *store* have the record of an earlier build, on another day."""
    earlier = dataclasses.replace(record(), started=datetime(2020, 1, 1, tzinfo=UTC), finished=None)
    store.put_value("records", earlier.key, records.render(earlier).encode())


def open_up(file: RecordFile) -> None:
    file.path.parent.chmod(0o777)


WAYS: dict[str, Callable[[RecordFile], object]] = {
    "a folder of another user": lambda file: give_away(file.path.parent),
    "a folder for everybody": open_up,
    "a sticky folder": lambda file: file.path.parent.chmod(0o1777),
    "a wheel of another user": lambda file: give_away(file.wheel),
    "a record of another user": lambda file: give_away(file.path),
    "a record for everybody": lambda file: file.path.chmod(0o666),
    "a wheel for everybody": lambda file: file.wheel.chmod(0o646),
}
GIVEN_AWAY = [way for way in WAYS if way.endswith("another user")]


def generate(file: RecordFile, **options: object) -> Path:
    requirement = file.path.parent.parent / "requirements.txt"
    requirement.write_text(f"attrs==25.3.0 --hash={SDIST}\n")
    config = Config(
        requirement=requirement,
        output=file.path.parent,
        cache_dir=requirement.with_name("cache"),
        **options,  # type: ignore[arg-type]
    )
    write_verified(config)
    return requirement.with_name("verified-requirements.txt")


def merged(file: RecordFile, **options: object) -> Path:
    output = file.path.parent.parent / "merged"
    merge.merge(
        Config(
            cache_dir=output.with_name("cache"),
            folders=(file.path.parent,),
            output=output,
            **options,  # type: ignore[arg-type]
        )
    )
    return output / file.wheel.name


COMMANDS = (generate, merged)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("way", WAYS)
def test_a_wheel_that_a_stranger_can_have_made_is_refused(
    command: Callable[..., Path], way: str, file: RecordFile
) -> None:
    WAYS[way](file)
    before = snapshot(file.path.parent)
    with pytest.raises(AsamanError, match="so its content cannot be trusted") as caught:
        command(file)
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert snapshot(file.path.parent) == before
    names = {path.name for path in file.path.parent.parent.iterdir()}
    assert names <= {"wheels", "requirements.txt", "cache"}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("way", WAYS)
def test_what_our_own_store_has_counts_wherever_it_is(
    command: Callable[..., Path], way: str, file: RecordFile, store: Store
) -> None:
    keep(store)
    WAYS[way](file)
    assert command(file).exists()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("way", GIVEN_AWAY)
def test_a_user_can_be_trusted_by_number(
    command: Callable[..., Path], way: str, file: RecordFile
) -> None:
    WAYS[way](file)
    assert command(file, trust_owner=(STRANGER,)).exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"wheel": dataclasses.replace(record().wheel, digest=Digest.of(b"forged"))},
        {"key": "0" * 64},
        {"isolation": "none"},
        {"tools": ()},
        {"requirements": ()},
    ],
)
def test_a_record_that_says_other_things_than_the_stores_is_anybodys(
    changes: dict[str, object], store: Store
) -> None:
    keep(store)
    assert trusted.is_of_store(store, record())
    assert not trusted.is_of_store(store, dataclasses.replace(record(), **changes))  # type: ignore[arg-type]


def test_the_folder_is_named_once_for_all_that_is_in_it(file: RecordFile) -> None:
    open_up(file)
    found = trusted.strangers([file, file], None, ())
    assert [fault.what for fault in found] == [str(file.path.parent)]


# --- the commands ----------------------------------------------------------------------------

NAME = "mini-flit"


@pytest.fixture
def built(bench: Bench) -> Path:
    """A wheel that was built, in an output folder."""
    bench.write(*miniatures.pins(NAME))
    done = bench.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr
    return next(bench.wheels.glob("*.whl"))


def test_a_forged_wheel_with_the_right_key_is_never_kept(bench: Bench, built: Path) -> None:
    honest = bench.hashes()
    forge(built)
    give_away(bench.wheels, built, beside(built))
    before = snapshot(bench.wheels)
    done = bench.asaman("-r", "requirements.txt")
    assert done.returncode == 4, done.stderr
    assert f"another user owns it (owner {STRANGER}, group {STRANGER}, mode 0755)" in done.stderr
    done = bench.generate("requirements.txt")
    assert done.returncode == 4, done.stderr
    assert f"--trust-owner {STRANGER}" in done.stderr
    assert not (bench.folder / "verified-requirements.txt").exists()
    assert snapshot(bench.wheels) == before
    done = bench.asaman("-r", "requirements.txt", "--force")
    assert done.returncode == 0, done.stderr
    assert bench.hashes() == honest


def test_a_forged_wheel_of_our_own_is_built_again(bench: Bench, built: Path) -> None:
    honest = bench.hashes()
    forge(built)
    done = bench.asaman("-r", "requirements.txt", "--locked")
    assert done.returncode == 0, done.stderr
    assert "is replaced" in done.stdout + done.stderr
    assert bench.hashes() == honest


def test_a_record_that_differs_is_written_again(bench: Bench, built: Path) -> None:
    text = beside(built).read_text()
    beside(built).write_text(text.replace('"flit_core.buildapi"', '"honest.backend"'))
    assert beside(built).read_text() != text
    done = bench.asaman("-r", "requirements.txt", "--locked")
    assert done.returncode == 0, done.stderr
    assert "honest.backend" not in beside(built).read_text()


def test_a_record_that_cannot_be_read_is_named_and_written_again(bench: Bench, built: Path) -> None:
    honest = beside(built).read_text()
    beside(built).unlink()
    os.mkfifo(beside(built))
    done = bench.asaman("-r", "requirements.txt", "--locked")
    assert done.returncode == 0, done.stderr
    assert f"record {beside(built)}: Not a regular file" in done.stdout + done.stderr
    assert beside(built).read_text() == honest


def test_without_the_store_a_wheel_is_built_again_to_the_same(
    bench: Bench, built: Path, tmp_path: Path
) -> None:
    honest = bench.hashes()
    fresh = dataclasses.replace(bench, cache=tmp_path / "fresh")
    done = fresh.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr
    assert "from the store" not in done.stdout
    assert bench.hashes() == honest
    assert built.is_file()
