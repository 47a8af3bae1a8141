"""The rungs of isolation: one row says all of a rung."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config import rungs
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.options import OPTIONS
from amrasaman_nox.config.rungs import RUNGS, Rung
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox import process
from amrasaman_nox.sandbox.view import Isolation, Launch, ProcessSpec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("rung", RUNGS.values(), ids=lambda rung: rung.name)
def test_a_row_names_a_function_and_says_what_a_user_must_know(rung: Rung) -> None:
    module, _, name = rung.launch.partition(":")
    assert callable(getattr(import_module(f"amrasaman_nox.{module}"), name))
    assert rung.provides
    assert rung.remedy


def test_the_option_takes_every_rung_and_no_other() -> None:
    (option,) = (option for option in OPTIONS if option.name == "isolation")
    assert option.metavar == "auto|full|namespaces|none"
    for name in option.metavar.split("|"):
        assert Config(isolation=name).isolation == name
    with pytest.raises(AsamanError, match="isolation"):
        Config(isolation="some")


def launch_other(command: ProcessSpec, filtered: bool) -> Launch:
    return Launch(argv=("other", *command.argv, str(filtered)))


def test_a_row_is_enough_for_a_rung_to_start_commands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("amrasaman_nox.sandbox.limited.none", launch_other)
    other = Rung(name="other", provides="-", launch="sandbox.limited:none", remedy="-")
    monkeypatch.setitem(rungs.RUNGS, "other", other)
    command = ProcessSpec(
        argv=("true",),
        directory="/",
        variables={},
        folders=(),
        environment=BuildEnvironment(),
        limits=Limits(),
        log=tmp_path / "log",
        python="python",
    )
    isolation = Isolation(rung="other", filtered=False)
    assert isolation.constant_paths
    found = process._launch(command, isolation)
    assert found.argv == ("other", "true", "False")
