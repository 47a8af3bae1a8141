"""Two wheels compared: what is found, what of it is form alone, and what hostile bytes do."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile

import pytest

from amrasaman_nox.comparison.lines import MOST_LINES, unified
from amrasaman_nox.comparison.wheels import compare_wheels, normalisations_of, verdict_of
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Difference, Verdict
from amrasaman_nox.reports.wording import diff_text, difference_line
from tests.wheels.handmade import MEMBERS, METADATA, RECORD, WHEEL, record_of, wheel, zipped

FILENAME = "demo-1.0-py3-none-any.whl"


def compared(ours: bytes, theirs: bytes) -> tuple[Difference, ...]:
    return compare_wheels(io.BytesIO(ours), io.BytesIO(theirs), filename=FILENAME)


def the_one(ours: bytes, theirs: bytes, kind: str) -> Difference:
    """Return the one difference besides a RECORD that follows from it."""
    found = [one for one in compared(ours, theirs) if one.normalisation != "record-regenerated"]
    assert [one.kind for one in found] == [kind]
    return found[0]


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


def test_a_text_shows_the_line_that_differs() -> None:
    name = "demo/__init__.py"
    built = 'WHERE = "%s/demo"\n'
    one = the_one(
        wheel({name: b"A = 1\n" + (built % "/build/source").encode()}),
        wheel({name: b"A = 1\n" + (built % "/elsewhere").encode()}),
        "text",
    )
    assert (
        difference_line(one) == 'line 2: WHERE = "/build/source/demo" → WHERE = "/elsewhere/demo"'
    )
    assert '-WHERE = "/build/source/demo"\n+WHERE = "/elsewhere/demo"' in diff_text(one)


@pytest.mark.parametrize(
    ("ours", "theirs", "order"),
    [
        (b"b\na\nc\n", b"a\nb\nc\n", "the same lines in another order"),
        (b"X = {'a', 'b'}\n", b"X = {'b', 'a'}\n", "the same words in another order"),
    ],
)
def test_another_order_is_said_to_be_one(ours: bytes, theirs: bytes, order: str) -> None:
    one = the_one(wheel({"demo/x.txt": ours}), wheel({"demo/x.txt": theirs}), "text")
    assert order in difference_line(one)


def test_a_hostile_text_cannot_speak_to_the_terminal() -> None:
    name = "demo/\x1b]0;evil\x07\u202e.txt"
    one = the_one(wheel({name: b"a\n"}), wheel({name: "\x1b[31m\u202e\n".encode()}), "text")
    assert not set("\x1b\x07\u202e") & set(one.member + difference_line(one) + diff_text(one))


def test_metadata_is_compared_by_field() -> None:
    name = "demo-1.0.dist-info/METADATA"
    theirs = METADATA.replace(b"Version: 1.0", b"Version: 1.0.dev5")
    one = the_one(wheel(), wheel({name: theirs}), "metadata")
    assert difference_line(one) == "Version: 1.0 → 1.0.dev5"
    turned_fields = METADATA.replace(b"Name: demo\nVersion: 1.0\n", b"Version: 1.0\nName: demo\n")
    other = the_one(wheel(), wheel({name: turned_fields}), "metadata")
    assert (difference_line(other), other.normalisation) == ("fields in another order", None)


def test_entry_points_are_compared_by_row() -> None:
    name = "demo-1.0.dist-info/entry_points.txt"
    ours, theirs = (b"[console_scripts]\ndemo = demo:%s\n" % word for word in (b"main", b"evil"))
    one = the_one(wheel({name: ours}), wheel({name: theirs}), "entry-points")
    assert (
        difference_line(one)
        == "-[console_scripts] demo = demo:main, +[console_scripts] demo = demo:evil"
    )


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


def test_a_pyc_that_differs_in_its_header_alone_says_so() -> None:
    def pyc(time: int, code: bytes) -> bytes:
        return b"\xa7\r\r\n" + bytes(4) + struct.pack("<LL", time, 10) + code

    name = "demo/__pycache__/x.cpython-311.pyc"
    code = b"\xe3\0\0code" * 5
    header = the_one(wheel({name: pyc(0, code)}), wheel({name: pyc(1_700_000_000, code)}), "pyc")
    assert difference_line(header) == (
        "header: source time 1970-01-01T00:00:00Z size 10 → "
        "time 2023-11-14T22:13:20Z size 10; same code"
    )
    path = the_one(
        wheel({name: pyc(0, b"\xe3\0/build/source/x.py\0")}),
        wheel({name: pyc(0, b"\xe3\0/elsewhere/x.py\0")}),
        "pyc",
    )
    assert difference_line(path) == "code; /build/source/x.py → /elsewhere/x.py"


def tarred(members: dict[str, bytes], time: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), time
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "ours", "theirs", "detail"),
    [
        (
            "a.zip",
            zipped({"x": b"1"}),
            zipped({"x": b"1"}, time=(2021, 1, 1, 0, 0, 0)),
            "time of 1",
        ),
        ("a.zip", zipped({"x": b"1\n"}), zipped({"x": b"2\n"}), "x: line 1: 1 → 2"),
        ("a.zip", zipped({"x": b"1"}), zipped({"x": b"1", "y": b"2"}), "added: y"),
        ("a.tar", tarred({"x": b"1"}, 1), tarred({"x": b"1"}, 2), "time of 1 member, x: 1 → 2"),
        (
            "a.tar.gz",
            gzip.compress(tarred({"x": b"1\n"}, 1), mtime=5),
            gzip.compress(tarred({"x": b"2\n"}, 1), mtime=5),
            "x: line 1: 1 → 2",
        ),
        (
            "a.gz",
            gzip.compress(b"1", mtime=5),
            gzip.compress(b"1", mtime=6),
            "time of 1 member, gz",
        ),
    ],
)
def test_a_nested_archive_is_looked_into(
    name: str, ours: bytes, theirs: bytes, detail: str
) -> None:
    member = f"demo/{name}"
    one = the_one(wheel({member: ours}), wheel({member: theirs}), "nested-archive")
    assert difference_line(one).startswith(detail)
    assert one.normalisation is None


def test_json_on_one_line_is_compared_by_value() -> None:
    ours, theirs = (
        json.dumps({"a": list(range(100)), "built": when}).encode() for when in ("now", "then")
    )
    one = the_one(wheel({"demo/x.json": ours}), wheel({"demo/x.json": theirs}), "json")
    assert difference_line(one) == 'line 104: "built": "now" → "built": "then"'


def test_other_bytes_show_the_first_that_differs() -> None:
    data = bytes(range(256))
    theirs = data[:130] + b"\xff" + data[131:]
    one = the_one(wheel({"demo/x.bin": data}), wheel({"demo/x.bin": theirs}), "bytes")
    assert difference_line(one) == "from offset 130; 256 → 256 bytes"
    assert "-00000080  80 81 82" in diff_text(one)
    assert "+00000080  80 81 ff" in diff_text(one)


def test_a_diff_is_bounded_however_long_the_texts() -> None:
    ours = "".join(f"{number}\n" for number in range(100_000))
    theirs = "".join(f"{number * 7}\n" for number in range(100_000))
    one = the_one(
        wheel({"demo/x.txt": ours.encode()}), wheel({"demo/x.txt": theirs.encode()}), "text"
    )
    assert len(diff_text(one).split("\n")) <= MOST_LINES + 1
    assert diff_text(one).endswith("… cut")


def test_the_lines_of_a_hunk_are_counted_from_the_start_of_the_file() -> None:
    ours = [str(number) for number in range(1000)]
    theirs = [*ours[:800], "new", *ours[801:]]
    assert "@@ -798,7 +798,7 @@" in [row.text for row in unified(ours, theirs)]


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


def test_no_damage_to_a_member_ends_in_an_exception() -> None:
    inner = [zipped({"x": b"1" * 50}), tarred({"x": b"1"}, 1), gzip.compress(b"1" * 50)]
    for data in inner:
        for place in range(0, min(len(data), 600), 5):
            broken = data[:place] + bytes([data[place] ^ 0x5A]) + data[place + 1 :]
            assert compared(wheel({"demo/a": data}), wheel({"demo/a": broken}))
