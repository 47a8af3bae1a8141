"""The version file holds the number that the build service gives."""

import os


def members(folder):
    number = os.environ.get("BUILD_NUMBER", "0")
    return {"example/_version.py": f'VERSION = "1.0+{number}"\n'}
