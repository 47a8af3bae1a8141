"""Our own code in a sandbox: compiles what builds import of an installed wheel, and runs nothing.

What a module imports as soon as it is imported itself is compiled as well; what it imports later,
in a function, is not known from here. This runs under the interpreter of the build, which may be
older than ours.
"""

# Importing pathlib would cost more than all that is done here.
# ruff: noqa: PTH103, PTH112, PTH113, PTH116, PTH118, PTH120, PTH123, PTH202, PTH208

from __future__ import annotations

import contextlib
import os
import re
import signal
import struct
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source

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
#: What bytecode begins with (PEP 552), in bytes: magic number, flags, time and size of the source.
HEAD = 16
#: The longest source, in bytes, that is compiled: what is longer is data.
LARGEST = 4 << 20


def names_in(text: str) -> list[str]:
    """Return the first word of each part between commas; comments and brackets do not count."""
    parts = re.sub(r"#[^\n]*", "", text).strip("()").split(",")
    return [part.split()[0] for part in parts if part.split()]


def imported(source: str, package: str) -> Iterator[str]:
    """Yield what *source*, a module in *package*, may import at once: modules, and names in them.

    A name that is no module is not found later, and harms nothing.
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


def taken_over(path: str, other: str) -> bool:
    """Take the bytecode of the source file *path* from *other*, if its source is the same.

    It follows from the source alone; the source's time, which it names, is that of *path*.
    """
    with contextlib.suppress(OSError):
        with open(path, "rb") as file, open(other, "rb") as source:
            if file.read() != source.read():
                return False
        with open(cache_from_source(other), "rb") as file:
            head, code = file.read(HEAD), file.read()
        if head[:8] != MAGIC_NUMBER + bytes(4):
            return False
        facts = os.stat(path)
        facts_of_source = (int(facts.st_mtime) & 0xFFFFFFFF, facts.st_size & 0xFFFFFFFF)
        there = cache_from_source(path)
        os.makedirs(os.path.dirname(there), exist_ok=True)
        with open(there, "wb") as new:
            new.write(head[:8] + struct.pack("<LL", *facts_of_source) + code)
        return True
    return False


def compiled(path: str, module: str, other: str) -> list[str]:
    """Write the bytecode of the source file *path*; return what it imports.

    What cannot be read or compiled has none; a build names the fault, if it imports that.

    :param other: where another release has this file, or nothing
    """
    loader = SourceFileLoader(module, path)
    with contextlib.suppress(Exception):
        if os.path.getsize(path) > LARGEST:
            return []
        if not other or not taken_over(path, other):
            loader.get_code(module)
        package = module if loader.is_package(module) else module.rpartition(".")[0]
        return list(imported(loader.get_source(module) or "", package))
    return []


def compile_from(site: str, roots: list[str], twin: str) -> None:
    """Compile the modules *roots* in the folder *site*, and all that they import from there.

    :param twin: such a folder of another release, or nothing
    """
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
                other = path.replace(site, twin, 1) if twin else ""
                left += compiled(path, module, other) if path else []


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
    """Compile in each PREFIX of the arguments PREFIX=MODULE,…=TWIN, SECONDS (argument 1) for each.

    A module ``*`` is all at the top; TWIN is the prefix of another release, or nothing. What takes
    too long, or ends the interpreter, takes nothing from the other prefixes.
    """
    for argument in sys.argv[2:]:
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        signal.alarm(int(sys.argv[1]))
        prefix, modules, twin = argument.split("=")
        for site in sites_of(prefix):
            roots = modules.split(",")
            other = site.replace(prefix, twin, 1) if twin else ""
            compile_from(site, roots + (top_level(site) if "*" in roots else []), other)
        os._exit(0)


if __name__ == "__main__":
    main()
