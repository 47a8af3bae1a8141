"""Closes its streams, says nothing and never ends."""
import os
import time


def build(folder):
    for number in (0, 1, 2):
        os.close(number)
    time.sleep(600)
