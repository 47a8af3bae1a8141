"""Computes without end, and says so."""
import time


def build(folder):
    while True:
        if not int(time.monotonic() * 100) % 10:
            print("busy", flush=True)
