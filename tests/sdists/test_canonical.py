"""Sdists in canonical form."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.sdists.canonical import passes_of, write_sdist

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


EPOCH = 1309379017


def made(change: Callable[[tarfile.TarInfo], None] = lambda member: None, *, reverse: bool = False):
    """Return a small archive in canonical form but for one change."""
    file = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=EPOCH) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(("p-1", "p-1/a.py", "p-1/b.py"), reverse=reverse):
            member = tarfile.TarInfo(name)
            member.type = tarfile.REGTYPE if name.endswith(".py") else tarfile.DIRTYPE
            member.mode = 0o644 if member.isreg() else 0o755
            member.mtime = EPOCH
            change(member)
            archive.addfile(member, io.BytesIO(b""))
    return file.getvalue()


def set_to(name: str, value: object) -> Callable[[tarfile.TarInfo], None]:
    return lambda member: setattr(member, name, value)


@pytest.mark.parametrize(
    ("raw", "passes"),
    [
        (made(), ()),
        (made(set_to("mtime", 1)), ("member-times", "compression")),
        (made(set_to("uid", 1000)), ("member-owners", "compression")),
        (made(set_to("uname", "me")), ("member-owners", "compression")),
        (made(set_to("mode", 0o775)), ("member-modes", "compression")),
        (made(reverse=True), ("member-order", "compression")),
        (gzip.compress(gzip.decompress(made()), 1, mtime=1), ("compression",)),
    ],
)
def test_each_pass_that_changed_something_is_named(raw: bytes, passes: tuple[str, ...]) -> None:
    assert passes_of(io.BytesIO(raw), made()) == passes


def test_a_tree_is_written_in_one_form_whatever_its_times_and_modes(tmp_path: Path) -> None:
    contents = []
    for number, mode in enumerate((0o600, 0o664)):
        tree = tmp_path / str(number)
        for name in ("b.py", "a.py") if number else ("a.py", "b.py"):
            tree.mkdir(exist_ok=True)
            (tree / name).write_text(name)
            (tree / name).chmod(mode)
        (tree / "link").symlink_to("a.py")
        written = io.BytesIO()
        write_sdist(tree, "p-1", written, EPOCH)
        contents.append(written.getvalue())
    assert contents[0] == contents[1]
    with tarfile.open(fileobj=io.BytesIO(contents[0])) as archive:
        assert archive.getnames() == ["p-1", "p-1/a.py", "p-1/b.py", "p-1/link"]
        assert {member.mtime for member in archive.getmembers()} == {EPOCH}
