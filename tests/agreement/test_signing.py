"""asaman sign, and --sign on builds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.agreement import envelopes, signing
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.record_files import beside

from ..support import miniatures
from ..support.rebuilders import put, rebuilder, record

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.bench import Bench


def test_each_record_is_signed_as_it_is_and_once(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    wheels = [own.has(name=name) for name in ("six", "attrs")]
    config = Config(output=own.folder, key=str(own.pem))
    report = signing.sign(config)
    assert report.notes == (f"2 signed with the ed25519 key {own.key.public_key.keyid[:16]}…",)
    for wheel in wheels:
        found = envelopes.parse(envelopes.beside(wheel).read_bytes())
        assert found.payload == beside(wheel).read_bytes()
        assert found.verified_by([own.key.public_key])
    assert "0 signed" in signing.sign(config).notes[0]
    assert "2 were already" in signing.sign(config).notes[0]


def test_signatures_of_others_stay(tmp_path: Path) -> None:
    own, other = rebuilder(tmp_path, "a"), rebuilder(tmp_path, "b")
    path = own.signs()
    signing.sign(Config(output=own.folder, key=str(other.pem)))
    lines = [envelopes.parse(line) for line in path.read_bytes().splitlines()]
    both = (own.key.public_key, other.key.public_key)
    assert [each.verified_by(both) for each in lines] == [both[:1], both[1:]]


def test_without_a_key_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match="missing option --key") as raised:
        signing.sign(Config(output=tmp_path))
    assert "asaman keygen" in raised.value.hint


def test_nothing_is_signed_if_a_wheel_is_not_that_of_its_record(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    good, bad = own.has(name="attrs"), own.has()
    bad.write_bytes(b"forged")
    with pytest.raises(AsamanError, match="it is not the wheel that its record names"):
        own.sign()
    assert not envelopes.beside(good).exists()


def test_a_record_of_another_release_is_not_signed(tmp_path: Path) -> None:
    import dataclasses

    own = rebuilder(tmp_path, "a")
    other = record()
    put(
        own.folder,
        dataclasses.replace(
            other, source=dataclasses.replace(other.source, filename="evil-1.0.tar.gz")
        ),
    )
    with pytest.raises(AsamanError, match="not signed: it says that six-1"):
        own.sign()


def test_what_others_can_have_written_is_not_signed(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    own.has().chmod(0o666)
    with pytest.raises(AsamanError, match="cannot be trusted") as raised:
        own.sign()
    assert raised.value.code is ExitCode.NOT_AVAILABLE


def test_a_folder_without_records_has_nothing_to_sign(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    with pytest.raises(AsamanError, match="contains no wheel with a provenance record"):
        own.sign()


def test_a_build_signs_its_records(bench: Bench) -> None:
    own = rebuilder(bench.folder, "a")
    done = bench.asaman("-r", bench.write(miniatures.pin("mini-flit")), "--sign", str(own.pem))
    assert done.returncode == 0, done.stderr
    assert "1 signed with the ed25519 key" in done.stdout
    (path,) = (bench.folder / "wheels").glob("*.intoto.jsonl")
    assert envelopes.parse(path.read_bytes()).verified_by([own.key.public_key])


def test_a_key_that_cannot_sign_is_told_before_anything_is_built(bench: Bench) -> None:
    done = bench.asaman("-r", bench.write(miniatures.pin("mini-flit")), "--sign", "missing.pem")
    assert done.returncode == 2
    assert done.stderr.startswith("error: key ")
    assert not (bench.folder / "wheels").exists()
