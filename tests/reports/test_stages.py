"""What reports say of stages."""

from __future__ import annotations

import dataclasses
import json

import pytest

from amrasaman_nox.model import (
    Bootstrap,
    BuildOutcome,
    Digest,
    Interpreter,
    LockedFile,
    Report,
    Stage,
)
from amrasaman_nox.reports import html, markdown, stages, table
from amrasaman_nox.reports import json as json_report

PYTHON = Interpreter(
    executable="/usr/bin/python3",
    implementation="cpython",
    version="3.11.2",
    platform="linux-x86_64",
    prefix="/usr",
    shown=(),
    hidden=(),
    markers=(),
    tags=(),
    digest=Digest.of(b"python"),
)
TOLD = Bootstrap(
    interpreter=PYTHON,
    stages=(
        Stage(number=0, count=18),
        Stage(number=1, count=18, kept=18),
        Stage(number=2, count=18, same=18),
    ),
    compiler="gcc 12.2.0",
    pins=29,
)
SEED = LockedFile(filename="uv-1.0-py3-none-any.whl", digest=Digest.of(b"uv"))
REPORT = Report(command="bootstrap", build=BuildOutcome(bootstraps=(TOLD,)))


def test_each_stage_is_a_line_and_what_is_trusted_is_the_last() -> None:
    assert stages.lines(REPORT) == (
        ("stage 0", "18 build requirements as published"),
        ("stage 1", "18 built from source with stage 0 (by an earlier run)"),
        ("stage 2", "18 built from source with stage 1: 18 identical. Fixed point."),
        ("pins", "29 built with stage 2"),
        ("trusted", "python 3.11.2 · gcc 12.2.0 · no published wheel"),
    )


def test_what_is_trusted_as_published_is_named() -> None:
    told = dataclasses.replace(TOLD, seeds=(SEED,))
    report = dataclasses.replace(REPORT, build=BuildOutcome(bootstraps=(told, TOLD)))
    lines = stages.lines(report)
    assert lines[0] == ("python", "cpython-3.11-linux-x86_64")
    assert ("trusted", "python 3.11.2 · gcc 12.2.0 · uv-1.0-py3-none-any.whl as published") in lines


def test_stages_that_do_not_repeat_are_no_fixed_point() -> None:
    last = Stage(number=2, count=18, same=17)
    told = dataclasses.replace(TOLD, stages=(*TOLD.stages[:2], last), pins=0)
    report = dataclasses.replace(REPORT, build=BuildOutcome(bootstraps=(told,)))
    text = dict(stages.lines(report))
    assert text["stage 2"] == "18 built from source with stage 1: 17 identical"
    assert "pins" not in text


@pytest.mark.parametrize("render", [table.render, markdown.render, html.render])
def test_reports_for_readers_have_every_line(render: object) -> None:
    text = render(REPORT)  # type: ignore[operator]
    assert "18 built from source with stage 1: 18 identical" in text
    assert "trusted" in text


def test_the_json_report_has_values() -> None:
    (found,) = json.loads(json_report.render(REPORT))["bootstraps"]
    assert found["fixed"] is True
    assert found["stages"][2] == {"stage": 2, "wheels": 18, "kept": 0, "identical": 18}
