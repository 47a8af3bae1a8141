"""Prints without end."""
import sys


def build(folder):
    while True:
        sys.stdout.write("y\n" * 10000)
