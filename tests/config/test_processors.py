"""How many processors a build sees."""

from __future__ import annotations

import pytest

from amrasaman_nox.config import processors


def test_auto_is_as_many_as_this_process_may_use() -> None:
    assert processors.number("auto") == processors.available() >= 1
    assert processors.number(1) == 1
    assert processors.number(1024) == 1024


@pytest.mark.parametrize("value", [0, -1, 1025, 1.0, True, "2", "AUTO", "", None, []])
def test_what_is_no_number_of_processors_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="auto, or a whole number from 1 to 1024, is required"):
        processors.number(value)
