"""What is said of a member that differs, by its kind of content."""

from __future__ import annotations

import json
import struct

import pytest

from amrasaman_nox.reports.wording import diff_text, difference_line
from tests.comparison.examples import the_one
from tests.wheels.handmade import METADATA, wheel


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
