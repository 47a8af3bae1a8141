"""Every explanation is given for what it is about, has a page, and reads well in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from amrasaman_nox.model import Cause, Comparison, Difference, Verdict
from amrasaman_nox.reports.wording import verdict_line
from amrasaman_nox.verification.explain import EXPLANATIONS, explain, explanation_of
from tests.support.defects import DEFECTS, PROJECTS
from tests.support.differences import changed, rows

PAGES = Path(__file__).parents[2] / "docs" / "explanations"

VARIATIONS = [
    "build-path",
    "environment-path",
    "user",
    "home",
    "host-name",
    "time-zone",
    "locale",
    "umask",
    "hash-seed",
    "directory-order",
    "source-times",
    "processors",
    "clock",
    "extra-variables",
    "address-layout",
    "random",
    "published",
]


def difference(
    kind: str,
    diff: str = "",
    *names: str,
    member: str = "demo/x",
    form: str | None = None,
    values: tuple[str, str] = ("", ""),
    reordered: str = "",
) -> Difference:
    return Difference(
        kind=kind,
        member=member,
        changes=changed(*names, ours=values[0], theirs=values[1]),
        rows=rows(diff),
        reordered=reordered,
        normalisation=form,
    )


def nested(*inner: Difference) -> Difference:
    return Difference(kind="nested-archive", member="demo/a.zip", inner=inner)


EXPECTED = [
    ("address-layout", "address-layout", difference("text", "-a\n b\n+a", reordered="lines")),
    (
        "memory-address",
        "address-layout",
        difference("text", "-<object object at 0x7f3a5c0e1d90>\n+<object at 0x7f3a5c0e1da0>"),
    ),
    ("fails-when-varied", "locale", difference("build-fails", values=("", "no such luck"))),
    ("build-path-in-text", "build-path", difference("text", "-/build/source\n+/other")),
    ("build-path-in-text", "build-path", difference("pyc", "", "code")),
    ("build-path-in-elf", "build-path", difference("elf", "", ".note.gnu.build-id")),
    ("build-path-in-elf", "published", difference("elf", "", ".debug_str")),
    ("panic-path", "build-path", difference("elf", "-/build/source/a.rs\n+/b/a.rs", ".rodata")),
    ("panic-path", "published", difference("elf", "-/home/a/b.rs\n+/build/b.rs", ".rodata")),
    ("processor-model", "processors", difference("elf", "", ".text")),
    ("random-constant", "random", difference("elf", "", ".rodata")),
    ("random-bytes", "random", difference("elf", "", ".note.gnu.build-id")),
    (
        "sbom-serial",
        "published",
        difference("text", "-1\n+2", member="a-1.dist-info/sboms/a.cyclonedx.json"),
    ),
    ("environment-path", "environment-path", difference("text", "-#!/a/bin/python\n+#!/b/bin/py")),
    ("home-folder", "home", difference("text", "-/home/a\n+/home/b")),
    ("user-name", "user", difference("text", "-a\n+b")),
    ("user-name", "user", difference("nested-archive", "", "owner")),
    ("host-name", "host-name", difference("text", "-a\n+b")),
    ("time-zone", "time-zone", difference("text", "-2020-01-01 10:00\n+2020-01-01 12:00")),
    ("locale-order", "locale", difference("text", reordered="lines")),
    ("locale-text", "locale", difference("text", "-March\n+Mart")),
    ("umask-modes", "umask", difference("executable-bit", "", "mode")),
    ("umask-modes", "umask", difference("zip-modes", form="member-modes")),
    ("umask-modes", "umask", difference("text", "-0o22\n+0o77")),
    ("hash-order", "hash-seed", difference("text", reordered="lines")),
    ("hash-order", "hash-seed", difference("elf", "", ".text")),
    ("directory-order", "directory-order", difference("text", reordered="lines")),
    ("directory-order", "directory-order", difference("elf", "", ".text")),
    ("source-times", "source-times", difference("text", "-1\n+2")),
    ("source-times", "source-times", difference("zip-times", form="member-times")),
    ("pyc-times", "source-times", difference("pyc", "", "source")),
    ("pyc-times", "clock", difference("pyc", "", "source")),
    ("pyc-times", "random", difference("pyc", "", "source")),
    ("processor-count", "processors", difference("text", "-2\n+1")),
    ("build-time", "clock", difference("text", "-today\n+tomorrow")),
    ("build-time", "clock", difference("nested-archive", "", "time")),
    ("build-time", "random", difference("text", "-at 12:00:01\n+at 12:00:03")),
    ("build-time", "random", difference("text", "-T = 1700000000.25\n+T = 1700000002.5")),
    (
        "build-time",
        "random",
        difference("text", '-"""Built 2024-05-06."""\n+"""Built 2024-05-07."""'),
    ),
    ("build-time", "random", difference("elf", " .rodata: 9 → 9\n-16:07:46\n+16:07:48")),
    ("extra-variables", "extra-variables", difference("text", "-nothing\n+CANARY=1")),
    ("undeclared-tool", "extra-variables", difference("text", "-/usr/bin/cmake\n+/opt/bin/cmake")),
    ("undeclared-tool", "random", difference("text", "-cmake version 3.25.1\n+cmake version 3.30")),
    ("undeclared-tool", "published", difference("elf", "", ".text", ".comment")),
    ("generated-version", "clock", difference("metadata", "", "Version")),
    (
        "generated-version",
        "clock",
        difference("text", "-1.dev1\n+1.dev2", member="demo/_version.py"),
    ),
    (
        "generated-version",
        "random",
        difference("member-added", member="demo-1.0.dev1.dist-info/METADATA"),
    ),
    ("record-order", "random", difference("record", form="record-order")),
    ("record-order", "directory-order", difference("record", form="record-order")),
    ("zip-order", "hash-seed", difference("archive-order", member="", form="member-order")),
    ("zip-times", "clock", difference("zip-times", member="", form="member-times")),
    ("zip-times", "random", difference("zip-times", member="", form="member-times")),
    ("zip-framing", "published", difference("compression", member="", form="compression")),
    ("hidden-bytes", "published", difference("zip-framing", member="")),
    ("random-bytes", "random", difference("text", "-8f14e45f\n+c9f0f895")),
    (
        "random-bytes",
        "random",
        difference(
            "text",
            "-ID = '550e8400-e29b-41d4-a716-446655440000'\n"
            "+ID = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'",
        ),
    ),
    ("random-bytes", "random", difference("bytes", "-00000000  ab\n+00000000  cd")),
    ("random-build-folder", "random", difference("elf", "-/tmp/tmpab12cd/x.c\n+/tmp/tmpzz34/x.c")),
    ("random-build-folder", "random", difference("elf", "", ".debug_line_str")),
    ("random-build-folder", "random", difference("text", "-/tmp/tmpab12cd\n+/tmp/tmpef34gh")),
    (
        "memory-address",
        "random",
        difference("text", "-<x at 0x7f3a5c0e1d90>\n+<x at 0x7f11110e1d90>"),
    ),
    ("unstable-order", "random", difference("text", reordered="lines")),
    ("unstable-order", "random", nested(difference("text", reordered="words"))),
    ("build-time", "random", nested(difference("text", "-at 12:00:01\n+at 12:00:03"))),
    (
        "build-time",
        "random",
        difference("nested-archive", "", "time", values=("1700000000", "1700000002")),
    ),
    ("build-requirements", "build-requirements", difference("text", "-1\n+2")),
    ("other-backend", "published", difference("metadata", "", "Generator")),
    ("not-from-this-source", "published", difference("member-added", member="demo/evil.py")),
    ("not-from-this-source", "published", difference("entry-points", "", "entry point")),
    ("not-from-this-source", "published", difference("text", "-1\n+2")),
    ("unexplained", "phase-of-the-moon", difference("text", "-1\n+2")),
]


@pytest.mark.parametrize(("name", "variation", "seen"), EXPECTED)
def test_the_cause_is_named(name: str, variation: str, seen: Difference) -> None:
    (cause,) = explain((seen,), variation)
    assert (cause.explanation, cause.variation, cause.member) == (name, variation, seen.member)


def test_every_row_is_expected_of_something() -> None:
    assert {row.name for row in EXPLANATIONS} == {name for name, _, _ in EXPECTED}


@pytest.mark.parametrize("variation", VARIATIONS)
def test_every_variation_has_a_cause_for_whatever_differs(variation: str) -> None:
    (cause,) = explain((difference("of no known kind"),), variation)
    assert cause.explanation != "unexplained"


def test_a_date_that_both_sides_hold_is_not_the_cause() -> None:
    seen = difference("text", "-2024-05-06 id abcdef\n+2024-05-06 id fedcba")
    assert explain((seen,), "random")[0].explanation == "random-bytes"


def test_what_tells_most_comes_first_and_what_follows_is_left_out() -> None:
    found = (
        difference("record", member="demo.dist-info/RECORD", form="record-regenerated"),
        difference("archive-order", member="", form="member-order"),
        difference("pyc", "", "code", member="demo/x.pyc"),
        difference("text", member="demo/x.py"),
    )
    causes = explain(found, "build-path")
    assert [cause.member for cause in causes] == ["demo/x.py", "demo/x.pyc", ""]


def test_a_cause_is_said_once_a_member() -> None:
    assert len(explain((difference("text"), difference("text")), "user")) == 1


def test_names_are_unique_and_no_text_is_missing() -> None:
    assert len({row.name for row in EXPLANATIONS}) == len(EXPLANATIONS)
    for row in EXPLANATIONS:
        texts = (row.title, row.seen, row.why, row.packager, row.upstream)
        assert all(texts), row.name
        assert len(row.title) <= 50


@pytest.mark.parametrize("row", EXPLANATIONS, ids=lambda row: row.name)
def test_the_page_says_what_the_row_says(row: object) -> None:
    row = next(one for one in EXPLANATIONS if one is row)
    page = (PAGES.parent / row.page).read_text(encoding="utf-8")
    assert page.startswith(f"# {row.title}\n")
    for heading, text in (
        ("What is seen", row.seen),
        ("Why", row.why),
        ("What the packager does", row.packager),
        ("What the upstream project does", row.upstream),
        ("Example", "```"),
    ):
        assert f"## {heading} {text}" in " ".join(page.split())


def test_there_is_a_page_for_each_row_and_no_other() -> None:
    names = {row.name for row in EXPLANATIONS}
    assert {path.stem for path in PAGES.glob("*.md")} == names | {"index"}
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    assert all(f"]({name}.md)" in index for name in names)


#: Rows that none of our builds can lead to: only a wheel that somebody else made has these.
OF_PUBLISHED = {"zip-framing", "hidden-bytes", "other-backend", "not-from-this-source"}
#: A row that no single source leads to: tests/bootstrapping/test_differences.py has its defect.
OF_STAGES = {"build-requirements"}
#: What canonical form mends: the defect is in the backend's wheel, and no longer in ours.
MENDED = {
    "record-order": "record-order",
    "zip-order": "zip-order",
    "zip-times": "zip-times",
    "rust-sbom-serial": "sbom-serial",
}


def test_every_row_has_a_seeded_defect() -> None:
    seeded = {defect.explanation for defect in DEFECTS} | {
        MENDED[defect.name] for defect in DEFECTS if defect.name in MENDED
    }
    rows_of_builds = {row.name for row in EXPLANATIONS} - OF_PUBLISHED - OF_STAGES
    assert rows_of_builds - seeded == set()
    folders = {path.name for path in (PROJECTS / "defects").iterdir() if path.is_dir()}
    assert {defect.name for defect in DEFECTS} <= folders


def comparison(verdict: Verdict, **values: object) -> Comparison:
    return Comparison(
        name="lxml",
        version="5.2.1",
        wheel="lxml.whl",
        verdict=verdict,
        **values,  # type: ignore[arg-type]
    )


def published(explanation: str) -> Cause:
    seen = Difference(kind="text")
    return Cause(variation="published", explanation=explanation, difference=seen)


def test_the_verdict_line_names_member_cause_variation_and_fix() -> None:
    seen = Difference(kind="elf", member="lxml/etree.so")
    cause = Cause(variation="build-path", explanation="build-path-in-elf", difference=seen)
    line = verdict_line(comparison(Verdict.DIFFERENT, causes=(cause,)))
    assert line == (
        "lxml 5.2.1  different  etree.so: build path embedded (varied: build path) → "
        + explanation_of(cause).packager
    )


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (comparison(Verdict.IDENTICAL), "lxml 5.2.1  identical"),
        (
            comparison(Verdict.IDENTICAL, proof="identical content under the published headers"),
            "lxml 5.2.1  identical  identical content under the published headers",
        ),
        (
            comparison(
                Verdict.EQUIVALENT,
                causes=(published("zip-times"),),
                proof="identical content under the published headers",
            ),
            "lxml 5.2.1  equivalent  identical content under the published headers",
        ),
        (
            comparison(
                Verdict.DIFFERENT,
                against="published",
                causes=(published("not-from-this-source"),),
                reason="the published wheel was built by Python 3.9",
                hint="use the same version: --python 3.9",
            ),
            "lxml 5.2.1  different  the published wheel was built by Python 3.9 → "
            "use the same version: --python 3.9",
        ),
        (
            comparison(Verdict.EQUIVALENT, normalisations=("compression", "member-order")),
            "lxml 5.2.1  equivalent  (normalised: compression, member-order)",
        ),
        (
            comparison(Verdict.FAILED, reason="no \x1b[31mcompiler"),
            "lxml 5.2.1  failed  no \\x1b[31mcompiler",
        ),
        (comparison(Verdict.UNCHECKED, reason="offline"), "lxml 5.2.1  unchecked  offline"),
    ],
)
def test_the_verdict_line_of_other_verdicts(one: Comparison, line: str) -> None:
    assert verdict_line(one) == line


def test_a_hostile_member_name_cannot_speak_to_the_terminal() -> None:
    hostile = Difference(kind="text", member="a/\x1b]0;x\x07\u202e.py")
    cause = Cause(variation="user", explanation="user-name", difference=hostile)
    line = verdict_line(comparison(Verdict.DIFFERENT, causes=(cause,)))
    assert not set("\x1b\x07\u202e") & set(line)
