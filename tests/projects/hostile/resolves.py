"""Asks a name server, and looks for a way to the network."""
import os
import socket

import wheel


def ask():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(2)
        # A server of the test stands in for one that hears what the build knows.
        client.sendto(b"secret.example.org", ("127.0.0.1", int(os.environ["TARGET_UDP"])))
        return client.recv(100)


def resolve():
    return socket.getaddrinfo("example.org", 443)


def interfaces():
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def build(folder):
    attacks = (ask, interfaces) if os.environ["TARGET_RUNG"] == "none" else (ask, resolve, interfaces)
    return wheel.make(folder, wheel.worst(wheel.tried(attack) for attack in attacks))
