"""The checks of a release, in one table: a check is one function and one row here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from amrasaman_nox.releases import contents, metadata, repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.releases.facts import Built, Tree
    from amrasaman_nox.releases.repository import Problem


class Check(NamedTuple):
    """A check: its name, what it requires, and who finds what is wrong.

    ``find`` takes the working tree and what was built from it, ``None`` where that failed.
    """

    name: str
    requires: str
    find: Callable[[Tree, Built | None], Iterator[Problem]]


CHECKS: Final[tuple[Check, ...]] = (
    Check("git", "A commit of a git repository is checked out.", repository.check_git),
    Check("clean", "Everything is committed.", repository.check_clean),
    Check("tag", "The commit has a tag.", repository.check_tag),
    Check("version", "The tag is the version.", repository.check_version),
    Check(
        "shallow",
        "The clone is not shallow, if the version comes from tags.",
        repository.check_shallow,
    ),
    Check(
        "submodules", "Submodules are checked out at their commits.", repository.check_submodules
    ),
    Check("untracked", "git tracks all files of the sdist.", contents.check_untracked),
    Check(
        "left-out",
        "The sdist has all tracked files, except those that a rule excludes.",
        contents.check_left_out,
    ),
    Check("metadata", "The index accepts the metadata.", metadata.check_metadata),
    Check("classifiers", "The index knows the classifiers.", metadata.check_classifiers),
    Check(
        "python",
        "requires-python, the classifiers and the wheel's tags agree.",
        metadata.check_python,
    ),
    Check("readme", "The index can show the README.", metadata.check_readme),
)

#: The names that ``--allow`` takes.
NAMES: Final = tuple(check.name for check in CHECKS)
