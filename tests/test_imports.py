"""Rules of the house that no linter keeps: who imports whom, who may do what."""

from __future__ import annotations

import ast
import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import amrasaman_nox

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(amrasaman_nox.__file__).parent
NAME = "amrasaman_nox"

#: Nothing imports from a later row. Names of packages stand for everything in them.
LAYERS = (
    ("errors", "model", "settings", "temporary"),
    ("sources", "wheels", "records", "members", "zipframing"),
    ("builds",),
    ("verification",),
    ("outputs", "reports"),
    ("options", "config", "helpers", "commands", "sessions", "cli"),
    ("_noxfile", ""),
)

#: Who may start a process, and which; of foreign code it is the sandbox alone.
STARTS_PROCESSES = {
    "builds.sandbox": "foreign code",
    "builds.compiling": "itself for each wheel, inside the sandbox",
    "builds.start": "a second hook, inside the sandbox",
    "builds.interpreters": "an interpreter, for what it says of itself",
    "builds.tools": "a compiler, for its version",
    "sources.index": "the index client",
    "verification.diffoscope": "diffoscope",
}
OPENS_CONNECTIONS = {"sources.index", "sources.download", "sources.access"}
# builds.start runs in the sandbox, where the environment is the build's.
READS_ENVIRONMENT = {"config", "builds.normalise", "builds.start"}

CONNECTING = {"socket", "ssl", "http", "ftplib", "requests", "urllib3", "httpx", "aiohttp"}
STARTING = {"subprocess", "multiprocessing", "pty"}
STARTING_IN_OS = {"system", "popen", "fork", "forkpty", "execv", "execve", "posix_spawn"}
ENVIRONMENT_IN_OS = {"environ", "environb", "getenv", "getenvb", "putenv"}


def modules() -> list[str]:
    return sorted(
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        .removesuffix("__init__")
        .rstrip(".")
        for path in PACKAGE.rglob("*.py")
    )


@functools.cache
def tree(module: str) -> ast.Module:
    path = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(), str(file))


def _runtime(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what can run: what stands under TYPE_CHECKING cannot."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from _runtime(other)
            continue
        yield child
        yield from _runtime(child)


def imports(module: str) -> set[str]:
    """Return the full names of all modules, and names in them, that *module* imports."""
    found = set()
    for node in _runtime(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def uses_of_os(module: str) -> set[str]:
    found = {
        node.attr
        for node in _runtime(tree(module))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    return found | {name.removeprefix("os.") for name in imports(module) if name.startswith("os.")}


def layer(module: str) -> int:
    top = module.partition(".")[0]
    return next(number for number, names in enumerate(LAYERS) if top in names)


@pytest.mark.parametrize("module", modules())
def test_imports_run_one_way(module: str) -> None:
    if module == "":
        pytest.skip("the package itself names everything, and imports it when it is used")
    for name in imports(module):
        if name == NAME or not name.startswith(f"{NAME}."):
            continue
        other = name.removeprefix(f"{NAME}.")
        assert layer(other) <= layer(module), f"{module} imports {other}"


@pytest.mark.parametrize("module", modules())
def test_only_the_named_modules_start_processes(module: str) -> None:
    tops = {name.partition(".")[0] for name in imports(module)}
    started = (tops & STARTING) | (uses_of_os(module) & STARTING_IN_OS)
    assert not started or module in STARTS_PROCESSES, f"{module} uses {started}"


@pytest.mark.parametrize("module", modules())
def test_only_the_named_modules_open_connections(module: str) -> None:
    names = imports(module)
    connecting = {name for name in names if name.partition(".")[0] in CONNECTING}
    connecting |= {name for name in names if name.startswith("urllib.request")}
    assert not connecting or module in OPENS_CONNECTIONS, f"{module} uses {connecting}"


@pytest.mark.parametrize("module", modules())
def test_only_the_named_modules_read_the_environment(module: str) -> None:
    read = uses_of_os(module) & ENVIRONMENT_IN_OS
    assert not read or module in READS_ENVIRONMENT, f"{module} uses os.{read}"


@pytest.mark.parametrize("module", modules())
def test_only_sessions_and_the_scripts_know_nox(module: str) -> None:
    knows = any(name == "nox" or name.startswith("nox.") for name in imports(module))
    assert not knows or module in {"sessions", "cli"}


@pytest.mark.parametrize("module", modules())
def test_nothing_is_global_and_changes(module: str) -> None:
    changing = [node for node in ast.walk(tree(module)) if isinstance(node, ast.Global)]
    assert not changing


@pytest.mark.parametrize("names", [STARTS_PROCESSES, OPENS_CONNECTIONS, READS_ENVIRONMENT])
def test_the_tables_name_modules_that_are_there(names: set[str]) -> None:
    assert set(names) <= set(modules())


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
    names = [f"{NAME}.{module}".rstrip(".") for module in modules() if module != "_noxfile"]
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
    assert {name for name in imported if name.startswith(NAME)} == {NAME}
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
    monkeypatch.setattr(sys.modules[__name__], "tree", lambda _: ast.parse(broken))
    for rule in (
        test_imports_run_one_way,
        test_only_the_named_modules_start_processes,
        test_only_the_named_modules_open_connections,
        test_only_the_named_modules_read_the_environment,
    ):
        with pytest.raises(AssertionError):
            rule("sources.unpack")
