"""The source date epoch is written as local time."""

import datetime
import os


def members(folder):
    value = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"])).isoformat()
    return {"example.py": f"VALUE = {value!r}\n"}
