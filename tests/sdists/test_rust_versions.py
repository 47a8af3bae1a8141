"""Versions of Rust as toolchains and sources write them."""

from __future__ import annotations

import pytest

from amrasaman_nox.sdists.rust_versions import is_of, is_older, newest


@pytest.mark.parametrize(
    ("channel", "version", "same"),
    [
        ("1.80", "1.80.1", True),
        ("1.80.1", "1.80.1", True),
        ("1.8", "1.80.1", False),
        ("1.80.0", "1.80.1", False),
        ("stable", "1.80.1", True),
        ("stable", "1.80.1-nightly", False),
        ("stable", "", False),
        ("nightly", "1.80.1-nightly", True),
        ("nightly-2024-01-01", "1.80.1-nightly", False),
        ("beta", "1.80.0-beta.2", True),
    ],
)
def test_a_channel_names_some_versions(channel: str, version: str, same: bool) -> None:
    assert is_of(channel, version) is same


@pytest.mark.parametrize(
    ("version", "wanted", "older"),
    [
        ("1.63.0", "1.74", True),
        ("1.74.0", "1.74", False),
        ("1.74.1", "1.74.2", True),
        ("1.100.0", "1.99", False),
        ("1.80.0-nightly", "1.80", False),
        ("1.80.0", "2", True),
    ],
)
def test_versions_are_compared_as_numbers(version: str, wanted: str, older: bool) -> None:
    assert is_older(version, wanted) is older


def test_the_newest_of_some_versions_is_found_by_their_numbers() -> None:
    assert newest("", "1.9", "1.78", "1.53") == "1.78"
    assert newest("") == ""
