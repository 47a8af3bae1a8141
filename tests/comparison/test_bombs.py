"""What readers and comparisons of small bombs take: little memory, and one line as the outcome."""

from __future__ import annotations

import io
import zipfile

import pytest

from amrasaman_nox.comparison.elf import MalformedElfError, sections
from amrasaman_nox.comparison.wheels import compare_wheels, verdict_of
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Comparison, Report, Verdict
from amrasaman_nox.reports import html, json, markdown, table
from amrasaman_nox.reports.wording import difference_line
from amrasaman_nox.sdists.reader import read_sdist
from amrasaman_nox.verification.explain import explain
from amrasaman_nox.wheels.reader import read_wheel
from tests.support import bombs
from tests.wheels.handmade import wheel

MOST = 48 << 20
NESTED = {
    "zip, deflated": lambda: bombs.zip_bomb(zipfile.ZIP_DEFLATED),
    "zip, bzip2": lambda: bombs.zip_bomb(zipfile.ZIP_BZIP2),
    "zip, lzma": lambda: bombs.zip_bomb(zipfile.ZIP_LZMA),
    "gzip": bombs.gzip_bomb,
    "bzip2": bombs.bzip2_bomb,
    "xz": bombs.xz_bomb,
    "elf": bombs.elf_bomb,
}


def pair_of(bomb: bytes) -> tuple[bytes, bytes]:
    """Return two wheels that differ by one byte of a bomb, somewhere at its end."""
    other = bomb[:-1] + bytes([bomb[-1] ^ 1])
    return wheel({"demo/bomb": bomb}, stored=True), wheel({"demo/bomb": other}, stored=True)


@pytest.mark.parametrize("name", NESTED)
def test_comparing_a_bomb_in_a_wheel_takes_little_memory_and_gives_one_line(name: str) -> None:
    ours, theirs = pair_of(NESTED[name]())  # type: ignore[operator]
    found, peak = bombs.peak_of(
        lambda: compare_wheels(io.BytesIO(ours), io.BytesIO(theirs), filename="x.whl")
    )
    assert peak < MOST
    assert verdict_of(found) is Verdict.DIFFERENT
    (one,) = (one for one in found if one.member == "demo/bomb")
    assert difference_line(one).startswith("from offset ")
    assert "\n" not in difference_line(one)


def test_comparing_a_bomb_inside_of_an_archive_in_a_wheel_takes_little_memory() -> None:
    def nested(bomb: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(zipfile.ZipInfo("inner"), bomb)
        return buffer.getvalue()

    bomb = bombs.zip_bomb(zipfile.ZIP_BZIP2)
    ours, theirs = (wheel({"demo/a": nested(one)}) for one in (bomb, bomb[:-1] + b"\1"))
    found, peak = bombs.peak_of(
        lambda: compare_wheels(io.BytesIO(ours), io.BytesIO(theirs), filename="x.whl")
    )
    assert peak < MOST
    assert verdict_of(found) is Verdict.DIFFERENT


def test_millions_of_empty_lines_in_a_packed_text_take_little_memory() -> None:
    ours, theirs = (wheel({"demo/a.gz": bombs.newlines(size)}) for size in (7 << 20, 8 << 20))
    found, peak = bombs.peak_of(
        lambda: compare_wheels(io.BytesIO(ours), io.BytesIO(theirs), filename="x.whl")
    )
    assert peak < MOST
    assert verdict_of(found) is Verdict.DIFFERENT


def test_the_reports_of_a_bomb_are_small() -> None:
    ours, theirs = pair_of(bombs.zip_bomb(zipfile.ZIP_BZIP2))

    def reported() -> list[str]:
        found = compare_wheels(io.BytesIO(ours), io.BytesIO(theirs), filename="x.whl")
        one = Comparison(
            name="x",
            version="1",
            wheel="x.whl",
            verdict=verdict_of(found),
            differences=found,
            causes=explain(found, "random"),
        )
        report = Report(command="verify", comparisons=(one,))
        return [form.render(report) for form in (html, json, markdown, table)]

    texts, peak = bombs.peak_of(reported)
    assert peak < MOST
    assert all("bomb" in text and len(text) < 100_000 for text in texts)


def test_an_elf_section_that_expands_beyond_the_limit_is_malformed() -> None:
    data = bombs.elf_bomb()

    def read() -> None:
        with pytest.raises(MalformedElfError, match="limit"):
            sections(data)

    assert bombs.peak_of(read)[1] < MOST
    names = [one.name for one in sections(bombs.elf_bomb(1 << 20))]
    assert names == [".debug_info", ".shstrtab"]


@pytest.mark.parametrize(
    ("filename", "bomb"),
    [
        ("demo-1.0.tar.gz", bombs.gzip_bomb),
        ("demo-1.0.zip", lambda: bombs.zip_bomb(zipfile.ZIP_DEFLATED)),
        ("demo-1.0.zip", lambda: bombs.zip_bomb(zipfile.ZIP_BZIP2)),
    ],
)
def test_a_bomb_in_the_place_of_an_sdist_is_one_line(filename: str, bomb: object) -> None:
    data = bomb()  # type: ignore[operator]

    def read() -> AsamanError:
        with pytest.raises(AsamanError) as caught:
            read_sdist(io.BytesIO(data), filename)
        return caught.value

    error, peak = bombs.peak_of(read)
    assert peak < MOST
    assert len(error.lines()) == 1


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_bomb_in_the_place_of_a_wheel_is_one_line(method: int) -> None:
    data = bombs.zip_bomb(method)

    def read() -> AsamanError:
        with pytest.raises(AsamanError) as caught:
            read_wheel(io.BytesIO(data), "demo-1.0-py3-none-any.whl")
        return caught.value

    error, peak = bombs.peak_of(read)
    assert peak < MOST
    assert len(error.lines()) == 1
