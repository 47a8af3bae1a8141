"""The modules of the package as their imports show them: rooms, floors, and circles."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import amrasaman_nox

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

PACKAGE = Path(amrasaman_nox.__file__).parent
NAME = "amrasaman_nox"

#: The rooms, from the ground up. A room is a folder, or a module at the top; "" is the package
#: itself. A room imports from rows above its own in this table, never from its own or a later one.
FLOORS = (
    ("errors", "system"),
    ("model", "ownership", "strict_toml"),
    ("files", "extras", "config", "archives", "strict_json"),
    ("sdists", "wheels", "records", "sandbox"),
    ("inputs", "record_files"),
    ("sources",),
    ("environments", "comparison", "build_lock"),
    ("builds", "agreement"),
    ("runs", "outputs"),
    ("verification", "releases"),
    ("bootstrapping", "machine"),
    ("reports",),
    ("sites", "sbom"),
    ("commands", "api"),
    ("sessions",),
    ("cli", "_noxfile", ""),
    ("__main__",),
)


def path(module: str) -> Path:
    """Return the file of *module*, which is named as inside the package: ``sources.uv``."""
    place = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@functools.cache
def modules() -> tuple[str, ...]:
    """Return the names of all modules and packages."""
    return tuple(
        sorted(
            ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
            .removesuffix("__init__")
            .rstrip(".")
            for file in PACKAGE.rglob("*.py")
        )
    )


@functools.cache
def tree(module: str) -> ast.Module:
    """Return the syntax tree of *module*."""
    return ast.parse(path(module).read_text(), str(path(module)))


def room(module: str) -> str:
    """Return the room of *module*: its folder, or its own name if it is at the top."""
    return module.partition(".")[0]


def floor(module: str) -> int:
    """Return the floor of *module*'s room, 0 for the ground."""
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """Return the full names of all modules, and of names in them, that *nodes* import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imports(module: str) -> set[str]:
    """Return the modules of the package that *module* imports, also for types and in functions."""
    found = set()
    for name in imported(ast.walk(tree(module))):
        if name == NAME or name.startswith(f"{NAME}."):
            other = name.removeprefix(NAME).removeprefix(".")
            found.add(other if other in modules() else other.rpartition(".")[0])
    return found - {module}


def graph() -> dict[str, set[str]]:
    """Return for each module what it imports of the package."""
    return {module: imports(module) for module in modules()}


def circles(edges: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    """Return the edges of circles: from where such an edge ends a way leads back to its start."""
    reached = {node: _reached(node, edges) for node in edges}
    return {
        (start, end) for start in edges for end in edges[start] if start in reached.get(end, ())
    }


def _reached(start: str, edges: Mapping[str, Collection[str]]) -> set[str]:
    found, waiting = {start}, [start]
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def nearest(edges: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Return *edges* without those that a longer way replaces; they have no circle."""
    return {
        start: {
            end
            for end in ends
            if not any(end in _reached(other, edges) for other in ends if other != end)
        }
        for start, ends in edges.items()
    }


def rooms() -> dict[str, set[str]]:
    """Return for each room which others it imports, but for what is known to break a rule."""
    found: dict[str, set[str]] = {one: set() for row in FLOORS for one in row}
    for start, ends in graph().items():
        found[room(start)] |= {room(end) for end in ends}
    return {start: ends - {start} for start, ends in found.items()}


def heights(edges: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Return how many nodes the longest way from each node has, in edges without a circle."""

    @functools.cache
    def of(node: str) -> int:
        return 1 + max((of(other) for other in edges[node] if other in edges), default=0)

    return {node: of(node) for node in edges}


def sentence(module: str) -> str:
    """Return the first line of the docstring of *module*."""
    return (ast.get_docstring(tree(module)) or "").partition("\n")[0]


def names_in(file: Path) -> set[str]:
    """Return the names that *file* defines at its top: functions, classes and tables."""
    found = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found
