"""Where a wheel comes from, down to published wheels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.bootstrapping.tree import show_tree
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.runs.build import build_wheels

from ..support import toolchain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Report

    from ..support.index import LocalIndex

    Boot = Callable[..., Report]

WHEEL = "one-1.0-py3-none-any.whl"
TOOL = "minibuild-2.0-py3-none-any.whl"


def tree(folder: Path, **more: object) -> list[tuple[int, str, str]]:
    config = Config(
        **{"wheel": folder / "wheels" / WHEEL, "cache_dir": folder / "cache", **more}  # type: ignore[arg-type]
    )
    origins = show_tree(config).origins
    assert origins is not None
    assert [each.name for each in origins.published] == [TOOL]
    return [(each.depth, each.what, each.name) for each in origins.branches]


def test_it_goes_down_through_the_stages_to_published_wheels(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    boot(toolchain.add_pin(index, "one"))
    assert tree(tmp_path) == [
        (0, "built", WHEEL),
        (1, "sdist", "one-1.0.tar.gz"),
        (1, "built", TOOL),
        (2, "sdist", "minibuild-2.0.tar.gz"),
        (2, "built", TOOL),
        (3, "sdist", "minibuild-2.0.tar.gz"),
        (3, "published", TOOL),
    ]


@pytest.mark.slow
def test_of_a_plain_build_the_published_wheels_are_the_next_step(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    boot(toolchain.add_pin(index, "one"), work=build_wheels)
    assert tree(tmp_path)[-1] == (1, "published", TOOL)


@pytest.mark.slow
def test_a_record_that_is_missing_is_named(boot: Boot, index: LocalIndex, tmp_path: Path) -> None:
    toolchain.add_backend(index)
    boot(toolchain.add_pin(index, "one"))
    with pytest.raises(AsamanError, match="is not in the store") as caught:
        tree(tmp_path, cache_dir=tmp_path / "other")
    assert caught.value.what == TOOL
    assert caught.value.code is ExitCode.INPUT_OUTPUT


@pytest.mark.slow
def test_a_wheel_that_is_not_the_one_of_its_record_is_refused(
    boot: Boot, index: LocalIndex, tmp_path: Path
) -> None:
    toolchain.add_backend(index)
    boot(toolchain.add_pin(index, "one"))
    (tmp_path / "wheels" / WHEEL).write_bytes(b"")
    with pytest.raises(AsamanError, match="its record is of other bytes"):
        tree(tmp_path)
