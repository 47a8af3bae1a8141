"""A .pyc holds the modification time of its source."""

import py_compile


def members(folder):
    py_compile.compile(
        str(folder / "example.py"),
        cfile=str(folder / "example.pyc"),
        dfile="example.py",
        invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP,
    )
    return {"example.pyc": (folder / "example.pyc").read_bytes()}
