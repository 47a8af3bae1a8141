"""Kills its parents and everybody that it can reach."""
import os
import signal

import wheel


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def build(folder):
    for pid in (1, os.getppid(), -1):
        wheel.tried(kill, pid)
    return wheel.make(folder, "stopped: still there")
