"""Runs first in the sandbox: puts the source into memory, then runs the hooks.

How a folder is listed is up to its file system: by hashes that were salted when it was made (ext4)
or by creation (in memory). A source in memory, created in one order, is listed in one order on
every machine. Where a wheel is to be built as soon as it is known that nothing else is required,
one start does both: the first hook runs in a child of the interpreter that has the backend
imported, and the second one as if there had been no first one. This runs under the interpreter of
the build, which may be older than ours.
"""

# Importing pathlib would cost each build more than all that is done here.
# ruff: noqa: PTH102, PTH103, PTH108, PTH112, PTH114, PTH118, PTH120, PTH123, PTH208, PTH211

from __future__ import annotations

import atexit
import contextlib
import importlib
import itertools
import json
import os
import shutil
import stat
import sys
import types  # noqa: TC003 - the typing module takes longer to import

#: Where the sandbox shows the unpacked source, which is never written to.
UNPACKED = "/build/unpacked"
#: Files beside the second hook's answer: what is known to be required, and that the hook was begun.
KNOWN = "known.json"
BEGUN = "begun"
#: What a hook may write beside the source, its answers and its home.
WRITABLE = ("/build/output", "/dev/shm", "/tmp")  # noqa: S108 - the sandbox's own
#: Where folders of links are made, in the place of those of the search path.
LINKS = "/tmp/.tools"  # noqa: S108 - the sandbox's own
#: The System V objects of the sandbox: a line of headings, then one for each object.
OBJECTS = ("/proc/sysvipc/msg", "/proc/sysvipc/sem", "/proc/sysvipc/shm")


def fill(source: bytes, destination: bytes, reverse: bool) -> None:
    """Copy all that is in *source* into the folder *destination*, each folder by name."""
    with os.scandir(source) as found:
        entries = sorted(found, key=lambda entry: entry.name, reverse=reverse)
    for entry in entries:
        there = os.path.join(destination, entry.name)
        if entry.is_dir(follow_symlinks=False):
            os.mkdir(there)
            fill(entry.path, there, reverse)
        elif entry.is_symlink():
            shutil.copy2(entry.path, there, follow_symlinks=False)
        else:
            copy(entry.path, there, entry.stat())
    shutil.copystat(source, destination)


def copy(file: bytes, there: bytes, facts: os.stat_result) -> None:
    """Copy a file with its mode and times; what the library's way does besides takes as long."""
    mode = stat.S_IMODE(facts.st_mode)
    source = os.open(file, os.O_RDONLY)
    new = os.open(there, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    while os.sendfile(new, source, None, 1 << 30):
        pass
    os.fchmod(new, mode)
    os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    os.close(new)
    os.close(source)


def empty(folder: str) -> None:
    """Remove all that is in *folder*."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


def hold_names() -> None:
    """Let ``tempfile`` take constant names in this process, in the order in which it asks."""
    import tempfile

    # What it takes names from, in every release; an iterator that threads may share.
    tempfile._name_sequence = map("constant{}".format, itertools.count())  # type: ignore[attr-defined]


def import_backend() -> None:
    """Import the build backend, unless it is part of the source; a fault is the hooks' to name."""
    if any(name.startswith("_PYPROJECT_HOOKS_BACKEND_PATH") for name in os.environ):
        return
    with contextlib.suppress(BaseException):
        importlib.import_module(os.environ["_PYPROJECT_HOOKS_BUILD_BACKEND"].partition(":")[0])


def is_unused(folders: list[str]) -> bool:
    """Return whether nothing is in *folders*; a backend may make itself one when it is imported."""
    try:
        return not any(os.listdir(folder) for folder in folders)
    except OSError:
        return False


def is_alone() -> bool:
    """Return whether no process is left of the first hook: numbers rise in a new namespace."""
    return not any(name.isdigit() and int(name) > os.getpid() for name in os.listdir("/proc"))


def left_no_object(tables: tuple[str, ...] = OBJECTS) -> bool:
    """Return whether the first hook left no System V object, which outlives its processes."""
    for table in tables:
        # A kernel without these objects has no table of them.
        with contextlib.suppress(FileNotFoundError), open(table, "rb") as file:
            if len(file.readlines()) > 1:
                return False
    return True


def asks_for_no_more(control: str, following: str) -> bool:
    """Return whether the first hook's answer has nothing but what is known to be required."""
    with open(os.path.join(control, "output.json"), encoding="utf-8") as file:
        answer = json.load(file)
    with open(os.path.join(following, KNOWN), encoding="utf-8") as file:
        known = json.load(file)
    return isinstance(answer.get("return_val"), list) and all(
        requirement in known for requirement in answer["return_val"]
    )


def asked(child: int, control: str, following: str, used: list[str]) -> bool:
    """Wait for the first hook, a child; return whether the second can run as if it had not been."""
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(os.WEXITSTATUS(status) or 128 + os.WTERMSIG(status))
    try:
        if not (is_alone() and left_no_object() and asks_for_no_more(control, following)):
            return False
        for folder in used:
            empty(folder)
    except (OSError, ValueError, RecursionError):
        return False
    return True


def leave(ended: list[str]) -> None:
    """End the process where the hook *ended* as it should, before modules are taken apart.

    What a hook makes is complete when it returns (PEP 517), and taking apart what a backend
    imported is a sixth of a small hook's time. As the first handler this is the last to run: the
    threads have ended by then.
    """
    if ended:
        for output in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                output.flush()
        os._exit(0)


def main() -> None:
    """Fill the build folder, enter the project in it, then run a script with the rest.

    The arguments are the folder, the order in which it is filled, whether names of temporary files
    are ``random`` or ``constant``, the project's place in the folder, the system's tools that are
    hidden from a hook that asks for requirements, the script, and a hook with its folder. Where
    there are two hooks, the second one follows the first one if that asks for nothing but what is
    known, and can leave nothing behind.
    """
    ended: list[str] = []
    atexit.register(leave, ended)
    folder, order, names, project, tools, script, hook, control = sys.argv[1:9]
    unpacked, there, reverse = os.fsencode(UNPACKED), os.fsencode(folder), order == "reversed"
    fill(unpacked, there, reverse)
    os.chdir(os.path.join(folder, project))
    if names == "constant":
        hold_names()
    if sys.argv[9:]:
        second, following = sys.argv[9:]
        sys.path[:] = [path for path in sys.path if path != os.path.dirname(script)]
        import_backend()
        sys.stdout.flush()
        sys.stderr.flush()
        writable = [os.environ["HOME"], *WRITABLE]
        child = os.fork() if is_unused(writable) else 0
        if child:
            if not asked(child, control, following, [folder, *writable]):
                return
            fill(unpacked, there, reverse)
            os.chdir(os.path.join(folder, project))
            hook, control = second, following
            with open(os.path.join(following, BEGUN), "w"):
                pass
    if tools and hook.startswith("get_requires"):
        os.environ["PATH"] = path_without(tools.split(os.pathsep), os.environ["PATH"], LINKS)
    sys.argv[:] = [script, hook, control]
    with open(script, "rb") as file:
        code = compile(file.read(), script, "exec")
    sys.excepthook = say_all
    exec(code, {"__name__": "__main__", "__file__": script})  # noqa: S102 - as the interpreter would
    ended.append(hook)


def path_without(hidden: list[str], path: str, links: str) -> str:
    """Return the search path *path* without the programs *hidden*, which are absolute paths.

    In the place of a folder that has one of them is a folder of links, made below *links*.
    """
    shown = []
    for number, folder in enumerate(path.split(os.pathsep)):
        if any(os.path.dirname(program) == folder for program in hidden):
            made = os.path.join(links, str(number))
            os.makedirs(made)
            for name in os.listdir(folder):
                program = os.path.join(folder, name)
                if program not in hidden:
                    os.symlink(program, os.path.join(made, name))
            folder = made
        shown.append(folder)
    return os.pathsep.join(shown)


def say_all(
    kind: type[BaseException], error: BaseException, traceback: types.TracebackType | None
) -> None:
    """Print an exception; one that has no message with the texts that it has, as sipbuild's do."""
    sys.__excepthook__(kind, error, traceback)
    if not str(error):
        texts = [text for text in vars(error).values() if isinstance(text, str) and text]
        if texts:
            sys.stderr.write(f"{kind.__name__}: {' '.join(texts)}\n")


if __name__ == "__main__":
    main()
