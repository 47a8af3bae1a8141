"""What strangers send, changed at random: only :class:`AsamanError` may come of it.

``python -m tests.fuzz NAME [options of libFuzzer]`` runs one. Each starts from sound inputs; for
``tar_sdist`` gzip is left out, so that a changed byte reaches the tar behind it.
"""

from __future__ import annotations

import bz2
import configparser
import email.errors
import email.parser
import gzip
import importlib.metadata
import io
import lzma
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import records
from amrasaman_nox.archives.names import Subject
from amrasaman_nox.archives.zip import read_zip
from amrasaman_nox.build_lock.file import read_lock
from amrasaman_nox.comparison import nested
from amrasaman_nox.errors import AsamanError, printable
from amrasaman_nox.inputs.pylock import read_pylock
from amrasaman_nox.inputs.requirements import parse_requirements
from amrasaman_nox.model import (
    DEFAULT_SOURCE_DATE_EPOCH,
    BuildEnvironment,
    BuildRecord,
    Digest,
    IndexOptions,
    Interpreter,
    LockedFile,
    Pin,
    Source,
    Wheel,
)
from amrasaman_nox.sdists.build_system import build_system, check_requires
from amrasaman_nox.sdists.unpack import unpack
from amrasaman_nox.sources import access
from amrasaman_nox.wheels import headers
from amrasaman_nox.wheels.canonical import canonicalise
from amrasaman_nox.wheels.entry_points import script_names
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
            check_requires(build_system(info), info.filename)
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
    # RECORD is written again; all else is what it was.
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
    found = records.parse(data, "record")
    again = records.render(found).encode()
    assert records.parse(again, "record") == found, "a record does not read back to itself"


def metadata(data: bytes) -> None:
    found = headers.parse(data, "METADATA", Subject(what="demo.whl"))
    theirs = email.parser.HeaderParser().parsestr(data.decode())
    # flit_core 4.0 writes a description that no empty line is before; all readers agree on it.
    defects = {type(defect) for defect in theirs.defects}
    assert defects <= {email.errors.MissingHeaderBodySeparatorDefect}, f"email finds {defects}"
    for name in ("Name", "Version", "Requires-Dist", "Requires-Python", "Tag"):
        values = tuple(str(value).strip() for value in theirs.get_all(name, []))
        assert found.all(name) == values, f"a reader of email has other values of {name}"


def entry_points(data: bytes) -> None:
    scripts = script_names(data, Subject(what="demo.whl"))
    text = data.decode()
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(text)
    groups = ("console_scripts", "gui_scripts")
    theirs = {
        (group, name, value)
        for group in groups
        if parser.has_section(group)
        for name, value in parser.items(group)
    }
    found = importlib.metadata.EntryPoints._from_text_for(text, None)  # type: ignore[attr-defined]
    others = {(one.group, one.name, one.value) for one in found if one.group in groups}
    assert theirs == others, "two readers differ"
    assert sorted(scripts) == sorted(name for _, name, _ in theirs)
    assert all(Path(name).name == name for name in scripts)


def nested_archive(data: bytes) -> None:
    limit = 1 << 20
    try:
        found = nested.read(data, limit)
    except nested.UnreadableError as error:
        raise AsamanError("nested archive", str(error)) from None
    assert sum(len(member.data) for member in found) <= limit, "it expands beyond the limit"
    nested.differing_facts(found, nested.read(gzipped(data), 2 * limit + len(data)))
    nested.reordered(found, found[::-1])


def requirement_url(data: bytes) -> None:
    url = data.decode(errors="surrogateescape")
    secret = "s3cr3t-t0ken"
    before, _, after = url.partition("SECRET")
    url = f"{before}{secret}{after}"
    try:
        found = parse_requirements(
            f"demo @ {url} --hash={_HASH}\n", path="/nowhere/requirements.txt"
        )
        for pin in found.pins:
            access.check_url(pin.url or "", IndexOptions())
            _hides(url, secret, printable(pin.url or ""))
    except AsamanError as error:
        _hides(url, secret, "\n".join(error.lines()))
        raise


def _hides(url: str, secret: str, shown: str) -> None:
    """Check that what stands before an @, or in a query, is not shown."""
    before, _, after = url.partition(secret)
    if "://" in before and not any(one.isspace() for one in url):
        hidden = "@" in after or "?" in before.partition("://")[2]
        assert not (hidden and secret in shown), "a secret is shown"


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


_METADATA: Final = """Metadata-Version: 2.1
Name: demo
Version: 1.0
Author: =?utf-8?q?J=C3=BCrgen?= Jürgen
License: one
        two
Requires-Dist: other (>=1) ; extra == "a"
Requires-Python: >=3.8
Tag: py3-none-any

Name: body
""".encode()
_ENTRY_POINTS: Final = b"""# why
[console_scripts]
demo = demo.cli:main
demo-2 = demo.cli:App.run [more]

[pytest11]
x y: z = demo
"""
_BZIP2: Final = bz2.compress(gzip.decompress(sdist(*_TAR)))
_XZ: Final = lzma.compress(gzip.decompress(sdist(*_TAR)))
_URL: Final = b"https://user:SECRET@example.invalid:8/a/demo-1.0.tar.gz"
_URL_WITH_QUERY: Final = b"https://example.invalid/demo-1.0.tar.gz?token=SECRET"


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
    "metadata": (metadata, (_METADATA, _METADATA.replace(b"\n", b"\r\n"))),
    "entry_points": (entry_points, (_ENTRY_POINTS,)),
    "nested_archive": (
        nested_archive,
        (zipped(*_entries(_TOP)), gzip.decompress(sdist(*_TAR)), sdist(*_TAR), _BZIP2, _XZ),
    ),
    "requirement_url": (requirement_url, (_URL, _URL_WITH_QUERY)),
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
