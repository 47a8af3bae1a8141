"""What is built: a source, its build requirements and the options of a run, as one value."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.model import BuildEnvironment, BuildJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Interpreter, LockedFile, RustToolchain, Source


def environment_of(config: Config) -> BuildEnvironment:
    """Return the constant environment of builds, with what the user sets on purpose."""
    return dataclasses.replace(
        BuildEnvironment(),
        source_date_epoch=config.sde,
        source_times=config.sde,
        keep_debug_info=config.keep_debug_info,
        variables=tuple(sorted(config.variables)),
    )


def job_of(
    source: Source,
    interpreter: Interpreter,
    files: Iterable[LockedFile],
    *,
    config: Config,
    isolation: str,
    rust: Callable[[], RustToolchain] | None = None,
) -> BuildJob:
    """Return the build of *source* with the locked *files* as its build environment.

    :param isolation: the rung on which it is built
    :param rust: finds the toolchain; called only for a source that has Rust in it
    :raises AsamanError: there is no toolchain
    """
    return BuildJob(
        source=source,
        requirements=tuple(sorted(files)),
        interpreter=interpreter,
        environment=environment_of(config),
        isolation=isolation,
        config_settings=config.config_settings,
        limits=config.limits,
        rust=rust() if rust is not None and source.crates is not None else None,
    )
