"""Rules of the house that no linter keeps: who imports whom, who may do what."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

import amrasaman_nox

from .support import house
from .support.house import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = house.modules()
FOLDERS = sorted({house.room(module) for module in MODULES if "." in module})

#: How large a folder may grow: its share of all lines, and its longest chain of imports.
LARGEST_SHARE = 0.15
MOST_FLOORS = 9

#: Who may start a process, and which; of foreign code it is the sandbox alone.
STARTS_PROCESSES = {
    "agreement.keys": "the command that has a key, which the user names",
    "builds.tools": "compilers, dpkg, rpm and ldconfig, for what they say",
    "sandbox.locales": "localedef, for a locale of the distribution",
    "environments.interpreters": "an interpreter, for what it says of itself",
    "environments.toolchains": "rustc and cargo, for what they say of themselves",
    "sources.git": "git, for the files of a project",
    "sandbox.inside.confine": "the build, inside the sandbox",
    "sandbox.inside.precompile": "itself for each wheel, inside the sandbox",
    "sandbox.inside.probe": "date, inside the sandbox",
    "sandbox.inside.start": "a second hook, inside the sandbox",
    "sandbox.process": "foreign code",
    "sources.cargo": "the user's cargo, on a manifest of our own",
    "sources.uv": "the index client",
    "sources.uv_lock": "the index client, for what a lock of its own says",
    "verification.diffoscope": "diffoscope",
}
#: Who may open a connection, and to what.
OPENS_CONNECTIONS = {
    "sandbox.system_calls": "none: it names the families of sockets that a build may have",
    "sources.connections": "the index, and what it links to",
    "sources.download": "the index, and what it links to",
}
#: Who may read the environment, and whose. What is in sandbox/inside runs inside the sandbox.
READS_ENVIRONMENT = {
    "config.variables": "the user's",
    "sandbox.inside.probe": "the build's",
    "sandbox.inside.start": "the build's",
}

CONNECTING = {"socket", "ssl", "http", "ftplib", "requests", "urllib3", "httpx", "aiohttp"}
STARTING = {"subprocess", "multiprocessing", "pty"}
STARTING_IN_OS = {"system", "popen", "fork", "forkpty", "execv", "execve", "posix_spawn"}
ENVIRONMENT_IN_OS = {"environ", "environb", "getenv", "getenvb", "putenv"}


def _runtime(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what can run: what is under TYPE_CHECKING cannot."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from _runtime(other)
            continue
        yield child
        yield from _runtime(child)


def imports(module: str) -> set[str]:
    """Return the full names of all modules, and names in them, that *module* imports to run."""
    return house.imported(_runtime(house.tree(module)))


def uses_of_os(module: str) -> set[str]:
    found = {
        node.attr
        for node in _runtime(house.tree(module))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    return found | {name.removeprefix("os.") for name in imports(module) if name.startswith("os.")}


def goes_up(start: str, end: str) -> bool:
    return house.room(start) != house.room(end) and house.floor(start) <= house.floor(end)


# --- who imports whom ------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module: str) -> None:
    assert not {other for other in house.imports(module) if goes_up(module, other)}


def test_no_imports_form_a_circle() -> None:
    assert house.circles(house.graph()) == set()


def test_every_room_has_one_floor() -> None:
    rooms = Counter(room for row in house.FLOORS for room in row)
    assert rooms == Counter({house.room(module) for module in MODULES})


def test_no_folder_is_a_hall() -> None:
    lines = Counter[str]()
    for module in MODULES:
        folder = house.path(module).relative_to(house.PACKAGE).parent.parts[:1]
        lines["".join(folder)] += len(house.path(module).read_text().splitlines())
    largest, count = lines.most_common(1)[0]
    assert count <= LARGEST_SHARE * lines.total(), f"{largest} has {count} lines"


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_is_a_tower(folder: str) -> None:
    inside = {
        module: {other for other in house.imports(module) if house.room(other) == folder}
        for module in MODULES
        if house.room(module) == folder
    }
    assert max(house.heights(inside).values()) <= MOST_FLOORS


def test_circles_and_heights_are_seen() -> None:
    edges = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": set[str]()}
    assert house.circles(edges) == {("a", "b"), ("b", "c"), ("c", "a")}
    straight = {"a": {"b", "d"}, "b": {"c", "d"}, "c": {"d"}, "d": set[str]()}
    assert house.heights(straight) == {"a": 4, "b": 3, "c": 2, "d": 1}
    assert house.nearest(straight) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


# --- who may do what -------------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_only_the_named_modules_start_processes(module: str) -> None:
    tops = {name.partition(".")[0] for name in imports(module)}
    started = (tops & STARTING) | (uses_of_os(module) & STARTING_IN_OS)
    assert not started or module in STARTS_PROCESSES, f"{module} uses {started}"


@pytest.mark.parametrize("module", MODULES)
def test_only_the_named_modules_open_connections(module: str) -> None:
    names = imports(module)
    connecting = {name for name in names if name.partition(".")[0] in CONNECTING}
    connecting |= {name for name in names if name.startswith("urllib.request")}
    assert not connecting or module in OPENS_CONNECTIONS, f"{module} uses {connecting}"


@pytest.mark.parametrize("module", MODULES)
def test_only_the_named_modules_read_the_environment(module: str) -> None:
    read = uses_of_os(module) & ENVIRONMENT_IN_OS
    assert not read or module in READS_ENVIRONMENT, f"{module} uses os.{read}"


@pytest.mark.parametrize("module", [one for one in MODULES if one.startswith("sandbox.inside.")])
def test_what_runs_inside_the_sandbox_shadows_nothing_and_needs_nothing(module: str) -> None:
    # Its folder is the first on the path of the build's Python, which has none of our libraries.
    assert module.removeprefix("sandbox.inside.") not in sys.stdlib_module_names
    assert {name.partition(".")[0] for name in imports(module)} <= sys.stdlib_module_names


@pytest.mark.parametrize("module", MODULES)
def test_only_sessions_and_the_scripts_know_nox(module: str) -> None:
    knows = any(name == "nox" or name.startswith("nox.") for name in imports(module))
    assert not knows or module in {"sessions", "cli"}


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_global_and_changes(module: str) -> None:
    changing = [node for node in ast.walk(house.tree(module)) if isinstance(node, ast.Global)]
    assert not changing


@pytest.mark.parametrize("names", [STARTS_PROCESSES, OPENS_CONNECTIONS, READS_ENVIRONMENT])
def test_the_tables_name_modules_that_are_there(names: set[str]) -> None:
    assert set(names) <= set(MODULES)


_WATCH = """
import importlib, json, os, sys, threading
before = set(threading.enumerate()), dict(os.environ), os.getcwd(), list(sys.path), os.umask(0o22)
seen = []
WRITING = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod",
           "os.truncate", "shutil.rmtree", "tempfile.mkstemp", "tempfile.mkdtemp", "os.chdir",
           "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.putenv",
           "os.unsetenv", "socket.connect", "socket.getaddrinfo", "socket.bind"}
def watch(event, arguments):
    if event in WRITING:
        seen.append([event, ascii(arguments)])
    if event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        seen.append([event, ascii(arguments)])
sys.dont_write_bytecode = True
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
after = set(threading.enumerate()), dict(os.environ), os.getcwd(), list(sys.path), os.umask(0o22)
print(json.dumps([seen, before == after]))
"""


def test_nothing_happens_at_import() -> None:
    # The noxfile is there to do something: it registers the sessions.
    names = [f"{NAME}.{module}".rstrip(".") for module in MODULES if module != "_noxfile"]
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, *names], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout, done.stderr) == (done.stdout, "")
    seen, unchanged = json.loads(done.stdout)
    assert (seen, unchanged) == ([], True)


def test_importing_the_package_is_cheap() -> None:
    code = (
        f"import sys; before = set(sys.modules); import {NAME}; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    ours = {name for name in imported if name.startswith(NAME)}
    assert ours == {NAME, f"{NAME}.config", f"{NAME}.config.commands"}
    tops = {name.partition(".")[0] for name in imported}
    assert tops <= {NAME} | sys.stdlib_module_names
    assert not {"dataclasses", "inspect", "asyncio"} & imported


def test_every_public_name_is_there() -> None:
    for name in amrasaman_nox.__all__:
        assert callable(getattr(amrasaman_nox, name))
        assert name in dir(amrasaman_nox)
    with pytest.raises(AttributeError, match="no attribute 'bogus'"):
        amrasaman_nox.bogus  # noqa: B018


def test_a_rule_that_is_broken_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "import subprocess, socket, os\nfrom amrasaman_nox.cli import run\nos.environ['X']"
    monkeypatch.setattr(house, "tree", lambda _: ast.parse(broken))
    for rule in (
        test_imports_run_one_way,
        test_only_the_named_modules_start_processes,
        test_only_the_named_modules_open_connections,
        test_only_the_named_modules_read_the_environment,
    ):
        with pytest.raises(AssertionError):
            rule("sources.prepare")
