"""Takes memory without end, in as many processes as it is told."""
import os
import time


def build(folder):
    for _ in range(int(os.environ["TARGET_COUNT"]) - 1):
        if not os.fork():
            break
    taken = []
    while True:
        taken.append(os.urandom(1 << 20) * 8)
        time.sleep(0.05)
