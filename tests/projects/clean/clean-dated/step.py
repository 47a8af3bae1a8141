"""The date is that of SOURCE_DATE_EPOCH, in UTC."""

import datetime
import os


def members(folder):
    moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)
    return {"example.py": f"MADE = {moment.isoformat()!r}\n"}
