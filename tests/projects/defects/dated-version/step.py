"""The version file holds the day of the build."""

import time


def members(folder):
    return {"example/_version.py": f'VERSION = "1.0.{time.strftime("%Y%m%d")}"\n'}
