"""What the HTML pages share."""

from __future__ import annotations

from amrasaman_nox.reports import markup


def test_foreign_text_is_inert_in_text_and_in_attributes() -> None:
    text = '<b title="x">&\x1b[31m https://user:secret@host/'
    assert markup.escaped(text) == "&lt;b title=&quot;x&quot;&gt;&amp;\\x1b[31m https://****@host/"
    assert markup.data('"Ünï', "a<b") == 'data-name="&quot;ünï" data-state="a&lt;b"'


def test_a_page_without_a_script_allows_none() -> None:
    plain = markup.page("t", ["<p>x</p>"], scripted=False)
    assert "<script" not in plain
    assert "script-src 'none'" in plain
    assert "<script" in markup.page("t", [])


def test_what_is_empty_is_left_out() -> None:
    assert (markup.code(""), markup.items([])) == ("", "")
    assert list(markup.pairs([("a", ""), ("b", "1")])) == ["<dl>", "<dt>b</dt><dd>1</dd>", "</dl>"]
