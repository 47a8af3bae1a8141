"""Memory that the kernel holds for processes is found where it can be much."""

from __future__ import annotations

import os
import socket
import subprocess

from amrasaman_nox.sandbox import kernel_memory

HERE = (os.getpid(),)


def test_the_machine_says_what_its_kernel_holds() -> None:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < kernel_memory.in_use() < pages


def test_a_process_without_sockets_has_little() -> None:
    with subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL) as process:
        assert kernel_memory.may_hold((process.pid,)) < 64 << 20
        process.kill()


def test_each_socket_and_each_pipe_can_hold_some() -> None:
    before = kernel_memory.may_hold(HERE)
    here, there = socket.socketpair()
    with here, there:
        between = kernel_memory.may_hold(HERE)
        ends = os.pipe()
        after = kernel_memory.may_hold(HERE)
    for end in ends:
        os.close(end)
    assert before < between < after


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert kernel_memory.may_hold((2**22 + 1,)) == 0
