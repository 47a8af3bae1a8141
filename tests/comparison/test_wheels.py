"""Two wheels compared: what is found, what of it is form alone, and what hostile bytes do."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from amrasaman_nox.comparison.wheels import normalisations_of, verdict_of
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Verdict
from amrasaman_nox.reports.wording import difference_line
from tests.comparison.examples import FILENAME, compared, tarred
from tests.wheels.handmade import MEMBERS, METADATA, RECORD, WHEEL, record_of, wheel, zipped


def turned(members: dict[str, bytes]) -> dict[str, bytes]:
    return dict(reversed(members.items()))


def test_the_same_bytes_have_no_difference() -> None:
    assert compared(wheel(), wheel()) == ()
    assert verdict_of(()) is Verdict.IDENTICAL


ALL = {**MEMBERS, RECORD: record_of(MEMBERS)}


@pytest.mark.parametrize(
    ("theirs", "kind", "normalisation"),
    [
        pytest.param(zipped(turned(ALL)), "archive-order", "member-order", id="order"),
        pytest.param(wheel(time=(2024, 5, 6, 7, 8, 10)), "zip-times", "member-times", id="times"),
        pytest.param(wheel(mode=0o100600), "zip-modes", "member-modes", id="modes"),
        pytest.param(wheel(stored=True), "compression", "compression", id="method"),
        pytest.param(wheel(comment=b"hi"), "zip-framing", "headers", id="comment"),
        pytest.param(
            wheel(extra=struct.pack("<HH2s", 0x7075, 2, b"ab")),
            "zip-framing",
            "extra-fields",
            id="extra",
        ),
        pytest.param(
            wheel(record=record_of(MEMBERS).replace(b"\n", b"\r\n")),
            "record",
            "record-line-endings",
            id="record-crlf",
        ),
        pytest.param(
            wheel(record=b"".join(reversed(record_of(MEMBERS).splitlines(keepends=True)))),
            "record",
            "record-order",
            id="record-order",
        ),
    ],
)
def test_a_difference_of_form_alone_is_equivalent(
    theirs: bytes, kind: str, normalisation: str
) -> None:
    found = compared(wheel(), theirs)
    assert [(one.kind, one.normalisation) for one in found if one.kind == kind] == [
        (kind, normalisation)
    ]
    assert verdict_of(found) is Verdict.EQUIVALENT
    assert normalisation in normalisations_of(found)


def test_another_level_of_compression_is_equivalent() -> None:
    data = {"demo/data.txt": b"".join(b"%d\n" % (n * n) for n in range(3000))}
    found = compared(wheel(data, level=1), wheel(data, level=9))
    assert [one.kind for one in found] == ["compression"]
    assert verdict_of(found) is Verdict.EQUIVALENT


def test_the_order_of_tags_in_wheel_is_equivalent() -> None:
    tags = [b"Tag: py2-none-any\n", b"Tag: py3-none-any\n"]
    head = WHEEL.replace(tags[1], b"")
    name = "demo-1.0.dist-info/WHEEL"
    found = compared(
        wheel({name: head + tags[0] + tags[1]}), wheel({name: head + tags[1] + tags[0]})
    )
    assert verdict_of(found) is Verdict.EQUIVALENT
    assert set(normalisations_of(found)) >= {"wheel-tag-order", "record-regenerated"}


@pytest.mark.parametrize(
    ("changes", "kind", "member"),
    [
        ({"demo/extra.py": b"EVIL = 1\n"}, "member-added", "demo/extra.py"),
        ({"demo/tool.sh": None}, "member-missing", "demo/tool.sh"),
        ({"demo/__init__.py": b"VALUE = 2\n"}, "text", "demo/__init__.py"),
        ({"demo/__init__.py": b"VALUE = 1\r\n"}, "text", "demo/__init__.py"),
        (
            {"demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\nx = evil:main\n"},
            "member-added",
            "demo-1.0.dist-info/entry_points.txt",
        ),
        (
            {"demo-1.0.dist-info/METADATA": METADATA.replace(b"Summary: demo", b"Summary: other")},
            "metadata",
            "demo-1.0.dist-info/METADATA",
        ),
        (
            {"demo-1.0.dist-info/WHEEL": WHEEL.replace(b"maker 1.0", b"maker 2.0")},
            "metadata",
            "demo-1.0.dist-info/WHEEL",
        ),
        ({"demo/": b""}, "member-added", "demo/"),
    ],
)
def test_another_content_is_different(
    changes: dict[str, bytes | None], kind: str, member: str
) -> None:
    found = compared(wheel(), wheel(changes))
    assert (kind, member, None) in [(one.kind, one.member, one.normalisation) for one in found]
    assert verdict_of(found) is Verdict.DIFFERENT


def test_the_executable_bit_is_a_difference_of_its_own() -> None:
    found = compared(wheel(), wheel(modes={"demo/tool.sh": 0o100755}))
    bits = [one for one in found if one.kind == "executable-bit"]
    assert [(one.member, difference_line(one)) for one in bits] == [
        ("demo/tool.sh", "mode 100644 → 100755")
    ]
    assert verdict_of(found) is Verdict.DIFFERENT


def test_a_link_in_the_place_of_a_file_is_different() -> None:
    found = compared(wheel(), wheel(modes={"demo/tool.sh": 0o120644}))
    assert "member-type" in [one.kind for one in found]
    assert verdict_of(found) is Verdict.DIFFERENT


@pytest.mark.parametrize("place", ["before", "behind"])
def test_bytes_that_belong_to_no_member_are_different(place: str) -> None:
    data = wheel()
    theirs = b"#!hidden" + data if place == "before" else data + b"hidden"
    found = compared(data, theirs)
    assert [(one.kind, one.normalisation) for one in found] == [("zip-framing", None)]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(
            lambda record: record + b"demo/ghost.py,sha256=AAAA,1\n", id="a row of no member"
        ),
        pytest.param(lambda record: record + record.splitlines(True)[0], id="a row twice"),
        pytest.param(lambda record: record.replace(b"sha256=", b"sha256=A", 1), id="a wrong hash"),
        pytest.param(lambda record: record.replace(b",10\n", b",11\n", 1), id="a wrong size"),
        pytest.param(lambda record: b'"' + record, id="not to be parsed"),
    ],
)
def test_a_record_with_other_rows_is_different(rows: object) -> None:
    theirs = rows(record_of(MEMBERS))  # type: ignore[operator]
    found = compared(wheel(), wheel(record=theirs))
    assert verdict_of(found) is Verdict.DIFFERENT


def test_a_record_with_a_row_twice_has_no_order_that_does_not_matter() -> None:
    rows = record_of(MEMBERS).splitlines(keepends=True)
    ours, theirs = ([rows[0], *rest] for rest in (rows, rows[::-1]))
    found = compared(wheel(record=b"".join(ours)), wheel(record=b"".join(theirs)))
    assert verdict_of(found) is Verdict.DIFFERENT


def test_a_record_that_lies_about_a_changed_member_does_not_follow_from_it() -> None:
    changes = {"demo/__init__.py": b"VALUE = 2\n"}
    wrong = record_of({**MEMBERS, "demo/__init__.py": b"VALUE = 3\n"})
    kinds = {one.kind: one.normalisation for one in compared(wheel(), wheel(changes, record=wrong))}
    assert kinds["record"] is None


def patched(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new)


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.py", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.py", "2")
    return buffer.getvalue()


def bomb() -> bytes:
    return zipped({"zeros": bytes(100 << 20)}, level=9)


def bzipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.py", "1")
    return buffer.getvalue()


def overlapping() -> bytes:
    # The second member's headers and bytes stand in the bytes of the first one as well.
    second = zipped({"b": b"1"}, stored=True)
    second = second[: second.index(b"PK\x01\x02")]
    data = zipped({"a": second, "b": b"1"}, stored=True)
    inside = data.index(second)
    central = data.rindex(b"PK\x01\x02")
    return data[: central + 42] + inside.to_bytes(4, "little") + data[central + 46 :]


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param(lambda: b"", id="empty"),
        pytest.param(lambda: b"<html>" * 100, id="no zip"),
        pytest.param(lambda: wheel()[:-30], id="truncated"),
        pytest.param(
            lambda: patched(wheel(stored=True), b"VALUE = 1", b"VALUE = 2"), id="checksum"
        ),
        pytest.param(twice, id="twice"),
        pytest.param(bomb, id="bomb"),
        pytest.param(bzipped, id="method"),
        pytest.param(overlapping, id="overlap"),
        pytest.param(
            lambda: patched(wheel(), b"demo/tool.sh", b"demo/tool\0sh"), id="zero in a name"
        ),
    ],
)
def test_a_malformed_wheel_is_one_clear_error(theirs: object) -> None:
    with pytest.raises(AsamanError, match="malformed wheel") as caught:
        compared(wheel(), theirs())  # type: ignore[operator]
    assert caught.value.what.startswith(FILENAME)


def test_no_damage_to_a_wheel_ends_in_anything_but_a_difference_or_an_error() -> None:
    data = wheel({"demo/a.zip": zipped({"x": b"1"}), "demo/b.tar": tarred({"x": b"1"}, 1)})
    for place in range(0, len(data), 3):
        broken = data[:place] + bytes([data[place] ^ 0x5A]) + data[place + 1 :]
        try:
            found = compared(data, broken)
        except AsamanError:
            continue
        assert found
