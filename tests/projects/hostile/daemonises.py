"""Leaves a daemon behind that has no tie to its parents and changes the wheel afterwards."""
import os
import sys
import time

import wheel

DAEMON = """
import sys, time
path = sys.argv[1]
time.sleep(0.5)
for _ in range(100):
    time.sleep(0.1)
    with open(path, "ab") as file:
        file.write(b"changed")
"""


def build(folder):
    name = wheel.make(folder)
    if not os.fork():
        os.setsid()
        if not os.fork():
            null = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            path = os.path.join(folder, name)
            os.execv(sys.executable, [sys.executable, "-c", DAEMON, path, os.environ["TARGET_TOKEN"]])
        os._exit(0)
    os.wait()
    time.sleep(0.1)
    return name
