"""Kinds of option values, from a text and from TOML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config import kinds

if TYPE_CHECKING:
    from amrasaman_nox.config.kinds import ValueKind


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.NUMBER, "-7", -7),
        (kinds.TIME, "1.5", 1.5),
        (kinds.BYTES, "3k", 3072),
        (kinds.BYTES, "2GiB", 2 << 30),
        (kinds.PART, "2/5", (2, 5)),
        (kinds.NAMES, "a, b", ("a", "b")),
        (kinds.VARIATIONS, "all", ()),
        (kinds.SETTINGS, "a=b=c", (("a", "b=c"),)),
        (kinds.TEXTS, "a,b", ("a,b",)),
    ],
)
def test_a_text_of_the_command_line_becomes_a_value(
    kind: ValueKind, text: str, value: object
) -> None:
    assert kind.text(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kinds.NUMBER, "1_0"),
        (kinds.NUMBER, "9" * 19),
        (kinds.TIME, "1e3"),
        (kinds.BYTES, "1.5G"),
        (kinds.PART, "2"),
        (kinds.SETTINGS, "=b"),
    ],
)
def test_a_malformed_text_is_quoted_in_the_reason(kind: ValueKind, text: str) -> None:
    with pytest.raises(ValueError, match="is not") as caught:
        kind.text(text)
    assert text[:19] in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (kinds.FLAG, False, False),
        (kinds.BYTES, "1M", 1 << 20),
        (kinds.BYTES, 10, 10),
        (kinds.TIME, 3, 3),
        (kinds.NAMES, ["a,b", "c"], ("a", "b", "c")),
        (kinds.SETTINGS, ["a=b"], (("a", "b"),)),
    ],
)
def test_a_value_of_toml_becomes_a_value(kind: ValueKind, given: Any, value: object) -> None:
    assert kind.toml(given) == value


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (kinds.FLAG, 1),
        (kinds.NUMBER, True),
        (kinds.TIME, "3"),
        (kinds.NAMES, "a"),
        (kinds.MOMENT, 3),
        (kinds.TEXT, 3),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_one_that_is_required(
    kind: ValueKind, given: Any
) -> None:
    with pytest.raises(ValueError, match="required"):
        kind.toml(given)
