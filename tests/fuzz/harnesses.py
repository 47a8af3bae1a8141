"""What strangers send, changed at random: only :class:`AsamanError` may come of it.

``python -m tests.fuzz NAME [options of libFuzzer]`` runs one. Each starts from sound inputs; for
``tar_sdist`` gzip is left out, so that a changed byte reaches the tar behind it.
"""

from __future__ import annotations

import gzip
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import records
from amrasaman_nox.archives.names import Subject
from amrasaman_nox.archives.zip import read_zip
from amrasaman_nox.build_lock.file import read_lock
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.pylock import read_pylock
from amrasaman_nox.inputs.requirements import parse_requirements
from amrasaman_nox.model import (
    DEFAULT_SOURCE_DATE_EPOCH,
    BuildEnvironment,
    BuildRecord,
    Digest,
    Interpreter,
    LockedFile,
    Pin,
    Source,
    Wheel,
)
from amrasaman_nox.sdists.build_system import build_system
from amrasaman_nox.sdists.unpack import unpack
from amrasaman_nox.wheels.canonical import canonicalise
from amrasaman_nox.wheels.reader import read_wheel
from tests.support.archives import (
    FILENAME,
    Entry,
    folder,
    gzipped,
    link,
    pax,
    sdist,
    tar_member,
    wheel,
    zipped,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_TOP: Final = "demo-1.0"
_HASH: Final = "sha256:" + "0" * 64


def _unpacked(data: bytes, filename: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        out = Path(made) / "out"
        out.mkdir(mode=0o700)
        try:
            info = unpack(io.BytesIO(data), filename, out, mtime=DEFAULT_SOURCE_DATE_EPOCH)
            build_system(info)
        finally:
            written = [path.name for path in Path(made).iterdir()]
            assert written == ["out"], "something was written outside"
            for path in out.rglob("*"):
                assert path.resolve().is_relative_to(out.resolve()), "a link leads outside"


def tar_sdist(data: bytes) -> None:
    _unpacked(gzipped(data), f"{_TOP}.tar.gz")


def gzip_sdist(data: bytes) -> None:
    _unpacked(data, f"{_TOP}.tar.gz")


def zip_sdist(data: bytes) -> None:
    _unpacked(data, f"{_TOP}.zip")


def zip_framing(data: bytes) -> None:
    archive = read_zip(io.BytesIO(data), Subject(what="demo.zip"), lenient=True)
    for member in archive.members:
        for _ in archive.pieces(member):
            pass


def whole_wheel(data: bytes) -> None:
    content = read_wheel(io.BytesIO(data), FILENAME)
    made = io.BytesIO()
    epoch = DEFAULT_SOURCE_DATE_EPOCH
    canonicalise(io.BytesIO(data), FILENAME, made, epoch=epoch)
    again = io.BytesIO()
    _, passes = canonicalise(io.BytesIO(made.getvalue()), FILENAME, again, epoch=epoch)
    assert made.getvalue() == again.getvalue(), "a canonical wheel is not the same twice"
    assert not passes
    # RECORD is written anew; all else is what it was.
    ours = {one.name: one.sha256 for one in read_wheel(made, FILENAME).members}
    theirs = {one.name: one.sha256 for one in content.members}
    record = f"{content.dist_info}/RECORD"
    assert ours.keys() <= theirs.keys()
    assert all(theirs[name] == digest for name, digest in ours.items() if name != record)


def requirements(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    parse_requirements(text, path="/nowhere/requirements.txt")


def pylock(data: bytes) -> None:
    read_pylock(_written("pylock.toml", data))


def build_lock(data: bytes) -> None:
    read_lock(_written("requirements.build-lock.toml", data))


def record(data: bytes) -> None:
    records.render(records.parse(data, "record"))


def _written(name: str, data: bytes) -> Path:
    path = Path(tempfile.gettempdir()) / name
    path.write_bytes(data)
    return path


# Sound inputs to start from

_TAR: Final = (
    tar_member(f"{_TOP}/pyproject.toml", b'[build-system]\nrequires = ["x>=1"]\n'),
    folder(f"{_TOP}/src"),
    pax((b"path", f"{_TOP}/src/\u00e9.py".encode())) + tar_member("x", b"x" * 30),
    link(f"{_TOP}/l", "setup.py"),
)
_PKG_INFO: Final = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
_REQUIREMENTS: Final = (
    f"""--index-url https://example.invalid/simple
Demo[a,b]==1.0 ; python_version >= "3.8" and sys_platform == "linux" \\
    --hash={_HASH} \\
    --hash={_HASH[:-1]}1  # why
-c constraints.txt
other @ https://example.invalid/other-1.tar.gz#{_HASH.replace(":", "=")}
"""
).encode()
_PYLOCK: Final = f"""lock-version = "1.0"
created-by = "x"
requires-python = ">=3.8"
[[packages]]
name = "demo"
version = "1.0"
marker = "python_version > '3'"
[packages.sdist]
url = "https://example.invalid/demo-1.0.tar.gz"
hashes = {{ sha256 = "{_HASH[7:]}" }}
[[packages.wheels]]
url = "https://example.invalid/demo-1.0-py3-none-any.whl"
hashes = {{ sha256 = "{_HASH[7:]}" }}
""".encode()
_LOCK: Final = f"""build-lock-version = 1
[[sources]]
name = "demo"
version = "1.0"
sdist = "{_HASH}"
interpreter = "cpython-3.11-linux-x86_64"
as-of = 2024-01-01T00:00:00Z
static = ["x>=1"]
dynamic = []
files = [{{ name = "x-1-py3-none-any.whl", hash = "{_HASH}" }}]
""".encode()


def _record() -> bytes:
    digest = Digest.of(b"x")
    pin = Pin(name="demo", version="1.0", digests=(digest,))
    wheel_value = Wheel(filename=FILENAME, digest=digest, content_digest=digest, size=1)
    source = Source(pin=pin, filename="demo-1.0.tar.gz", digest=digest)
    interpreter = Interpreter(
        executable="/usr/bin/python",
        implementation="cpython",
        version="3.11.7",
        platform="linux_x86_64",
        prefix="",
        shown=(),
        hidden=(),
        markers=(),
        tags=(),
        digest=digest,
    )
    made = BuildRecord(
        name="demo",
        version="1.0",
        wheel=wheel_value,
        source=source,
        key="k",
        requirements=(LockedFile(filename=FILENAME, digest=digest),),
        interpreter=interpreter,
        environment=BuildEnvironment(),
        isolation="full",
        backend="backend",
        started=datetime(2024, 1, 1, tzinfo=UTC),
    )
    return records.render(made).encode()


def _entries(top: str) -> tuple[Entry, ...]:
    return (Entry(f"{top}/PKG-INFO", _PKG_INFO), Entry(f"{top}/setup.py", b"x" * 40, method=8))


#: The harnesses by name, each with inputs to start from.
HARNESSES: Final[dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]]] = {
    "tar_sdist": (tar_sdist, (gzip.decompress(sdist(*_TAR)),)),
    "gzip_sdist": (gzip_sdist, (sdist(*_TAR), sdist())),
    "zip_sdist": (zip_sdist, (zipped(*_entries(_TOP)),)),
    "zip_framing": (zip_framing, (zipped(*_entries(_TOP)), wheel())),
    "wheel": (whole_wheel, (wheel(), wheel(Entry("demo/x.py", b"x" * 90, method=8)))),
    "requirements": (requirements, (_REQUIREMENTS,)),
    "pylock": (pylock, (_PYLOCK,)),
    "build_lock": (build_lock, (_LOCK,)),
    "record": (record, (_record(),)),
}


def attempt(name: str, data: bytes) -> bool:
    """Give *data* to a harness; return whether it was accepted. What it raises is a bug."""
    try:
        HARNESSES[name][0](data)
    except AsamanError as error:
        lines = error.lines()
        assert lines, "an error without a message"
        assert all(line.isprintable() for line in lines), "a message that is not printable"
        return False
    return True
