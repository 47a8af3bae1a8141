"""The filter of system calls, run by a reader of its own: what each call gets, on each machine."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sandbox import system_calls
from amrasaman_nox.sandbox.system_calls import BOUNDED, CALLS, FAMILIES, MACHINES, SOCKETS, program

ALLOWED = 0
FOREIGN = 0xC0000028
#: Calls that builds need, by x86-64 and aarch64: read, write, execve, clone, openat, ptrace.
NEEDED = ((0, 63), (1, 64), (59, 221), (56, 220), (257, 56), (101, 117))


def refused(
    machine: str, call: int, argument: int = 0, second: int = 0, architecture: int | None = None
) -> int:
    """Return the error that the filter gives, 0 for none: an interpreter of classic BPF."""
    data = program(machine)
    lines = [struct.unpack_from("<HBBI", data, place) for place in range(0, len(data), 8)]
    arch = MACHINES[machine].architecture if architecture is None else architecture
    words = {0: call, 4: arch, 16: argument & 0xFFFFFFFF}
    words |= {24: second & 0xFFFFFFFF, 28: second >> 32}
    register, at = 0, 0
    while True:
        operation, true, false, operand = lines[at]
        at += 1
        if operation == 0x06:
            action, value = operand & 0xFFFF0000, operand & 0xFFFF
            assert action in (0x7FFF0000, 0x00050000)
            return ALLOWED if action == 0x7FFF0000 else value
        if operation == 0x20:
            register = words[operand]
        else:
            holds = register == operand if operation == 0x15 else register >= operand
            at += true if holds else false


machines = pytest.mark.parametrize("machine", MACHINES)


@machines
@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_the_table_gets_its_error(machine: str, name: str) -> None:
    *numbers, error = CALLS[name]
    assert refused(machine, numbers[MACHINES[machine].column]) == error


@machines
def test_calls_that_builds_need_are_allowed(machine: str) -> None:
    for numbers in NEEDED:
        assert refused(machine, numbers[MACHINES[machine].column]) == ALLOWED


@machines
@pytest.mark.parametrize("name", SOCKETS)
def test_sockets_are_of_four_families(machine: str, name: str) -> None:
    number = SOCKETS[name][MACHINES[machine].column]
    for family in FAMILIES:
        assert refused(machine, number, family) == ALLOWED
    for family in (socket.AF_PACKET, 40, 0, 65_535):
        assert refused(machine, number, family) == errno.EAFNOSUPPORT


@machines
@pytest.mark.parametrize("name", BOUNDED)
def test_what_belongs_to_no_process_is_small(machine: str, name: str) -> None:
    *numbers, most = BOUNDED[name]
    call = numbers[MACHINES[machine].column]
    assert [refused(machine, call, second=size) for size in (0, most)] == [ALLOWED, ALLOWED]
    for size in (most + 1, 1 << 32, (1 << 32) + 1, (1 << 64) - 1):
        assert refused(machine, call, second=size) == errno.EINVAL


@machines
def test_calls_of_another_architecture_and_of_x32_do_not_exist(machine: str) -> None:
    assert refused(machine, NEEDED[0][0], architecture=FOREIGN) == errno.ENOSYS
    assert refused(machine, 0x40000000) == errno.ENOSYS
    assert refused(machine, 0xFFFFFFFF) == errno.ENOSYS


def test_no_number_is_in_the_table_twice() -> None:
    for column in (0, 1):
        rows = (*CALLS.values(), *SOCKETS.values(), *BOUNDED.values())
        numbers = [row[column] for row in rows]
        assert len(numbers) == len(set(numbers))


def test_a_machine_without_a_table_is_not_available() -> None:
    with pytest.raises(AsamanError, match="riscv64") as caught:
        program("riscv64")
    assert caught.value.code is ExitCode.NOT_AVAILABLE


def test_a_machine_without_a_table_keeps_its_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    here = os.uname()
    name = os.uname_result((here.sysname, here.nodename, here.release, here.version, "riscv64"))
    monkeypatch.setattr(os, "uname", lambda: name)

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("the kernel is asked")

    monkeypatch.setattr("ctypes.CDLL", fail)
    system_calls.join_new_keyring()
