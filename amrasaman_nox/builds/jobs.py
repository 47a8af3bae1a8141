"""What is built: a source, its build requirements and the options of a run, as one value."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.config.packages import pairs_of
from amrasaman_nox.model import BuildEnvironment, BuildJob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.config.packages import Package
    from amrasaman_nox.model import Interpreter, LockedFile, RustToolchain, Source


def environment_of(config: Config) -> BuildEnvironment:
    """Return the constant environment of builds, with what the user sets for all of them."""
    return dataclasses.replace(
        BuildEnvironment(),
        source_date_epoch=config.epoch,
        source_times=config.epoch,
        processors=config.build_processors,
        keep_debug_info=config.keep_debug_info,
        embedded_sbom=config.embed_sbom,
        variables=tuple(sorted(pairs_of(config.variables, ""))),
    )


def _environment_for(source: Source, own: Iterable[Package], config: Config) -> BuildEnvironment:
    """Return the environment of the build of *source*, with its *own* settings."""
    found = environment_of(config)
    variables = dict(pairs_of(config.variables, source.name))
    for each in own:
        variables.update(each.variables)
        if each.build_processors is not None:
            found = dataclasses.replace(found, processors=each.build_processors)
    if source.name in config.constant_temporary_names:
        found = dataclasses.replace(found, temporary_names="constant")
    return dataclasses.replace(found, variables=tuple(sorted(variables.items())))


def job_of(
    source: Source,
    interpreter: Interpreter,
    files: Iterable[LockedFile],
    *,
    config: Config,
    isolation: str,
    rust: Callable[[str], RustToolchain] | None = None,
) -> BuildJob:
    """Return the build of *source* with the locked *files* as its build environment.

    :param isolation: the rung on which it is built
    :param rust: finds the toolchain by the channel that a source names; called only for a source
        that has Rust in it
    :raises AsamanError: there is no toolchain
    """
    own = config.for_release(source.name, source.version)
    return BuildJob(
        source=source,
        requirements=tuple(sorted(files)),
        interpreter=interpreter,
        environment=_environment_for(source, own, config),
        isolation=isolation,
        config_settings=(
            *pairs_of(config.config_settings, source.name),
            *(pair for each in own for pair in each.config_settings),
        ),
        limits=config.limits,
        rust=rust(source.rust_channel) if rust is not None and source.crates is not None else None,
    )
