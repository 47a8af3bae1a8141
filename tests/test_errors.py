from __future__ import annotations

import pickle
import time

import pytest

from amrasaman_nox.errors import (
    AsamanError,
    Kind,
    Origin,
    all_of,
    printable,
    redacted,
    shown,
    with_origin,
)
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://host/simple", "https://host/simple"),
        ("https://user@host/simple", "https://****@host/simple"),
        ("https://user:pass@host:8/simple", "https://****@host:8/simple"),
        ("https://user:pa/ss@host/simple", "https://****@host/simple"),
        ("https://user:p@ss@host/simple", "https://****@host/simple"),
        ("https://user:pa#ss@host/simple", "https://****@host/simple"),
        ("https://user:pa?ss@host/simple", "https://****"),
        ("https://us'er:pa\"ss@host/", "https://****@host/"),
        ("git+ssh://user:pass@host/x@v1", "git+ssh://****@v1"),
        ("user:pass@host/simple", "****@host/simple"),
        ("no such file: /work/us.er:p%40ss@[::1]/x", "no such file: /work/****@[::1]/x"),
        ("git@host:owner/name", "git@host:owner/name"),
        ("a: b@c, d:e @f, g:h/i@j", "a: b@c, d:e @f, g:h/i@j"),
        ("https://host/simple?token=abc", "https://host/simple?****"),
        ("https://host/simple?token=a@b", "https://****"),
        ("https://host/x?a=b&token=abc#sha256=0", "https://host/x?****#sha256=0"),
        ("https://host?token=abc", "https://host?****"),
        ("https://host/x?", "https://host/x?"),
        ("https://user:pass@host/x?token=abc", "https://****@host/x?****"),
        ("(see https://u:p@host/x?t=1), then", "(see https://****@host/x?****), then"),
        ("'https://u:p@host' and 'http://v:q@other'", "'https://****@host' and 'http://****@other'"),
        ("https://a:b@c,https://d:e@f", "https://****@f"),
        ("https://****@host/?****", "https://****@host/?****"),
        ("https://us\x1ber:pass@host", "https://****@host"),
        ("see https://user:pa ss@host/x now", "see https://****@host/x now"),
        ("https:/user:pass@host", "https:/****@host"),
        ("https:user:pass@host", "https:****@host"),
        ("HTTPS:\\\\user:pass@host", "HTTPS:\\\\****@host"),
        ("no proxy //user:pass@host:1", "no proxy //****@host:1"),
        ("https://host/x#token=abc", "https://host/x#****"),
        ("https://host/x#egg=abc", "https://host/x#egg=abc"),
        ("https://host/page#section", "https://host/page#section"),
        ("use https:, or ask a@b", "use https:, or ask a@b"),
        ("x ? y @ z: a://b", "x ? y @ z: a://b"),
        ("://", "://"),
    ],
)  # fmt: skip
def test_what_can_be_secret_in_a_url_does_not_show(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        *("://" * 50_000, "://" + ")" * 200_000 + "x", "://a@" * 40_000),
        *("https:" * 40_000, "https://a: " * 20_000, " //a:" * 40_000),
        *("a" * 400_000, "a:" * 200_000, "a:b " * 100_000, "a:" + "b" * 400_000),
    ],
)
def test_hiding_is_linear(text: str) -> None:
    started = time.process_time()
    redacted(text)
    assert time.process_time() - started < 1


def test_what_is_cut_is_redacted_before() -> None:
    url = f"https://user:{'x' * 200}@host/"
    assert shown(url, 80) == "https://****@host/"
    assert shown("y" * 90 + url, 80) == "y" * 79 + "…"
    assert "xx" not in AsamanError(f"https://user:{'x' * 100_000}@host/", "why").what


def test_an_error_keeps_its_kind_whatever_is_done_with_it() -> None:
    with pytest.raises(AsamanError) as caught:
        Digest.parse(f"md5:{'0' * 32}")
    error = caught.value
    assert error.kind is Kind.WEAK_HASH
    located = with_origin(error, Origin(path="requirements.txt", line=3))
    for other in (located, all_of([error, located]), pickle.loads(pickle.dumps(error))):
        assert other.kind is Kind.WEAK_HASH
    assert AsamanError("a", "b").kind is Kind.OTHER
