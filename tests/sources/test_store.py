from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.files import remove_tree
from amrasaman_nox.model import Digest
from amrasaman_nox.sources import store as store_module
from amrasaman_nox.sources.store import Store

from ..support import faults

if TYPE_CHECKING:
    from collections.abc import Iterator

DATA = b"the bytes of an sdist"
DIGEST = Digest.of(DATA)


def read(store: Store, digest: Digest = DIGEST) -> bytes | None:
    file = store.get(digest)
    if file is None:
        return None
    with file:
        return file.read()


def spoil(store: Store, data: bytes) -> None:
    path = store.path(DIGEST)
    path.chmod(0o600)
    path.write_bytes(data)


def left_over(store: Store) -> list[str]:
    return [
        str(path.relative_to(store.root))
        for name in ("incoming", "tmp")
        for path in (store.root / name).iterdir()
    ]


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_what_was_added_is_read_back(store: Store, algorithm: str) -> None:
    digest = Digest.of(DATA, algorithm)
    assert not store.has(digest)
    assert store.get(digest) is None
    store.add([DATA[:5], b"", DATA[5:]], digest)
    assert store.has(digest)
    assert read(store, digest) == DATA
    assert not left_over(store)


def test_adding_twice_changes_nothing(store: Store) -> None:
    store.add([DATA], DIGEST)
    before = store.path(DIGEST).stat()
    store.add([DATA], DIGEST)
    assert store.path(DIGEST).stat() == before


def test_an_entry_is_private_and_read_only_whatever_the_umask(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        store = Store.open(tmp_path / "a" / "b")
        store.add([DATA], DIGEST)
    finally:
        os.umask(former)
    assert store.root.stat().st_mode & 0o777 == 0o700
    assert store.path(DIGEST).stat().st_mode & 0o777 == 0o400
    assert store.path(DIGEST).parent.stat().st_mode & 0o777 == 0o700


def test_another_hash_leaves_nothing(store: Store) -> None:
    with pytest.raises(AsamanError) as caught:
        store.add([b"other"], DIGEST, name="attrs-25.3.0.tar.gz")
    assert caught.value.code == ExitCode.BAD_INPUT
    got = hashlib.sha256(b"other").hexdigest()
    assert str(caught.value) == (
        f"attrs-25.3.0.tar.gz: hash mismatch: expected {DIGEST}, got sha256:{got}"
    )
    assert not store.has(DIGEST)
    assert not left_over(store)


def test_too_many_bytes_are_refused_before_they_are_read(store: Store) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"\0" * 1000

    with pytest.raises(AsamanError, match="longer than 5000 bytes"):
        store.add(endless(), DIGEST, limit=5000)
    assert not left_over(store)


def test_an_error_of_the_bytes_source_is_passed_on_and_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.add(broken(), DIGEST)
    assert not store.has(DIGEST)
    assert not left_over(store)


@pytest.mark.parametrize(
    "damage",
    [DATA[:-1], bytes([DATA[0] ^ 1]) + DATA[1:], b"", DATA + b"\0"],
    ids=["truncated", "flipped", "empty", "longer"],
)
def test_a_damaged_entry_is_set_aside_and_can_be_added_again(store: Store, damage: bytes) -> None:
    store.add([DATA], DIGEST)
    spoil(store, damage)
    assert store.get(DIGEST) is None
    assert not store.has(DIGEST)
    assert [path.read_bytes() for path in (store.root / "quarantine").iterdir()] == [damage]
    store.add([DATA], DIGEST)
    assert read(store) == DATA


def test_a_damaged_entry_that_is_added_over_is_replaced(store: Store) -> None:
    store.add([DATA], DIGEST)
    spoil(store, b"damage")
    store.add([DATA], DIGEST)
    assert read(store) == DATA


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
def test_an_entry_that_is_no_regular_file_is_set_aside(
    store: Store, tmp_path: Path, kind: str
) -> None:
    path = store.path(DIGEST)
    other = tmp_path / "other"
    other.write_bytes(DATA)
    {
        "link": lambda: path.symlink_to(other),
        "dangling": lambda: path.symlink_to(tmp_path / "nowhere"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
    }[kind]()
    assert store.get(DIGEST) is None
    store.add([DATA], DIGEST)
    assert read(store) == DATA
    assert not path.is_symlink()


def test_what_is_read_is_the_file_that_was_hashed(store: Store, tmp_path: Path) -> None:
    store.add([DATA], DIGEST)
    file = store.get(DIGEST)
    assert file is not None
    evil = tmp_path / "evil"
    evil.write_bytes(b"evil")
    evil.replace(store.path(DIGEST))
    with file:
        assert file.read() == DATA


def test_a_file_that_cannot_be_read_counts_as_absent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.add([DATA], DIGEST)

    def broken(descriptor: int, size: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", broken)
        assert store.get(DIGEST) is None
    store.add([DATA], DIGEST)
    assert read(store) == DATA


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(AsamanError, match="writable by other users") as caught:
        Store.open(tmp_path)
    assert caught.value.code == ExitCode.NOT_AVAILABLE
    assert "chmod 700" in caught.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
def test_what_another_user_owns_is_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "cache")
    store.add([DATA], DIGEST)
    os.chown(store.path(DIGEST), 12345, 12345)
    with pytest.raises(AsamanError, match="user 12345") as caught:
        store.get(DIGEST)
    assert caught.value.code == ExitCode.NOT_AVAILABLE
    os.chown(store.root, 12345, 12345)
    with pytest.raises(AsamanError, match="user 12345") as caught:
        Store.open(store.root)
    assert caught.value.code == ExitCode.NOT_AVAILABLE


def test_a_folder_of_the_store_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache" / "files").symlink_to(tmp_path)
    with pytest.raises(AsamanError, match="not a folder"):
        Store.open(tmp_path / "cache")


def test_a_root_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AsamanError) as caught:
        Store.open(tmp_path / "file" / "cache")
    assert caught.value.code == ExitCode.INPUT_OUTPUT
    assert str(tmp_path) in caught.value.what


def test_a_root_that_no_virtual_environment_can_be_in_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match="its path contains :") as caught:
        Store.open(tmp_path / "a:b")
    assert caught.value.code == ExitCode.BAD_INPUT
    assert not list(tmp_path.iterdir())


def test_values_are_replaced_as_a_whole(store: Store) -> None:
    assert store.get_value("records", "key") is None
    store.put_value("records", "key", b"one")
    store.put_value("records", "key", b"two\nlines")
    store.put_value("records", "../a key/with:everything", b"three")
    assert store.get_value("records", "key") == b"two\nlines"
    assert store.get_value("records", "../a key/with:everything") == b"three"
    assert len(list((store.root / "values" / "records").iterdir())) == 2
    assert not left_over(store)


@pytest.mark.parametrize("damage", [b"", b"one", b"0\none"])
def test_a_damaged_value_counts_as_absent(store: Store, damage: bytes) -> None:
    store.put_value("records", "key", b"one")
    (store.root / "values" / "records" / "key").write_bytes(damage)
    assert store.get_value("records", "key") is None
    store.put_value("records", "key", b"two")
    assert store.get_value("records", "key") == b"two"


def test_one_holder_at_a_time_has_a_lock(store: Store) -> None:
    inside, most = [0], [0]

    def work() -> None:
        with store.lock("key", timeout=30):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_waiting_for_a_lock_is_said_once_and_ends(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_PATIENCE", 0.05)
    said: list[str] = []
    with store.lock("key", timeout=1), pytest.raises(AsamanError, match="lock key") as caught:  # noqa: SIM117
        with store.lock("key", timeout=0.3, notify=said.append):
            pass
    assert caught.value.code == ExitCode.INPUT_OUTPUT
    assert said == ["waiting for another run to finish with key"]
    with store.lock("key", timeout=0):
        pass


def test_different_keys_do_not_wait_for_each_other(store: Store) -> None:
    with store.lock("one", timeout=0), store.lock("two", timeout=0):
        pass


HOLDER = """
import sys, time
from pathlib import Path
from amrasaman_nox.sources.store import Store
store = Store.open(Path(sys.argv[1]))
with store.lock("key", timeout=0), store.temporary("left-") as folder:
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_text("x")
    (folder / "deep").chmod(0o500)
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_run_leaves_is_free_and_swept(store: Store) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store.root)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        store.sweep()
        assert (folder / "deep" / "file").exists()
        with pytest.raises(AsamanError), store.lock("key", timeout=0):
            pass
        holder.send_signal(signal.SIGKILL)
    with store.lock("key", timeout=0):
        pass
    assert folder.exists()
    store.sweep()
    assert not left_over(store)


def test_sweeping_leaves_what_is_being_written(store: Store) -> None:
    def chunks() -> Iterator[bytes]:
        yield DATA[:3]
        store.sweep()
        yield DATA[3:]

    store.add(chunks(), DIGEST)
    assert read(store) == DATA


def test_a_temporary_folder_is_private_and_gone_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.temporary("build-") as folder:  # noqa: PT012
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.name.startswith("build-")
        (folder / "file").write_text("x")
        raise ZeroDivisionError
    assert not left_over(store)


def test_a_tree_is_removed_however_deep_and_whatever_its_modes(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (top / "link").symlink_to(outside)
    (top / "shut").mkdir()
    (top / "shut" / "file").write_text("x")
    (top / "shut" / "link").symlink_to(outside)
    (top / "shut").chmod(0)
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deeper", dir_fd=descriptor)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    remove_tree(top)
    assert not top.exists()
    assert (outside / "kept").read_text() == "kept"


def test_removing_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    remove_tree(tmp_path / "nothing")


def small_run(root: Path) -> None:
    store = Store.open(root)
    store.add([DATA[:4], DATA[4:]], DIGEST)
    with store.temporary("run-"):
        pass
    store.put_value("records", "key", b"value")
    assert read(store) == DATA


def operations() -> int:
    """How many operations on the file system a small run takes; some more are tried."""
    return 60


def check_invariants(root: Path) -> None:
    """Hold what is visible against its hash, then run again, undisturbed."""
    files = root / "files" / "sha256"
    if files.is_dir():
        for path in files.iterdir():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    store = Store.open(root)
    assert store.get_value("records", "key") in {None, b"value"}
    small_run(root)
    store.sweep()
    assert not left_over(store)
    assert store.get_value("records", "key") == b"value"


def test_the_faults_cover_a_whole_run(tmp_path: Path) -> None:
    with faults.counted() as names:
        small_run(tmp_path / "cache")
    assert len(names) < operations()
    assert {"open", "write", "read", "fsync", "link", "rename", "unlink", "mkdir"} <= set(names)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=errno.errorcode.get)
def test_an_operation_that_fails_is_one_line_and_loses_nothing(tmp_path: Path, number: int) -> None:
    errors = []
    for at in range(1, operations()):
        root = tmp_path / str(at)
        try:
            with faults.counted(faults.failing(number), at):
                small_run(root)
        except AsamanError as error:
            errors.append(error)
        except AssertionError:
            assert number == errno.EIO, "only a read error may make an entry count as absent"
        check_invariants(root)
    assert len(errors) > 10
    assert {error.code for error in errors} == {ExitCode.INPUT_OUTPUT}
    assert {error.why for error in errors} == {os.strerror(number)}
    assert all(str(tmp_path) in error.what for error in errors)


def test_a_kill_at_any_operation_loses_nothing(tmp_path: Path) -> None:
    killed = 0
    for at in range(1, operations()):
        root = tmp_path / str(at)
        killed += faults.killed_at(at, lambda root=root: small_run(root))  # type: ignore[misc]
        root.mkdir(mode=0o700, exist_ok=True)
        check_invariants(root)
    assert killed > 20


def test_bytes_are_flushed_before_they_are_visible_and_their_folder_after(store: Store) -> None:
    with faults.counted() as names:
        store.add([DATA], DIGEST)
    link = names.index("link")
    assert "fsync" in names[:link]
    assert "fsync" in names[link:]
    with faults.counted() as names:
        store.put_value("records", "key", b"value")
    rename = names.index("rename")
    assert "fsync" in names[:rename]
    assert "fsync" in names[rename:]
