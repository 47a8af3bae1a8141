"""Options that have no effect by themselves, or beside another one: a row for each.

Only what is given on the command line is checked. The keys of ``[tool.amrasaman]`` are for all
commands, and so are the arguments of a nox run of several sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from amrasaman_nox.config.commands import BUILDS, sessions_that
from amrasaman_nox.config.config import PUBLISHED, SOURCE
from amrasaman_nox.errors import AsamanError, all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from amrasaman_nox.config.commands import Command
    from amrasaman_nox.config.config import Config


class Companion(NamedTuple):
    """When an option of some commands has no effect, and what to do about it.

    ``option`` is the name of the option that sets ``field``. ``idle`` tells from the whole
    configuration, in which files may set the other option, that it has none.
    """

    commands: frozenset[str]
    option: str
    field: str
    idle: Callable[[Config], bool]
    why: str
    hint: str


_GENERATE: Final = frozenset({"verified_requirements"})
_VERIFY: Final = frozenset({"verify"})
_BUILD: Final = sessions_that(BUILDS) - {"bootstrap"}
_SUMMARY: Final = "it signs the summary of --vsa, and none is written"
_SIGN: Final = "give --vsa FILE, or sign the records: asaman sign DIRECTORY --key FILE"
_REBUILD: Final = "it is of a rebuild, and --against compares without one"
_ALONE: Final = "use only one of them"


def _published(config: Config) -> bool:
    return PUBLISHED in config.others


def _compares(config: Config) -> bool:
    return bool(config.others)


def _with_published(config: Config) -> bool:
    return config.build_requirements != SOURCE


COMPANIONS: Final = (
    Companion(_GENERATE, "against", "against", lambda config: config.policy is None,
              "only a policy counts what other rebuilders have",
              "give one: --policy FILE; to compare: asaman verify --against"),
    Companion(_GENERATE, "against", "against", _published,
              "published wheels have no signed records",
              "compare with them: asaman verify --against published"),
    Companion(_GENERATE, "sign", "key", lambda config: config.vsa is None, _SUMMARY, _SIGN),
    Companion(_GENERATE, "identity", "identity", lambda config: config.vsa is None,
              _SUMMARY, _SIGN),
    Companion(_VERIFY, "policy", "policy", _published,
              "it counts signed records, and published wheels have none", _ALONE),
    Companion(_VERIFY, "vary", "vary", _compares, _REBUILD, _ALONE),
    Companion(_VERIFY, "seed", "seed", _compares, _REBUILD, _ALONE),
    Companion(_VERIFY, "require-variations", "require_variations", _compares, _REBUILD, _ALONE),
    Companion(_VERIFY, "dist", "dist", _compares, _REBUILD, _ALONE),
    Companion(_VERIFY, "dist", "dist", lambda config: config.project is None,
              "it is for the sdist and the wheels of a project", "give no other input"),
    Companion(_VERIFY, "sources", "sources", lambda config: not config.others,
              "it has the sdists of the wheels that --against names", "give --against FILE"),
    Companion(_BUILD, "stages", "stages", _with_published,
              "build requirements are not built from source", "--build-requirements source"),
    Companion(_BUILD, "keep-build-requirements", "keep_build_requirements", _with_published,
              "build requirements are not built from source", "--build-requirements source"),
)  # fmt: skip


def check(command: Command, given: Collection[str], config: Config) -> None:
    """Check that each of the fields that were *given* on the command line has an effect.

    :raises AsamanError: one has none (exit 2); all are named
    """
    problems = [
        AsamanError(f"--{each.option}", each.why, hint=each.hint)
        for each in COMPANIONS
        if command.session in each.commands and each.field in given and each.idle(config)
    ]
    if problems:
        raise all_of(problems)
