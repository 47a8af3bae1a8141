"""Wheels with something slipped in, as an attacker on an index would do it: sound, but other."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Contents = dict[str, bytes]


def changed_byte(contents: Contents) -> None:
    """Change one byte of the largest module."""
    name = max((one for one in contents if one.endswith(".py")), key=lambda one: len(contents[one]))
    data = contents[name]
    middle = len(data) // 2
    contents[name] = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def added_file(contents: Contents) -> None:
    """Add a file that Python reads at every start."""
    contents["zz_startup.pth"] = b"import this\n"


def entry_point(contents: Contents) -> None:
    """Point a command elsewhere, or add one."""
    name = f"{info_of(contents)}/entry_points.txt"
    text = contents.get(name, b"").decode()
    line = "demo-command = this:evil\n"
    section = "[console_scripts]\n"
    text = text.replace(section, section + line) if section in text else text + section + line
    contents[name] = text.encode()


def info_of(contents: Contents) -> str:
    return next(name for name in contents if name.endswith(".dist-info/WHEEL")).split("/")[0]


#: What is done to a wheel, by name.
TAMPERINGS: dict[str, Callable[[Contents], None]] = {
    "changed byte": changed_byte,
    "added file": added_file,
    "entry point": entry_point,
}


def tampered(wheel: bytes, change: Callable[[Contents], None], *, mend: bool = True) -> bytes:
    """Return *wheel* with *change* made to it; with *mend*, its RECORD agrees again."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        contents = {name: archive.read(name) for name in infos}
    change(contents)
    if mend:
        _mend(contents)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        template = next(iter(infos.values()))
        for name, data in contents.items():
            info = zipfile.ZipInfo(name, infos.get(name, template).date_time)
            info.external_attr = infos.get(name, template).external_attr
            info.compress_type = infos.get(name, template).compress_type
            archive.writestr(info, data)
    return buffer.getvalue()


def _mend(contents: Contents) -> None:
    record = f"{info_of(contents)}/RECORD"
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    for name, data in contents.items():
        if name != record and not name.endswith("/"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.writerow((name, f"sha256={digest}", len(data)))
    rows.writerow((record, "", ""))
    contents[record] = text.getvalue().encode()
