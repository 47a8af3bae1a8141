"""Locks of tools whose format is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.inputs import FORMATS
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.inputs.other_locks import EXPORTS
from amrasaman_nox.inputs.readers import read_input

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", EXPORTS)
def test_a_lock_that_is_not_read_is_named_with_the_command_that_exports_it(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(AsamanError) as caught:
        read_input(Config(requirement=tmp_path / name))
    assert (caught.value.what, caught.value.code) == (str(tmp_path / name), ExitCode.BAD_INPUT)
    assert EXPORTS[name][1] in caught.value.hint


def test_each_such_lock_is_of_the_format() -> None:
    (row,) = (form for form in FORMATS if form.kind == "other lock")
    assert set(row.names) == set(EXPORTS)
