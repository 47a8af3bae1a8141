"""The encoding of the locale is written into a module."""

import locale


def members(folder):
    value = locale.setlocale(locale.LC_CTYPE, "")
    return {"example.py": f"VALUE = {value!r}\n"}
