"""What reports say of where a wheel comes from."""

from __future__ import annotations

import json

from amrasaman_nox.model import Branch, Digest, Origins, Report
from amrasaman_nox.reports import json as json_report
from amrasaman_nox.reports import origins, table

TOOL = Branch(depth=1, what="published", name="tool-1.0-py3-none-any.whl", digest=Digest.of(b"t"))
ORIGINS = Origins(
    branches=(
        Branch(depth=0, what="built", name="one-1.0-py3-none-any.whl", digest=Digest.of(b"one")),
        Branch(depth=1, what="sdist", name="one-1.0.tar.gz", digest=Digest.of(b"s")),
        TOOL,
    ),
    published=(TOOL,),
)


def test_each_step_is_indented_and_the_end_is_said_again() -> None:
    lines = [text for text, _ in origins.lines(ORIGINS)]
    assert lines[0] == f"one-1.0-py3-none-any.whl  {Digest.of(b'one')}"
    assert lines[1] == f"  one-1.0.tar.gz  {Digest.of(b's')}  source"
    assert lines[2] == f"  tool-1.0-py3-none-any.whl  {Digest.of(b't')}  as published"
    assert lines[-1] == f"  tool-1.0-py3-none-any.whl  {Digest.of(b't')}"


def test_the_table_ends_with_how_many_published_wheels_there_are() -> None:
    text = table.render(Report(command="tree", origins=ORIGINS))
    assert text.rstrip().endswith("1 published wheels at the end")


def test_the_json_report_has_values() -> None:
    found = json.loads(json_report.render(Report(command="tree", origins=ORIGINS)))["origins"]
    assert [each["depth"] for each in found["branches"]] == [0, 1, 1]
    assert found["published"][0]["name"] == TOOL.name


def test_what_is_published_stands_out_in_colour() -> None:
    report = Report(command="tree", origins=ORIGINS)
    assert "\x1b[33m" in table.render(report, colour=True)
    assert "\x1b" not in table.render(report)
