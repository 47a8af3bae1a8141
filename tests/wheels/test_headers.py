from __future__ import annotations

import pytest

from amrasaman_nox.archives.names import Subject
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.wheels import headers

METADATA = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
SUBJECT = Subject(what="demo.whl")


def parse(text: str | bytes) -> headers.Headers:
    return headers.parse(text if isinstance(text, bytes) else text.encode(), "METADATA", SUBJECT)


def test_fields_are_read_up_to_the_first_empty_line() -> None:
    found = parse(f"{METADATA}Classifier: A\nclassifier:B \n\nClassifier: C\n")
    assert found.all("Classifier") == ("A", "B")
    assert found.one("version") == "1.0"
    assert found.all("Author") == ()


@pytest.mark.parametrize(
    "text",
    [
        METADATA.replace("\n", "\r\n"),
        f"{METADATA}Author: =?utf-8?q?J=C3=BCrgen?=\n",
        f"{METADATA}Author: Jürgen\nSummary: über\n",
        f"{METADATA}License: GPL\n        \n        page\x0ctwo\n",
        f"{METADATA}Description: one\n\ttwo\n",
        f"{METADATA}Summary:\nKeywords: \n",
        f'{METADATA}Requires-Dist: other (>=1) ; extra == "a"\nRequires-Dist: more\n',
        f"{METADATA}Project-URL: A, https://example.invalid/?=?x\n",
        f"{METADATA}\nbody with \r and \0 and : =?utf-8?q?x?=\n",
    ],
)
def test_what_real_wheels_have_is_accepted(text: str) -> None:
    assert parse(text).one("Name") == "demo"


def test_a_description_without_an_empty_line_before_it_ends_the_fields() -> None:
    text = f"{METADATA}Import-Name: demo\ndemo\n====\n\nRequires-Dist: no field\n"
    found = parse(text)
    assert found.all("import-name") == ("demo",)
    assert found.all("requires-dist") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"{METADATA}Requires-Dist: =?utf-8?q?evil?=\n", "line 4 of METADATA has an encoded word"),
        (METADATA.replace("demo", "=?UTF-8?B?ZGVtbw==?="), "line 2 of METADATA has an encoded"),
        (f"{METADATA}Requires-Python: >=3 =?us-ascii?q?x?=\n", "has an encoded word"),
        (f"{METADATA}Requires-Dist: a\n b\n", "line 5 of METADATA continues requires-dist"),
        (f"{METADATA}Requires-Dist:\n b\n", "continues requires-dist"),
        (f" folded\n{METADATA}", "line 1 of METADATA continues no field"),
        (f"{METADATA}Requires-Dist : a\n", "line 4 of METADATA is not a header field"),
        (f"{METADATA}no field\nRequires-Dist: a\n", "is not a header field: 'no field'"),
        (f"{METADATA}: a\n", "is not a header field"),
        (f"{METADATA}demo\n a\n", "is not a header field: 'demo'"),
        (f"{METADATA}demo\n====\nSummary: a\n", "is not a header field: 'demo'"),
        (f"From x\n{METADATA}", "line 1 of METADATA is not a header field"),
        (f"\ufeff{METADATA}", "is not a header field"),
        (f"{METADATA}Summary: a\rRequires-Dist: b\n", "has a control character"),
        (f"{METADATA}Summary: a\0b\n", "has a control character"),
        (f"{METADATA}Requires-Dist: a\x0b; b\n", "has a control character"),
        (f"{METADATA}Requires-Dist: a\u2028b\n", "has a control character"),
        (f"{METADATA}Requires-Dist: a\u00a0\n", "has a control character"),
        (f"{METADATA}Requires-Dist:\u3000a\n", "has a control character"),
        (f"{METADATA}Version: 1.0\n", "line 4 of METADATA repeats Version"),
        (f"{METADATA}version: 2\n", "repeats version"),
        (f"{METADATA}Requires-Python: >=3\nRequires-Python: >=2\n", "repeats Requires-Python"),
        (METADATA.encode() + b"Author: J\xfcrgen\n", "METADATA is not UTF-8"),
        (METADATA.encode() + b"\nJ\xfcrgen\n", "METADATA is not UTF-8"),
        (METADATA.encode("utf-16"), "METADATA is not UTF-8"),
    ],
)
def test_what_readers_differ_about_is_refused_with_its_line(text: str | bytes, why: str) -> None:
    with pytest.raises(AsamanError, match=f"demo.whl: metadata mismatch: .*{why}"):
        parse(text)


@pytest.mark.parametrize("text", ["", "\n" + METADATA, "Metadata-Version: 2.1\n\nName: demo\n"])
def test_what_is_missing_is_said(text: str) -> None:
    with pytest.raises(AsamanError, match="0 Name lines in METADATA"):
        parse(text).one("Name")
