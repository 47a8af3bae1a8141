"""The tests mirror the modules: a module has a test file of its own name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .evaluation import hardening
from .support import house

TESTS = Path(__file__).parent

#: Folders whose tests are of no one module: real inputs, measurements, what is hostile.
APART = {"evaluation", "fuzz", "online", "projects", "support"}
#: Test files that go across modules: what a fault, an interrupt or a limit does to all of them.
ACROSS = {
    "comparison": "bombs",
    "reports": "html_in_a_browser",
    "sites": "in_a_browser",
    "runs": "early faults interrupted little_memory shard",
    "sandbox": "hostile unprivileged",
    "": "actions contributing differential docs elsewhere end_to_end end_to_end_agreement "
    "end_to_end_inputs end_to_end_install end_to_end_rust end_to_end_sessions "
    "end_to_end_surroundings imports layout promises site",
}


def listed(table: dict[str, str]) -> set[str]:
    return {f"{folder}.{name}".strip(".") for folder in table for name in table[folder].split()}


def folders_of(module: str) -> Path:
    """Return where the tests of *module* belong."""
    *folders, name = module.split(".")
    return TESTS.joinpath(*folders, f"test_{name}.py")


#: A package has no code, and the noxfile is run by every test of the console scripts.
MODULES = [
    module
    for module in house.modules()
    if house.path(module).name != "__init__.py" and module != "_noxfile"
]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_tests_of_its_own_name(module: str) -> None:
    assert folders_of(module).exists()
    assert "def test_" in folders_of(module).read_text()


def test_test_files_are_of_a_module() -> None:
    found = {
        ".".join((*path.relative_to(TESTS).parent.parts, path.stem.removeprefix("test_")))
        for path in TESTS.rglob("test_*.py")
        if path.relative_to(TESTS).parts[0] not in APART
    }
    assert found - set(MODULES) - listed(ACROSS) == set()


@pytest.mark.parametrize("trial", hardening.TRIALS, ids=lambda trial: trial.what)
def test_a_trial_of_the_hardening_names_tests_that_are_there(trial: hardening.Trial) -> None:
    files = [file for path in trial.paths for file in _files(TESTS.parent / path)]
    texts = [f"{file.name}\n{file.read_text()}" for file in files]
    for word in trial.names.split(" or "):
        assert any(word in text for text in texts), word


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.glob("test_*.py"))


#: What is called from elsewhere: by whom.
CALLED_BY_OTHERS = {
    "asaman_generate": "the console script",
    "format_options": "click",
    "get_redirect_target": "requests",
    "handle_starttag": "html.parser",
    "compare_wheel": "those who repeat a recipe, as docs/how-to/compare-with-published.md shows",
}


def _used(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    # Tables name functions in text: ``inputs.pylock:read_pylock``.
    return str(node.value).rpartition(":")[2] if isinstance(node, ast.Constant) else ""


def test_every_function_and_class_has_a_caller() -> None:
    nodes = [node for module in house.modules() for node in ast.walk(house.tree(module))]
    used = {_used(node) for node in nodes}
    defined = {
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)
    } - set(CALLED_BY_OTHERS)
    assert not {name for name in defined - used if not name.startswith("__")}
