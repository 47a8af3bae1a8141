"""Whether a working tree is the one that a release is made from: what git says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from packaging.version import InvalidVersion, Version

from amrasaman_nox.runs.epoch import changed
from amrasaman_nox.sources import git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.releases.facts import Built, Tree

#: What a problem is, and how to fix it.
Problem = tuple[str, str]

#: Build backends and plugins that take the version from tags.
_FROM_TAGS: Final = re.compile(
    r"(setuptools|vcs|flit|poetry|hatch|pdm|uv)?-?"
    r"(scm|vcs|versioningit|versioneer|dunamai|dynamic-versioning|git-versioning|pbr)\b"
)
#: A tag is a version behind a prefix, such as v1.0, release-1.0 or name/1.0.
_TAG: Final = re.compile(r"(?:.*[^0-9.!+a-z]|.*[^0-9]v|v)?(?P<version>[0-9].*)", re.IGNORECASE)
#: What git submodule status puts before a submodule that is not as committed.
_SUBMODULES: Final = {"-": "is not checked out", "+": "is at another commit", "U": "has conflicts"}


def check_git(tree: Tree, _: Built | None) -> Iterator[Problem]:
    """Yield what is wrong where no commit is checked out."""
    if tree.top is None:
        yield "no git repository", "release from a clone: git clone"
    elif tree.commit is None:
        yield "no commit", "git commit"


def check_clean(tree: Tree, _: Built | None) -> Iterator[Problem]:
    """Yield what is not committed."""
    if tree.top is not None and tree.commit is not None:
        found = changed(tree.top, tree.own)
        if found:
            yield f"{some(found, 'file')} not committed", "git commit, or git stash -u"


def check_tag(tree: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield that the commit has no tag."""
    if tree.commit is not None and not _tags(tree):
        # A version that comes from tags is another one as soon as there is a tag.
        known = "" if built is None or version_from_tags(tree) else built.version
        tag = _tag_of(tree, known or "VERSION")
        yield f"commit {tree.commit} has no tag", f"git tag -a {tag} -m {tag}"


def check_version(tree: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield that no tag of the commit names the version that is built."""
    if built is None or tree.commit is None:
        return
    tags = _tags(tree)
    if tags and not any(names_version(tag, built.version) for tag in tags):
        what = f"the version is {built.version}, and the commit is tagged {', '.join(tags)}"
        if version_from_tags(tree):
            yield what, "commit all changes, and tag that commit with the version"
        else:
            yield what, f"set the version of the tag, or tag {_tag_of(tree, built.version)}"


def check_shallow(tree: Tree, _: Built | None) -> Iterator[Problem]:
    """Yield that tags may be missing that the version comes from."""
    if tree.top is None or git.line(tree.top, "rev-parse", "--is-shallow-repository") != "true":
        return
    if version_from_tags(tree):
        yield (
            "the clone is shallow, and the version comes from tags",
            "git fetch --unshallow --tags; fetch-depth: 0 for actions/checkout",
        )


def check_submodules(tree: Tree, _: Built | None) -> Iterator[Problem]:
    """Yield the submodules that are not as committed."""
    if tree.top is None or not (tree.top / ".gitmodules").is_file():
        return
    for line in git.line(tree.top, "submodule", "status", "--recursive").splitlines():
        if line[0] in _SUBMODULES:
            path = line[1:].split(" ", 1)[1].split(" (")[0]
            what = f"submodule {path} {_SUBMODULES[line[0]]}"
            yield what, "git submodule update --init --recursive"


def _tags(tree: Tree) -> list[str]:
    return git.line(_top(tree), "tag", "--points-at", "HEAD").split()


def _tag_of(tree: Tree, version: str) -> str:
    """Return the tag of *version*, with the prefix of the newest tag that the commit follows."""
    tags = git.line(_top(tree), "tag", "--merged", "HEAD", "--sort=creatordate").split()
    found = _TAG.fullmatch(tags[-1]) if tags else None
    return f"{tags[-1][: found.start('version')] if found else 'v'}{version}"


def _top(tree: Tree) -> Path:
    return tree.top or tree.folder


def names_version(tag: str, version: str) -> bool:
    """Tell whether *tag* names *version*, with any prefix: ``v1.0``, ``name-1.0``, ``1.0``."""
    match = _TAG.fullmatch(tag)
    try:
        return match is not None and Version(match["version"]) == Version(version)
    except InvalidVersion:
        return False


def version_from_tags(tree: Tree) -> bool:
    """Tell whether the version of a project comes from tags of git."""
    table = tree.pyproject
    requires = table.get("build-system", {}).get("requires", ())
    tools = table.get("tool", {})
    names = (*(str(one) for one in requires), *tools)
    if any(_FROM_TAGS.search(re.sub(r"[-_.]+", "-", name).lower()) for name in names):
        return True
    return bool(tools.get("pdm", {}).get("version", {}).get("source") == "scm")


def some(names: list[str], what: str) -> str:
    """Return how many *names* there are, and the first of them: ``3 files such as a.py``."""
    if len(names) == 1:
        return f"{what} {names[0]}"
    return f"{len(names)} {what}s such as {min(names)}"
