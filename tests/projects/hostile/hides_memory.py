"""Takes memory without end where no process and no folder shows it."""
import ctypes
import mmap
import os
import socket
import time

import wheel

PIECE = 8 << 20


def build(folder):
    return globals()[os.environ["TARGET_PLACE"]](folder)


def in_memory(kept):
    """Return the number of a new file in memory, which no folder has."""
    number = os.memfd_create("hidden")
    os.write(number, bytes(PIECE))
    kept.append(number)
    time.sleep(0.02)
    return number


def in_flight(folder):
    here, there = socket.socketpair()
    sockets = [(here, there)]
    while True:
        number = in_memory([])
        try:
            here.setblocking(False)
            socket.send_fds(here, [b"x"], [number])
        except OSError:
            here, there = socket.socketpair()
            sockets.append((here, there))
        os.close(number)


def mapped(folder):
    kept = []
    while True:
        number = in_memory([])
        kept.append(mmap.mmap(number, PIECE))
        os.close(number)


def entries(folder):
    for number in range(10**9):
        os.close(os.open(f"/tmp/{number}", os.O_CREAT | os.O_WRONLY))


def sockets(folder):
    kept = []
    while True:
        here, there = socket.socketpair()
        kept += [here, there]
        here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)
        here.setblocking(False)
        try:
            while here.send(bytes(100_000)):
                pass
        except BlockingIOError:
            time.sleep(0.02)


def segments(folder):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    libc.shmat.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
    size, taken = 64 << 10, 0
    assert libc.shmget(0, ctypes.c_size_t(size + 1), 0o1600) < 0
    assert libc.semget(0, 33, 0o1600) < 0
    while True:
        number = libc.shmget(0, ctypes.c_size_t(size), 0o1600)
        if number < 0:
            break
        address = libc.shmat(number, None, 0)
        ctypes.memset(address, 1, size)
        libc.shmdt(ctypes.c_void_p(address))
        taken += size
    return wheel.make(folder, f"{'stopped' if taken <= 256 << 20 else 'reached'}: {taken} bytes")
