"""Whether an sdist has what git tracks, and nothing else from the working tree."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.releases.repository import some
from amrasaman_nox.sources import git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.releases.facts import Built, Tree
    from amrasaman_nox.releases.repository import Problem

#: Tables of pyproject.toml in which a backend is told what goes into an sdist. A list of what to
#: include is a rule for all that is not in it, a list of what to exclude for what it names.
_INCLUDING: Final = (
    *("hatch.build.include", "hatch.build.only-include"),
    *("hatch.build.targets.sdist.include", "hatch.build.targets.sdist.only-include"),
    *("flit.sdist.include", "poetry.include", "pdm.build.includes", "pdm.build.source-includes"),
    *("scikit-build.sdist.include", "uv.build-backend.source-include"),
)
_EXCLUDING: Final = (
    *("hatch.build.exclude", "hatch.build.targets.sdist.exclude", "flit.sdist.exclude"),
    *("poetry.exclude", "pdm.build.excludes", "scikit-build.sdist.exclude"),
    *("uv.build-backend.source-exclude", "check-manifest.ignore"),
)
_MANIFEST: Final = re.compile(
    r"\s*(exclude|global-exclude|recursive-exclude|prune)\s+(.+)", re.IGNORECASE
)


def check_untracked(tree: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield what the sdist has of the working tree and git does not track."""
    if built is None or tree.top is None:
        return
    names = git.names(git.answer(tree.folder, "ls-files", "-z", "--others", "--exclude-standard"))
    found = sorted(name for name in names if name in built.members and not _is_made(name))
    if found:
        yield f"the sdist has {some(found, 'file')} that git does not track", "git add, or remove"


def check_left_out(tree: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield what git tracks and the sdist has not, where no rule says so."""
    if built is None or tree.top is None:
        return
    tracked = git.names(git.answer(tree.folder, "ls-files", "-z", "--recurse-submodules"))
    patterns = tuple(_patterns(tree))
    found = sorted(
        name
        for name in tracked
        if name not in built.members and not _is_hidden(name) and not _is_ruled(name, patterns)
    )
    if found:
        yield (
            f"the sdist lacks {some(found, 'tracked file')}",
            "include or exclude what is named in the backend's settings (MANIFEST.in)",
        )


def _is_made(name: str) -> bool:
    """Return whether backends write a file of this *name* into sdists."""
    return name == "PKG-INFO" or ".egg-info/" in name


def _is_hidden(name: str) -> bool:
    """Return whether it is for development alone by its name: such as ``.github``."""
    return any(part.startswith(".") for part in name.split("/"))


def _patterns(tree: Tree) -> Iterator[str]:
    """Yield the patterns of what is left out on purpose."""
    tool = tree.pyproject.get("tool", {})
    if any(_value(tool, place) for place in _INCLUDING):
        yield "*"
    for place in _EXCLUDING:
        found = _value(tool, place)
        for each in found if isinstance(found, list) else ():
            yield str(each.get("path", "")) if isinstance(each, dict) else str(each)
    manifest = tree.folder / "MANIFEST.in"
    if manifest.is_file():
        for line in manifest.read_text("utf-8", "replace").splitlines():
            if match := _MANIFEST.match(line):
                yield from _of_manifest(match[1].lower(), match[2].split("#")[0].split())


def _of_manifest(command: str, words: list[str]) -> Iterator[str]:
    if command == "recursive-exclude":
        top, *words = words
        yield from (f"{top.rstrip('/')}/**/{word}" for word in words)
    elif command == "global-exclude":
        yield from (f"**/{word}" for word in words)
    else:
        yield from words


def _value(table: Any, place: str) -> Any:
    for key in place.split("."):
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _is_ruled(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a pattern names a file, a folder above it, or either of them at any depth."""
    parts = name.split("/")
    above = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    for pattern in patterns:
        plain = pattern.strip("/").removesuffix("/**").removesuffix("/*")
        loose = plain.replace("**/", "*").removeprefix("*/")
        tried = (*above, *(parts if "/" not in plain else ()))
        if any(fnmatch.fnmatchcase(each, one) for each in tried for one in (plain, loose)):
            return True
    return False
