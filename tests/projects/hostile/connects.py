"""Opens a connection to a service of the host, by TCP and by sockets with a name."""
import os
import socket

import wheel


def tcp():
    with socket.create_connection(("127.0.0.1", int(os.environ["TARGET_PORT"])), 2):
        return "TCP"


def unix(name):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(name)
        return name


def build(folder):
    names = (b"\0" + os.environ["TARGET_ABSTRACT"].encode(), os.environ["TARGET_SOCKET"])
    outcomes = [wheel.tried(tcp), *(wheel.tried(unix, name) for name in names)]
    return wheel.make(folder, wheel.worst(outcomes))
