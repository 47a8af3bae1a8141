"""The copy of a project's working tree that a build sees.

Where git keeps the tree, the copy has what git tracks, with untracked files that are not ignored,
and a repository of its own, so that plugins that ask git for a version get the same answer as in
the tree itself. Elsewhere it has everything but virtual environments and what builds left behind.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.files import is_within
from amrasaman_nox.sources import git

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Folders at the top of a tree without git that tools leave there.
_CACHES: Final = frozenset(
    {
        *("__pycache__", ".nox", ".tox", ".mypy_cache", ".pytest_cache", ".ruff_cache"),
        *(".hypothesis", ".eggs"),
    }
)
_BUILT: Final = ("lib", "bdist.", "temp.")
_ARCHIVES: Final = (".whl", ".tar.gz", ".zip", ".provenance.json", ".asc", ".gitignore")
_GITLINK: Final = "160000"
#: Times, owners and inodes change when a tree is copied; contents and sizes do not.
_SETTINGS: Final = {"core.checkStat": "minimal", "core.trustctime": "false"}


#: Our own folders, resolved, of which only what git tracks is copied.
Own = frozenset[Path]


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """Where the project is in the copy, relative to its top (POSIX), and notes for the user."""

    project: str = "."
    notes: tuple[str, ...] = ()


def copy_tree(folder: Path, destination: Path, *, left_out: Iterable[Path]) -> Copied:
    """Copy the working tree of the project in *folder* into the empty folder *destination*.

    :param left_out: folders of results and of the cache; what git does not track in them is left
        out, also where they lie in the project
    :raises AsamanError: the tree cannot be copied (exit 5), or git does not answer, or answers
        otherwise in the copy (exit 2)
    """
    folder, own = folder.resolve(), frozenset(path.resolve() for path in left_out)
    top = git.top_of(folder)
    try:
        if top is None:
            notes = tuple(_copy_plain(folder, destination, own))
            return Copied(notes=notes)
        notes = tuple(_copy_repository(top, destination, own))
    except (OSError, shutil.Error) as error:
        why = system_reason(error) if isinstance(error, OSError) else str(error)
        where = str(getattr(error, "filename", None) or folder)
        raise AsamanError(
            f"cannot copy {folder}", f"{where}: {why}", code=ExitCode.INPUT_OUTPUT
        ) from None
    return Copied(project=folder.relative_to(top).as_posix(), notes=notes)


# --- with git ------------------------------------------------------------------------------------


def _copy_repository(top: Path, destination: Path, own: Own) -> Iterator[str]:
    """Copy what git has of the tree, with a repository of its own; yield notes."""
    links = _copy_history(top, destination)
    names = git.names(
        git.answer(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    )
    tracked = set(git.names(git.answer(top, "ls-files", "-z", "--cached")))
    for name in dict.fromkeys(names):
        path = top / name.rstrip("/")
        if name not in tracked and is_within(path, own):
            continue
        if name in links or (name.endswith("/") and (path / ".git").exists()):
            yield from _copy_nested(path, destination / name.rstrip("/"), own)
        else:
            yield from _copy_one(path, destination / name)
    _settle(destination)
    _check_answers(top, destination, own)


def _copy_nested(path: Path, destination: Path, own: Own) -> Iterator[str]:
    """Copy a submodule or another repository inside the tree; an absent one is an empty folder."""
    destination.mkdir(parents=True, exist_ok=True)
    if (path / ".git").exists():
        yield from _copy_repository(path, destination, own)


def _copy_history(top: Path, destination: Path) -> frozenset[str]:
    """Give *destination* the commits, references and index of *top*; return its submodules."""
    kind = git.line(top, "rev-parse", "--show-object-format")
    _ours(destination, "init", "--quiet", "--template=", f"--object-format={kind}")
    for name, value in _SETTINGS.items():
        _ours(destination, "config", name, value)
    head = git.run(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    branch = git.run(top, "symbolic-ref", "--quiet", "HEAD")
    if head.returncode == 0:
        own, temporary = "+refs/*:refs/*", "refs/amrasaman/head"
        fetch = ("fetch", "--quiet", "--no-tags", "--update-shallow", "--update-head-ok")
        _ours(destination, *fetch, str(top), own, f"+HEAD:{temporary}")
        commit = head.stdout.decode().strip()
        # How short git writes hashes follows from how many objects a repository has.
        short = len(git.line(top, "rev-parse", "--short", "HEAD"))
        _ours(destination, "config", "core.abbrev", str(short))
        if branch.returncode == 0:
            _ours(destination, "symbolic-ref", "HEAD", branch.stdout.decode().strip())
        else:
            _ours(destination, "update-ref", "--no-deref", "HEAD", commit)
        _ours(destination, "update-ref", "-d", temporary)
        (destination / ".git" / "FETCH_HEAD").unlink(missing_ok=True)
    elif branch.returncode == 0:
        _ours(destination, "symbolic-ref", "HEAD", branch.stdout.decode().strip())
    _copy_exclude(top, destination)
    return _copy_index(top, destination)


def _copy_exclude(top: Path, destination: Path) -> None:
    """Copy the patterns of ignored files and attributes that no commit has."""
    for name in ("info/exclude", "info/attributes"):
        path = top / git.line(top, "rev-parse", "--git-path", name)
        if path.is_file():
            there = destination / ".git" / name
            there.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, there)


def _copy_index(top: Path, destination: Path) -> frozenset[str]:
    """Give *destination* the index of *top*, with objects that no commit has; return submodules."""
    staged = git.answer(top, "ls-files", "-z", "--stage")
    _ours(destination, "update-index", "-z", "--index-info", given=staged)
    entries = [entry.partition("\t") for entry in git.names(staged)]
    facts = [(*about.split(), name) for about, _, name in entries]
    blobs = sorted({one[1] for one in facts if one[0] != _GITLINK})
    wanted = "".join(f"{blob}\n" for blob in blobs).encode()
    checked = _ours(destination, "cat-file", "--batch-check", given=wanted).decode()
    lacking = [line.split()[0] for line in checked.splitlines() if line.endswith(" missing")]
    if lacking:
        listed = "".join(f"{blob}\n" for blob in lacking).encode()
        packed = git.answer(top, "pack-objects", "--quiet", "--stdout", given=listed)
        _ours(destination, "unpack-objects", "-q", given=packed)
    skipped = [
        name[2:] for name in git.names(git.answer(top, "ls-files", "-z", "-t")) if name[:2] == "S "
    ]
    if skipped:
        given = b"".join(os.fsencode(name) + b"\0" for name in skipped)
        _ours(destination, "update-index", "-z", "--skip-worktree", "--stdin", given=given)
    return frozenset(one[-1] for one in facts if one[0] == _GITLINK)


def _settle(destination: Path) -> None:
    git.run(destination, *git.TRUSTED, "update-index", "-q", "--refresh")


def _check_answers(top: Path, destination: Path, own: Own) -> None:
    """Check that git says in the copy what it says in the tree: the version may come from it."""
    for arguments in (
        ("status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=none"),
        ("describe", "--tags", "--long", "--always", "--dirty"),
    ):
        outside, inside = git.run(top, *arguments), git.run(destination, *git.TRUSTED, *arguments)
        before, after = (_essence(found.stdout, top, own) for found in (outside, inside))
        if (outside.returncode == 0, before) != (inside.returncode == 0, after):
            raise AsamanError(
                str(top),
                f"git {arguments[0]} gives another result in a copy of the tree",
                hint="commit or stash what is changed, then try again",
            )


def _essence(answer: bytes, top: Path, own: Own) -> list[str]:
    """Return the parts of an answer, without untracked files of our own folders."""
    return [
        part
        for part in git.names(answer)
        if not (part.startswith("?? ") and is_within(top / part[3:], own))
    ]


def _ours(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Return what git prints in the copy, whoever owns its folder."""
    return git.answer(folder, *git.TRUSTED, *arguments, given=given)


# --- without git ---------------------------------------------------------------------------------


def _copy_plain(folder: Path, destination: Path, own: Own) -> Iterator[str]:
    """Copy everything but virtual environments and, at the top, what builds left behind."""
    for path in sorted(folder.iterdir()):
        if not _is_left_behind(path):
            yield from _copy_all(path, destination / path.name, own)


def _copy_all(path: Path, destination: Path, own: Own) -> Iterator[str]:
    if path.is_symlink() or not path.is_dir():
        yield from _copy_one(path, destination)
    elif path not in own and not (path / "pyvenv.cfg").is_file():
        destination.mkdir()
        for each in sorted(path.iterdir()):
            yield from _copy_all(each, destination / each.name, own)


def _is_left_behind(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir():
        return False
    if path.name in _CACHES or path.name.endswith(".egg-info"):
        return True
    if path.name == "build":
        # A package or a folder of the project may have this name as well.
        return all(each.name.startswith(_BUILT) for each in path.iterdir())
    return path.name == "dist" and all(each.name.endswith(_ARCHIVES) for each in path.iterdir())


# --- both ----------------------------------------------------------------------------------------


def _copy_one(path: Path, destination: Path) -> Iterator[str]:
    """Copy a file or a link with its mode; yield a note for what is neither."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return  # git tracks it, and it was removed from the tree
    destination.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(mode) or stat.S_ISREG(mode):
        shutil.copy2(path, destination, follow_symlinks=False)
    elif stat.S_ISDIR(mode):
        destination.mkdir(exist_ok=True)
    else:
        yield f"not copied, neither a file nor a folder: {path}"
