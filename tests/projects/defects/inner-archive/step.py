"""An archive inside the wheel keeps times and owners."""

import io
import tarfile


def members(folder):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add("step.py")
    return {"example/data.tar.gz": packed.getvalue()}
