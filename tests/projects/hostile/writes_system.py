"""Writes to the system: its folders, the kernel's settings, the interpreter."""
import os
import sys

import wheel

KERNEL = ("core_pattern", "hostname", "modprobe", "sysrq")


def writable(path):
    os.close(os.open(path, os.O_WRONLY))
    return path


def folder_writable(path):
    return path if os.access(path, os.W_OK) else ""


def build(folder):
    files = [f"/proc/sys/kernel/{name}" for name in KERNEL]
    files += ["/proc/sysrq-trigger", "/proc/sys/user/max_user_namespaces", "/etc/passwd"]
    files += [os.path.realpath(sys.executable)]
    folders = ("/", "/usr", "/etc", "/usr/bin", "/build", "/sys", os.path.dirname(os.__file__))
    outcomes = [wheel.tried(writable, path) for path in files]
    outcomes += [wheel.tried(folder_writable, path) for path in folders]
    return wheel.make(folder, wheel.worst(outcomes))
