from __future__ import annotations

import json

import pytest

from amrasaman_nox.strict_json import Malformed, Value, parse


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{} {}", "not JSON"),
        (b'"\xff"', "not UTF-8"),
        (b'\xff\xfe{\0}\0', "not UTF-8"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b'[{"a": 1, "\\u0061": 2}]', "duplicate key"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "NaN"),
        (b"1" * 19, "too long"),
        (b"[" * 33 + b"]" * 33, "deeper than 32 levels"),
        (b"[" * 1_000_000, "deeper than 32 levels"),
        (b'{"a":' * 100_000, "deeper than 32 levels"),
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_or_costs_much_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        parse(content)


@pytest.mark.parametrize("text", ["[" * 40, '\\"[[', "]" * 40, "\\", 'a"b'])
def test_brackets_in_a_text_are_no_levels(text: str) -> None:
    assert parse(json.dumps({text: [text]}).encode())[text].items()[0].text() == text


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("text", 1), ("text", None), ("text", ["a"]), ("text", "\ud800"),
        ("whole", "1"), ("whole", 1.0), ("whole", True),
        ("flag", 0), ("flag", "true"),
        ("items", {}), ("items", "ab"), ("texts", [1]),
        ("moment", "2026"), ("moment", "2026-01-01T00:00:00"), ("moment", 5),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_an_error_that_names_its_place(method: str, raw: object) -> None:
    with pytest.raises(Malformed, match=r"^a\.b"):
        getattr(
            Value({"a": {"b": raw}})["a"]["b"] if raw is not None else Value(None, "a.b"), method
        )()


def test_what_is_missing_is_named() -> None:
    with pytest.raises(Malformed, match=r"^no a\.c$"):
        Value({"a": {}})["a"]["c"]
    assert Value({"a": None}).get("a") is None
