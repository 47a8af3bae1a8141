"""Writes without end: to its folders, in memory, to files without a name or nobody may read."""
import os
import tempfile


def fill(file):
    while True:
        file.write(bytes(8 << 20))
        file.flush()


def build(folder):
    place, way = os.environ["TARGET_PLACE"].split(":")
    base = {"output": folder, "source": os.getcwd(), "temporary": tempfile.gettempdir()}[place]
    try:
        if way == "unnamed":
            with tempfile.TemporaryFile(dir=base) as file:
                fill(file)
        if way == "hidden":
            base = tempfile.mkdtemp(dir=base)
            with open(os.path.join(base, "bomb"), "wb") as file:
                os.chmod(base, 0)
                fill(file)
        if way == "small":
            number = 0
            while True:
                number += 1
                with open(os.path.join(base, str(number)), "wb") as file:
                    file.write(bytes(4096))
        with open(os.path.join(base, "bomb"), "wb") as file:
            fill(file)
    except OSError:
        # A limit that is named ends this; a full disk would not.
        import time

        time.sleep(60)
