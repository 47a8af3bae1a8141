"""Finds a process of the host, signals it and looks into it."""
import os

import wheel


def signal(pid):
    os.kill(pid, 0)
    return "signal"


def look(pid):
    return os.listdir(f"/proc/{pid}/fd")


def build(folder):
    pid = int(os.environ["TARGET_PID"])
    return wheel.make(folder, wheel.worst(wheel.tried(attack, pid) for attack in (signal, look)))
