"""Runs in the sandbox: compiles what builds import of an installed wheel, without running it.

Bytecode that came in the wheel is removed first: Python would run it in place of the source.
What a module imports as soon as it is imported itself is compiled as well; what it imports later,
in a function, is not known from here. This runs under the interpreter of the build, which may be
older than ours.
"""

# Importing pathlib would cost more than all that is done here.
# ruff: noqa: PTH106, PTH108, PTH112, PTH113, PTH118, PTH123, PTH202, PTH208

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from importlib.machinery import SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: An import at the left edge: dots, module and names of one, or modules of the other kind.
IMPORT = re.compile(
    r"^(?:from[ \t]+(\.{0,20})([\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]+))",
    re.MULTILINE,
)
#: Where backends keep modules that they import under other names than their paths'.
VENDORED = (os.path.join("setuptools", "_vendor"), os.path.join("poetry", "core", "_vendor"))
DISTUTILS = ("distutils", "setuptools._distutils")
#: Where bytecode is, and what its files are called, also beside or without a source.
CACHE = "__pycache__"
COMPILED = (".pyc", ".pyo")
#: The longest source, in bytes, that is compiled: what is longer is data.
LARGEST = 4 << 20


def names_in(text: str) -> list[str]:
    """Return the first word of each part between commas; comments and brackets do not count."""
    parts = re.sub(r"#[^\n]*", "", text).strip("()").split(",")
    return [part.split()[0] for part in parts if part.split()]


def imported(source: str, package: str) -> Iterator[str]:
    """Yield what *source*, a module in *package*, may import at once: modules, and names in them.

    A name that is not a module is not found later, and harms nothing.
    """
    for dots, base, names, modules in IMPORT.findall(source.replace("\\\n", " ")):
        if modules:
            yield from names_in(modules)
            continue
        above = package.split(".")
        parts = above[: len(above) - len(dots) + 1] if dots else []
        module = ".".join([*parts, base] if base else parts)
        yield module
        for name in names_in(names):
            yield f"{module}.{name}"


def renamed(module: str) -> str:
    """Return the name that goes with the path of *module*."""
    return module.replace(*DISTUTILS, 1) if f"{module}.".startswith("distutils.") else module


def path_of(site: str, module: str) -> str:
    """Return the source file of *module* below the folder *site*, or nothing."""
    parts = module.split(".")
    for folder in (site, *(os.path.join(site, name) for name in VENDORED)):
        for stem in (os.path.join(folder, *parts, "__init__"), os.path.join(folder, *parts)):
            if os.path.isfile(f"{stem}.py"):
                return f"{stem}.py"
    return ""


def fail(error: OSError) -> None:
    """Raise *error*: what cannot be listed may hold anything."""
    raise error


def clean(prefix: str) -> None:
    """Remove all bytecode below *prefix*: a wheel brought it, and no source need be behind it.

    :raises OSError: some of it cannot be found or removed
    :raises csv.Error: RECORD lists it, and cannot be read
    """
    found, records = False, []
    for folder, _, files in os.walk(prefix, topdown=False, onerror=fail):
        cached = f"/{CACHE}/" in f"{folder[len(prefix) :]}/"
        for name in files:
            path = os.path.join(folder, name)
            if cached or is_compiled(name):
                found = True
                os.unlink(path)
            elif name == "RECORD" and folder.endswith(".dist-info"):
                records.append(path)
        if cached:
            os.rmdir(folder)
    for record in records if found else ():
        strike_out(record)


def is_compiled(path: str) -> bool:
    """Return whether *path*, as RECORD has it, is that of bytecode."""
    return path.endswith(COMPILED) or CACHE in path.split("/")


def strike_out(record: str) -> None:
    """Remove the rows of bytecode from the file RECORD of an installed wheel."""
    import csv

    with open(record, newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = [row for row in csv.reader(file) if not (row and is_compiled(row[0]))]
    os.unlink(record)
    with open(record, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def compiled(path: str, module: str) -> list[str]:
    """Write the bytecode of the source file *path*; return what it imports.

    What cannot be read or compiled has none; a build names the fault, if it imports that.
    """
    loader = SourceFileLoader(module, path)
    with contextlib.suppress(Exception):
        if os.path.getsize(path) > LARGEST:
            return []
        loader.get_code(module)
        package = module if loader.is_package(module) else module.rpartition(".")[0]
        return list(imported(loader.get_source(module) or "", package))
    return []


def compile_from(site: str, roots: list[str]) -> None:
    """Compile the modules *roots* in the folder *site*, and all that they import from there."""
    seen = set()
    left = list(roots)
    while left:
        parts = renamed(left.pop()).split(".")
        # What looks like an import may be any text; a path is made of it.
        if not all(part.isidentifier() for part in parts):
            continue
        # Importing a module imports the packages that it is in.
        for count in range(1, len(parts) + 1):
            module = ".".join(parts[:count])
            if module not in seen:
                seen.add(module)
                path = path_of(site, module)
                left += compiled(path, module) if path else []


def top_level(site: str) -> list[str]:
    """Return the names of the modules and packages in the folder *site*."""
    return [name.removesuffix(".py") for name in sorted(os.listdir(site))]


def sites_of(prefix: str) -> Iterator[str]:
    """Yield the folders below *prefix* that modules are imported from."""
    for lib in ("lib", "lib64"):
        folder = os.path.join(prefix, lib)
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            site = os.path.join(folder, name, "site-packages")
            if os.path.isdir(site):
                yield site


def main() -> None:
    """Compile in each PREFIX of the arguments PREFIX=MODULE,…, SECONDS (argument 1) for each.

    A module ``*`` is all at the top. First all bytecode that is there goes: the exit status is 1 if
    it cannot. What takes too long, or ends the interpreter, takes nothing from the other prefixes.
    """
    wanted = [argument.split("=") for argument in sys.argv[2:]]
    try:
        for prefix, _ in wanted:
            clean(prefix)
    except Exception as error:  # folders may be too deep, RECORD unreadable: nothing is taken then
        sys.exit(f"error: cannot remove bytecode: {error}")
    sys.stderr.flush()
    for prefix, modules in wanted:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        signal.alarm(int(sys.argv[1]))
        # Warnings of the compiler are of no use here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        for site in sites_of(prefix):
            roots = modules.split(",")
            compile_from(site, roots + (top_level(site) if "*" in roots else []))
        os._exit(0)


if __name__ == "__main__":
    main()
