"""The date that build requirements are resolved at."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime

import pytest

from amrasaman_nox.build_lock.dates import (
    RELEASED,
    Reason,
    build_cutoff,
    crates_cutoff,
    is_as_of,
    is_before_interpreter,
    published_cutoff,
)
from amrasaman_nox.model import Digest, LockEntry

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
OLD = datetime(2020, 5, 1, 10, tzinfo=UTC)
RECENT = datetime(2025, 5, 15, 12, 30, 7, tzinfo=UTC)
ENTRY = LockEntry(
    name="a", version="1", sdist=Digest.of(b""), interpreter="cpython-3.13-linux", files=()
)


@pytest.mark.parametrize(
    ("python", "uploaded", "moment", "reason"),
    [
        ("3.13", OLD, datetime(2024, 10, 7, tzinfo=UTC), Reason.INTERPRETER),
        ("3.11", OLD, datetime(2022, 10, 24, tzinfo=UTC), Reason.INTERPRETER),
        ("3.13", RECENT, RECENT, Reason.UPLOAD),
        ("3.13", None, NOW, Reason.UNKNOWN),
    ],
)
def test_a_build_resolves_as_of_the_later_of_upload_and_interpreter(
    python: str, uploaded: datetime | None, moment: datetime, reason: Reason
) -> None:
    found = build_cutoff(uploaded, python, as_of=None, now=NOW)
    assert (found.moment, found.reason, found.note) == (moment, reason, "")


@pytest.mark.parametrize(
    ("as_of", "moment", "reason"),
    [
        ("now", NOW, Reason.NOW),
        ("2021-01-02T00:00:00Z", datetime(2021, 1, 2, tzinfo=UTC), Reason.OPTION),
    ],
)
def test_the_date_that_the_user_asks_for_has_no_floor(
    as_of: str, moment: datetime, reason: Reason
) -> None:
    found = build_cutoff(OLD, "3.13", as_of=as_of, now=NOW)
    assert (found.moment, found.reason) == (moment, reason)
    locked = dataclasses.replace(ENTRY, as_of=moment, as_of_reason=str(reason))
    assert is_as_of(locked, as_of)
    assert not is_as_of(locked, "2021-01-03T00:00:00Z")
    assert not is_as_of(dataclasses.replace(locked, as_of_reason=str(Reason.UPLOAD)), "now")


def test_an_entry_of_a_release_without_the_rule_is_known_by_its_missing_reason() -> None:
    old = dataclasses.replace(ENTRY, as_of=OLD)
    assert is_before_interpreter(old, "3.13")
    assert not is_before_interpreter(old, "3.99")
    assert not is_before_interpreter(dataclasses.replace(old, as_of=NOW), "3.13")
    assert not is_before_interpreter(dataclasses.replace(old, as_of_reason="--as-of"), "3.13")


def test_an_interpreter_that_the_table_lacks_is_named_and_has_no_floor() -> None:
    found = build_cutoff(OLD, "3.99", as_of=None, now=NOW)
    assert (found.moment, found.reason) == (OLD, Reason.UPLOAD)
    assert "Python 3.99" in found.note


def test_a_published_wheel_is_compared_without_the_floor_of_builds() -> None:
    assert published_cutoff(None, OLD, now=NOW) == OLD
    assert published_cutoff(RECENT, OLD, now=NOW) == RECENT
    assert published_cutoff(None, None, now=NOW) == NOW
    assert build_cutoff(OLD, "3.13", as_of=None, now=NOW).moment > OLD


def test_the_running_interpreter_is_in_the_table() -> None:
    assert ".".join(map(str, sys.version_info[:2])) in RELEASED


def test_crates_are_those_of_the_upload_whatever_the_interpreter() -> None:
    uploaded, now = datetime(2020, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    assert crates_cutoff(uploaded, as_of=None, now=now) == uploaded
    assert crates_cutoff(None, as_of=None, now=now) == now
    assert crates_cutoff(uploaded, as_of="now", now=now) == now
    assert crates_cutoff(uploaded, as_of="2021-02-03", now=now).year == 2021
