"""Only two things together make a difference."""

import os
import socket


def members(folder):
    both = socket.gethostname() != "build" and os.environ["USER"] != "builder"
    return {"example.py": f"BOTH = {both}\n"}
