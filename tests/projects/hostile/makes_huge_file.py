"""Makes one file of a terabyte that holds nothing."""
import os


def build(folder):
    with open(os.path.join(folder, "sparse"), "wb") as file:
        file.truncate(1 << 40)
