"""Where symbolic links of a source lead: inside it, and never in a circle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.archives.names import Subject, quoted
from amrasaman_nox.errors import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from amrasaman_nox.errors import AsamanError

#: How many links may follow one another on the way to a file.
_LONGEST_CHAIN: Final = 8
_Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """The symbolic links of a source with their targets, and what else there is.

    Paths are tuples of components below the top folder, which is the empty one among *folders*.
    """

    targets: Mapping[_Path, str]
    files: Collection[_Path]
    folders: Collection[_Path]


def check_links(links: Links, subject: Subject, *, dangling: bool) -> None:
    """Check that every link is relative and stays in the source.

    :param dangling: whether one may lead to a file that is not there
    :raises AsamanError: naming the first link that does not (exit 2)
    """
    to_folders = {}
    for parts, target in links.targets.items():
        goal = _goal(parts, target)
        if goal and goal in links.folders:
            to_folders[parts] = goal
        elif not _is_safe(links, _end(links, goal), dangling=dangling):
            raise _unsafe(subject, parts, target)
    for parts, goal in to_folders.items():
        # What a link shows may hold no link to a folder: so no way through the tree has an end-
        # less loop, and no link leads to a folder that it is in.
        if any(other[: len(goal)] == goal for other in to_folders):
            raise _unsafe(subject, parts, links.targets[parts])


def _is_safe(links: Links, end: _Path | None, *, dangling: bool) -> bool:
    """Whether *end* is a file, or nothing at all, also not by way of another link."""
    if end is None or end in links.files:
        return end is not None
    way = (end[:depth] for depth in range(1, len(end) + 1))
    return dangling and end not in links.folders and not any(one in links.targets for one in way)


def _end(links: Links, goal: _Path | None) -> _Path | None:
    """Return where links that lead to links end: *goal* if it is not a link, a link in a circle."""
    for _ in range(_LONGEST_CHAIN):
        if goal is None or goal not in links.targets:
            break
        goal = _goal(goal, links.targets[goal])
    return goal


def _goal(parts: _Path, target: str) -> _Path | None:
    """Return the components that *target* leads to from the link *parts*, ``None`` if unsafe."""
    steps = target.split("/")
    up = 0
    while up < len(steps) and steps[up] == "..":
        up += 1
    down = tuple(steps[up:])
    # A step up behind a step down would depend on whether the latter is a link itself.
    if up >= len(parts) or any(step in {"", ".", ".."} for step in down):
        return None
    if "\\" in target or printable(target) != target:
        return None
    return parts[: len(parts) - 1 - up] + down


def _unsafe(subject: Subject, parts: _Path, target: str) -> AsamanError:
    return subject.refusal(f"unsafe link {quoted('/'.join(parts))} to {quoted(target)}")
