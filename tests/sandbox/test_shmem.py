"""Memory that no folder and no process shows is found where it can be hidden."""

from __future__ import annotations

import mmap
import os
import socket
import subprocess

from amrasaman_nox.sandbox import shmem

HERE = (os.getpid(),)
SIZE = 4 << 20


def in_memory() -> int:
    number = os.memfd_create("test")
    os.write(number, bytes(SIZE))
    return number


def test_a_process_that_shares_nothing_hides_nothing() -> None:
    number = in_memory()
    try:
        # It is open, and counts for who has it open.
        with subprocess.Popen(["sleep", "60"], pass_fds=[number]) as process:
            assert not shmem.may_hide((process.pid,))
            process.kill()
    finally:
        os.close(number)


def test_the_machine_says_what_is_in_use() -> None:
    assert shmem.in_use() > 0


def test_a_descriptor_on_its_way_is_found() -> None:
    here, there = socket.socketpair()
    with here, there:
        number = in_memory()
        socket.send_fds(here, [b"x"], [number])
        os.close(number)
        assert shmem.may_hide(HERE)
        _, (number,), *_ = socket.recv_fds(there, 1, 1)
        os.close(number)


def test_a_mapping_without_a_name_is_found() -> None:
    number = in_memory()
    with mmap.mmap(number, SIZE):
        os.close(number)
        assert shmem.may_hide(HERE)


def test_a_process_that_is_gone_hides_nothing() -> None:
    assert not shmem.may_hide((2**22 + 1,))
