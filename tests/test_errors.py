from __future__ import annotations

import pickle

import pytest

from amrasaman_nox.errors import AsamanError, Kind, Origin, all_of, printable, with_origin
from amrasaman_nox.model import Digest


@pytest.mark.parametrize(
    "character",
    ["\x00", "\x1b", "\x7f", "\x9b", "\u00a0", "\u200b", "\u202e", "\u2028", "\u05cd", "\ud800"],
)
def test_what_does_not_show_is_escaped(character: str) -> None:
    shown = printable(f"a{character}b")
    assert shown.isprintable()
    assert shown == f"a{ascii(character)[1:-1]}b"


def test_what_shows_is_left_alone() -> None:
    text = "Grüße, 世界: → «ok» – 🐍 x\\y"
    assert printable(text) == text


def test_credentials_never_show() -> None:
    error = AsamanError("https://user:pass@host/simple/", "no answer from http://x@y/")
    assert error.lines() == ("error: https://****@host/simple/: no answer from http://****@y/",)


def test_an_error_keeps_its_kind_whatever_is_done_with_it() -> None:
    with pytest.raises(AsamanError) as caught:
        Digest.parse(f"md5:{'0' * 32}")
    error = caught.value
    assert error.kind is Kind.WEAK_HASH
    located = with_origin(error, Origin(path="requirements.txt", line=3))
    for other in (located, all_of([error, located]), pickle.loads(pickle.dumps(error))):
        assert other.kind is Kind.WEAK_HASH
    assert AsamanError("a", "b").kind is Kind.OTHER
