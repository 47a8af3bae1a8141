"""Configurations loaded in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amrasaman_nox.config import layers as configuration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from amrasaman_nox.config.config import Config


def load(
    folder: Path,
    given: Mapping[str, Any] | None = None,
    *,
    registered: Config | None = None,
    environ: Mapping[str, str] | None = None,
    invoked_from: Path | None = None,
) -> Config:
    return configuration.load(
        given or {},
        registered=registered,
        folder=folder,
        invoked_from=invoked_from or folder,
        environ=environ or {},
    )


def write(folder: Path, *lines: str) -> None:
    (folder / "pyproject.toml").write_text("\n".join(("[tool.amrasaman]", *lines)))
