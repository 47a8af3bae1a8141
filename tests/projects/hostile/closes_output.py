"""Closes all of its streams, so that its end cannot be told from them."""
import os

import wheel


def build(folder):
    for number in (0, 1, 2):
        os.close(number)
    return wheel.make(folder, "stopped: nobody waits for a stream")
