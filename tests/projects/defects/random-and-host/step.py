"""Two causes at once, in two modules, one of them random."""

import os
import socket


def members(folder):
    return {
        "key.py": f"KEY = {os.urandom(8).hex()!r}\n",
        "host.py": f"HOST = {socket.gethostname()!r}\n",
    }
