"""Folders of crates that cargo takes for a registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.environments import crates as environments
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Crate, Digest
from tests.support.archives import END, gzipped, tar_member
from tests.support.crates import crate, crate_file

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store


def kept(store: Store, name: str, data: bytes) -> Crate:
    store.add(iter([data]), Digest.of(data))
    return crate(name, data)


def test_each_crate_has_a_folder_with_the_hash_of_the_lock(store: Store) -> None:
    a, b = kept(store, "a", crate_file("a")), kept(store, "b", crate_file("b"))
    folder = environments.prepare([a, b], store=store)
    assert sorted(path.name for path in folder.iterdir()) == ["a-1.0.0", "b-1.0.0"]
    assert (folder / "a-1.0.0/src/lib.rs").is_file()
    noted = json.loads((folder / "a-1.0.0/.cargo-checksum.json").read_text())
    assert noted == {"package": a.digest.value, "files": {}}


def test_the_same_crates_share_a_folder_and_others_do_not(store: Store) -> None:
    a, b = kept(store, "a", crate_file("a")), kept(store, "b", crate_file("b"))
    folder = environments.prepare([a, b], store=store)
    assert environments.prepare([b, a], store=store) == folder
    assert environments.prepare([a], store=store) != folder


def test_a_folder_that_lost_a_file_is_made_again(store: Store) -> None:
    a = kept(store, "a", crate_file("a"))
    folder = environments.prepare([a], store=store)
    folder.with_name(f"{folder.name}.complete").unlink()
    (folder / "a-1.0.0/src/lib.rs").unlink()
    assert (environments.prepare([a], store=store) / "a-1.0.0/src/lib.rs").is_file()


def test_a_checksum_file_that_a_crate_brings_does_not_count(store: Store) -> None:
    brought = {".cargo-checksum.json": b'{"package": null, "files": {}}'}
    a = kept(store, "a", crate_file("a", files=brought))
    folder = environments.prepare([a], store=store)
    assert a.digest.value in (folder / "a-1.0.0/.cargo-checksum.json").read_text()


REFUSED = {
    "another folder": crate_file("b"),
    "outside": gzipped(tar_member("a-1.0.0/../x", b"x") + END),
    "absolute": gzipped(tar_member("/etc/x", b"x") + END),
    "truncated": crate_file("a")[:-40],
    "not an archive": b"<html>",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_crate_that_is_no_sound_archive_is_refused(name: str, store: Store) -> None:
    one = kept(store, "a", REFUSED[name])
    with pytest.raises(AsamanError) as refused:
        environments.prepare([one], store=store)
    assert "a-1.0.0.crate" in str(refused.value)
    assert refused.value.code is ExitCode.BAD_INPUT


def test_two_contents_of_one_name_and_version_are_refused(store: Store) -> None:
    one = kept(store, "a", crate_file("a"))
    other = kept(store, "a", crate_file("a", files={"src/lib.rs": b"//"}))
    with pytest.raises(AsamanError) as refused:
        environments.prepare([one, other], store=store)
    assert "two registries have it with different content" in str(refused.value)


def test_a_crate_that_the_store_lost_is_an_error_of_the_cache(store: Store) -> None:
    with pytest.raises(AsamanError) as refused:
        environments.prepare([crate("a", b"x")], store=store)
    assert refused.value.code is ExitCode.INPUT_OUTPUT
