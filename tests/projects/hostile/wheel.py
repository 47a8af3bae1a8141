"""What every hostile backend here shares: it can make a good wheel, and say what it reached."""

import base64
import hashlib
import os
import zipfile

NAME = "hostile-1.0-py3-none-any.whl"


def make(folder, outcome="", name=NAME):
    """Write a valid wheel into *folder*; *outcome* goes into its module. Return its file name."""
    files = {
        "hostile.py": f"OUTCOME = {outcome!r}\n",
        "hostile-1.0.dist-info/METADATA": "Metadata-Version: 2.2\nName: hostile\nVersion: 1.0\n",
        "hostile-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: hostile\n"
        "Root-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in files.items():
            data = text.encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(data)}\n"
            archive.writestr(path, data)
        archive.writestr("hostile-1.0.dist-info/RECORD", record + "hostile-1.0.dist-info/RECORD,,\n")
    return name


def tried(attack, *arguments):
    """Return ``reached`` where *attack* went through, else ``stopped``; either way with details."""
    try:
        found = attack(*arguments)
    except OSError as error:
        return f"stopped: {error}"
    return f"reached: {found!r}" if found else "stopped: nothing there"


def worst(outcomes):
    """Return the outcomes that went through, or all of them where none did."""
    outcomes = list(outcomes)
    reached = [outcome for outcome in outcomes if outcome.startswith("reached")]
    return "; ".join(reached or outcomes)
