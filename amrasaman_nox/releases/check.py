"""The command that checks, before a release, what cannot be fixed after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildOutcome, Finding, Report
from amrasaman_nox.releases import facts
from amrasaman_nox.releases.checks import CHECKS, NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Notify
    from amrasaman_nox.releases.facts import Built, Tree


def check(config: Config, *, notify: Notify) -> Report:
    """Check the working tree of a project, and the sdist and the wheels that it gives.

    They are built for that, into the output folder.

    :raises AsamanError: an unknown check is allowed, or there is no project (exit 2); the sdist
        cannot be built (exit 3); as :func:`build_wheels`
    """
    unknown = [name for name in config.allow_findings if name not in NAMES]
    if unknown:
        hint = f"checks are {', '.join(NAMES)}"
        raise AsamanError(f"--allow {unknown[0]}", "no such check", hint=hint)
    tree = facts.tree_of(config)
    built = facts.built_from(config, notify)
    failures = built if isinstance(built, tuple) else ()
    found = tuple(_findings(tree, None if isinstance(built, tuple) else built, config))
    return Report(command="release_check", build=BuildOutcome(failures=failures), findings=found)


def _findings(tree: Tree, built: Built | None, config: Config) -> Iterator[Finding]:
    for each in CHECKS:
        allowed = each.name in config.allow_findings
        for what, fix in each.find(tree, built):
            yield Finding(check=each.name, what=what, fix=fix, allowed=allowed)
