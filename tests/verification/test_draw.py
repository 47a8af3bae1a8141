"""Equal seeds give equal values, other seeds give others."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from amrasaman_nox.verification.draw import Draw, begin

NOW = datetime(2026, 11, 28, 4, 57, 3, tzinfo=UTC)


def draw(seed: str) -> Draw:
    return Draw(seed=seed, now=NOW)


def test_values_are_these_on_every_machine_and_under_every_python() -> None:
    drawn = draw("42")
    assert drawn.number("hash seed", 1, 2**32 - 1) == 870183195
    assert drawn.word("user") == "garnet4829"
    assert drawn.hexadecimal("commit", 8) == "cd2c8710"


def test_a_value_does_not_depend_on_what_else_is_drawn() -> None:
    drawn = draw("42")
    first = drawn.number("umask", 0, 7)
    drawn.word("umask")
    assert drawn.number("umask", 0, 7) == first


def test_numbers_are_within_their_bounds_and_all_of_them_come() -> None:
    drawn = Counter(draw(str(seed)).number("umask", 3, 6) for seed in range(4000))
    assert set(drawn) == {3, 4, 5, 6}
    assert min(drawn.values()) > 900


def test_each_choice_comes() -> None:
    assert {draw(str(seed)).one_of("editor", "abc") for seed in range(100)} == set("abc")


def test_words_are_plain_names() -> None:
    words = {draw(str(seed)).word("home") for seed in range(3000)}
    assert len(words) > 2500
    assert all(word.isalnum() and word.islower() and len(word) <= 11 for word in words)


def test_a_seed_may_be_any_text() -> None:
    assert draw("naïve — ☃").word("user") != draw("naïve").word("user")


def test_without_a_seed_it_is_another_one_each_time() -> None:
    assert len({begin().seed for _ in range(100)}) == 100
    assert begin("42").seed == "42"
