"""What differs between stages, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import ExitCode
from amrasaman_nox.verification.acceptance import exit_code

from ..support import toolchain
from ..support.toolchain import stages, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Report

    from ..support.index import LocalIndex

    Boot = Callable[..., Report]


@pytest.mark.slow
def test_a_build_requirement_that_never_repeats_is_named_with_what_differs(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index, source="counts")
    report = boot(toolchain.add_pin(index, "one"))
    assert exit_code(report) is ExitCode.DIFFERENT
    assert stages(report) == [(1, None), (1, None), (1, 0), (1, 0)]
    (found,) = report.comparisons
    assert (found.name, found.against) == ("minibuild", "stage 2")
    assert [(cause.explanation, cause.member) for cause in found.causes] == [
        ("build-requirements", "minibuild.py")
    ]
    assert written(tmp_path) == set()
    values = dict(found.values)
    again = boot(toolchain.add_pin(index, "one"), seed=report.seed)
    assert (again.seed, len(report.seed)) == (report.seed, 16)
    (repeated,) = again.comparisons
    assert {name: value for name, value in repeated.values if name != "clock"} == {
        name: value for name, value in values.items() if name != "clock"
    }
