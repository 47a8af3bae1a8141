from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.agreement import keys
from amrasaman_nox.agreement.keygen import keygen
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_key_signs_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        report = keygen(Config(key=str(tmp_path / "k.pem")))
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    key = keys.signing_key(str(tmp_path / "k.pem"))
    assert keys.public_key((tmp_path / "k.pub").read_bytes(), "k.pub") == key.public_key
    for said in ("k.pem is the private key (not encrypted", "k.pub is the public key", "--key"):
        assert any(said in note for note in report.notes)


def test_with_a_passphrase_a_new_key_is_encrypted(tmp_path: Path) -> None:
    keygen(Config(key=str(tmp_path / "k.pem"), passphrase="secret"))
    assert b"ENCRYPTED" in (tmp_path / "k.pem").read_bytes()
    keys.signing_key(str(tmp_path / "k.pem"), "secret")


@pytest.mark.parametrize("name", ["k.pem", "k.pub"])
def test_neither_of_the_two_files_is_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(AsamanError, match="a key is never replaced"):
        keygen(Config(key=str(tmp_path / "k.pem")))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "why"), [("k.pub", "the same name"), ("no/k.pem", "No such file")]
)
def test_a_place_that_does_not_do_is_named(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match=why):
        keygen(Config(key=str(tmp_path / name)))


def test_a_key_of_a_command_is_not_made_here() -> None:
    with pytest.raises(AsamanError, match="the command's own"):
        keygen(Config(key="cmd:agent"))
