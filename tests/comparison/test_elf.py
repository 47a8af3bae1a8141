"""ELF files, made by the C compiler at hand: their sections, their differences, and damage."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.comparison.elf import MalformedElfError, needed, sections
from amrasaman_nox.comparison.wheels import compare_wheels
from amrasaman_nox.reports.wording import diff_text, difference_line
from tests.wheels.handmade import wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Difference

SOURCE = """
#include <stdio.h>
const char *where(void) { return __FILE__; }
int add(int left, int right) { return left + right; }
"""

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no gcc here")


def compiled(folder: Path, *flags: str, source: str = SOURCE) -> bytes:
    """Return the shared object made of *source* in *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "x.c").write_text(source)
    command = ["gcc", "-shared", "-fPIC", "-o", "x.so", *flags, str(folder / "x.c")]
    subprocess.run(command, cwd=folder, check=True)
    return (folder / "x.so").read_bytes()


def the_elf(ours: bytes, theirs: bytes) -> Difference:
    name = "demo/x.so"
    found = compare_wheels(
        io.BytesIO(wheel({name: ours})), io.BytesIO(wheel({name: theirs})), filename="x.whl"
    )
    return next(one for one in found if one.member == name)


def test_the_sections_are_those_that_were_compiled(tmp_path: Path) -> None:
    found = {section.name: section.data for section in sections(compiled(tmp_path, "-g"))}
    assert {".text", ".rodata", ".comment", ".note.gnu.build-id", ".debug_info"} <= set(found)
    assert str(tmp_path).encode() in found[".rodata"]


def test_compressed_debug_sections_are_read(tmp_path: Path) -> None:
    try:
        data = compiled(tmp_path, "-g", "-gz=zlib")
    except subprocess.CalledProcessError:
        pytest.skip("this compiler does not compress debug sections")
    assert str(tmp_path).encode() not in data.replace(str(tmp_path / "x.c").encode(), b"")
    names = [section.name for section in sections(data) if str(tmp_path).encode() in section.data]
    assert any(name.startswith(".debug") for name in names)


def test_the_folder_in_debug_information_and_build_id_is_named(tmp_path: Path) -> None:
    source = "int add(int left, int right) { return left + right; }\n"
    ours, theirs = (
        compiled(tmp_path / name, "-g", "-Wl,--build-id", source=source)
        for name in ("one", "other")
    )
    one = the_elf(ours, theirs)
    assert one.kind == "elf"
    assert ".note.gnu.build-id" in difference_line(one)
    assert ".debug" in difference_line(one)
    assert "one" in difference_line(one)
    assert "→" in difference_line(one)


def test_a_folder_in_an_assertion_is_named(tmp_path: Path) -> None:
    one = the_elf(*(compiled(tmp_path / name, "-s") for name in ("one", "two")))
    assert ".rodata" in difference_line(one)
    assert f"-{tmp_path}/one/x.c" in diff_text(one)
    assert f"+{tmp_path}/two/x.c" in diff_text(one)


def test_stripped_files_of_two_folders_are_the_same(tmp_path: Path) -> None:
    source = "int add(int left, int right) { return left + right; }\n"
    ours, theirs = (compiled(tmp_path / name, "-g", "-s", source=source) for name in ("a", "b"))
    assert ours == theirs


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\x7fELF" + bytes(100), b"MZ" + bytes(100)])
def test_what_is_no_elf_file_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedElfError):
        sections(data)


def test_no_damage_ends_in_another_exception(tmp_path: Path) -> None:
    data = compiled(tmp_path, "-g")
    chance = random.Random(1)
    for _ in range(400):
        broken = bytearray(data)
        # The headers are where offsets stand.
        for _ in range(4):
            place = chance.choice([chance.randrange(64), -chance.randrange(1, 2048)])
            broken[place] = chance.randrange(256)
        try:
            sections(bytes(broken))
        except MalformedElfError:
            continue


def test_a_damaged_elf_file_is_compared_as_bytes(tmp_path: Path) -> None:
    data = compiled(tmp_path)
    assert the_elf(data, data[: len(data) // 2]).kind == "bytes"


def test_the_libraries_that_a_file_needs_are_read_and_damage_needs_none(tmp_path: Path) -> None:
    source = "#include <math.h>\ndouble f(double x) { return sin(x); }\n"
    data = compiled(tmp_path, "-Wl,--no-as-needed", "-lm", source=source)
    assert {"libm.so.6", "libc.so.6"} >= set(needed(data)) >= {"libm.so.6"}
    assert needed(b"no ELF") == ()
    for cut in range(0, len(data), 997):
        assert set(needed(data[:cut])) <= set(needed(data))
