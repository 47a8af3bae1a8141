"""Nothing is promised that nothing does: options, keys, fields, and what documents say of them."""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config import layers, options
from amrasaman_nox.config.commands import by_session
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.kinds import BYTES, FLAG, NUMBER, TIME
from amrasaman_nox.config.reports import FORMATS
from amrasaman_nox.model import Digest, IndexOptions, Limits

from .support import documents, house, miniatures
from .support.promises import (
    BOOTSTRAP,
    BUILD,
    CALLS,
    CHANGES,
    CHECK,
    DOCTOR,
    REBUILD,
    SHOWN,
    VERIFY,
    Shown,
    ShownBy,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .support.bench import Bench
    from .support.index import LocalIndex

ROOT = documents.ROOT
NO_EFFECT = "without effect"
HANDING_ON = (VERIFY, BOOTSTRAP, CHECK, REBUILD, DOCTOR, CHANGES)

# --- every option has a row ------------------------------------------------------------------


def promised() -> Iterator[tuple[str, str]]:
    """Yield the options of all commands, but those that are said to have no effect."""
    for option in options.OPTIONS:
        for session in sorted(option.commands):
            if NO_EFFECT not in option.help:
                yield by_session(session).word, option.name


def shown() -> Iterator[tuple[str, str]]:
    for row in SHOWN:
        for word in row.on:
            yield word, row.option


def test_every_option_of_every_command_is_shown_to_change_what_happens() -> None:
    there = set(shown())
    # What they have in common with asaman goes to the same builds.
    missing = {
        (word, name)
        for word, name in promised()
        if (word, name) not in there and not (word in HANDING_ON and (BUILD, name) in there)
    }
    assert missing == set()
    assert there <= set(promised())


def test_no_option_is_shown_twice() -> None:
    assert len(list(shown())) == len(set(shown()))


def test_an_option_without_effect_sets_nothing_and_says_so() -> None:
    silent = [option for option in options.OPTIONS if not option.field and not option.refused]
    assert {option.name for option in silent} == {"skip-build-deps"}
    assert all(NO_EFFECT in option.help for option in silent)


@pytest.mark.parametrize("row", [row for row in SHOWN if isinstance(row, ShownBy)], ids=str)
def test_the_test_that_shows_an_option_is_there(row: ShownBy) -> None:
    path, _, name = row.test.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


# --- every option is shown -------------------------------------------------------------------

# Asks for a build requirement, and so for another lock, where it sees an option's effect.
_TELLTALE = """
import os
from flit_core.buildapi import *

def get_requires_for_build_wheel(config_settings=None):
    print("a line", flush=True)
    told = (
        "tell" in (config_settings or {}),
        "TELL" in os.environ,
        os.environ["SOURCE_DATE_EPOCH"] != "1309379017",
        "-g0" not in str(os.environ),
    )
    return ["wheel"] if any(told) else []
"""


@pytest.fixture
def work(bench: Bench, index: LocalIndex, miniature_index: LocalIndex) -> Iterator[Bench]:
    """A folder with what the rows name; ``{empty}`` of a row is an index with nothing."""
    folder = bench.folder
    bench.index = index
    for name in ("sdists", "links"):
        (folder / name).mkdir()
    flit = miniatures.MINIATURES["mini-flit"]("1.0")
    for name in ("sdists", "links"):
        (folder / name / "mini_flit-1.0.tar.gz").write_bytes(flit)
    for file in miniature_index.files.values():
        if file.filename.startswith("flit_core"):
            (folder / "links" / file.filename).write_bytes(file.data)
    telltale = miniatures.project(
        "telltale",
        backend="own_backend",
        more='backend-path = ["."]\n',
        own_backend__py=_TELLTALE,
    )
    (folder / "tell").mkdir()
    (folder / "tell" / "telltale-1.0.tar.gz").write_bytes(telltale)
    bench.write(miniatures.pin("mini-flit"), name="r.txt")
    bench.write(
        f"telltale==1.0 --hash={Digest.of(telltale)}", "--find-links tell", name="telltale.txt"
    )
    shutil.copy(folder / "telltale.txt", folder / "two.txt")
    with (folder / "two.txt").open("a") as file:
        file.write(miniatures.pin("mini-flit"))
    (folder / "other").mkdir()
    missing = '[tool.amrasaman]\nrequirement = "missing.txt"'
    bench.write(missing, name="other/pyproject.toml")
    url = miniature_index.file_url("mini_flit-1.0.tar.gz")
    bench.write(f"mini-flit @ {url} --hash={Digest.of(flit)}", name="url.txt")
    before = folder.with_name("before")
    shutil.copytree(folder, before)
    return bench


def seen(bench: Bench, row: Shown, word: str, *, option: bool) -> str:
    """Return what a call shows: its exit code, its streams, and the files with their texts."""
    before = bench.folder.with_name("before")
    shutil.rmtree(bench.folder)
    shutil.copytree(before, bench.folder)
    for call in row.builds:
        assert run(bench, call, bare=False).returncode == 0
    if row.before is not None:
        row.before(bench.folder)
    call = CALLS[word] if row.call is None else row.call
    done = run(bench, f"{word} {row.given if option else row.without} {call}", bare=row.bare)
    return "".join(
        (
            f"exit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}",
            *files(bench.folder),
        )
    )


def run(bench: Bench, call: str, *, bare: bool) -> Any:
    assert bench.index is not None
    words = call.format(index=bench.index_url, empty=bench.index.url)
    builds = words.split()[:1] not in (["generate"], ["merge"], ["tree"], ["sign"], ["keygen"])
    if not bare and builds:
        words += f" --index-url {bench.index_url}"
    if not bare and "--cache-dir" not in words and not words.startswith("keygen"):
        words += f" --cache-dir {bench.cache}"
    return bench.run("asaman", *shlex.split(words))


def files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.is_file() and "home" not in inside.parts:
            yield f"file {inside}\n"
            if path.suffix in {".toml", ".json"} and path.stat().st_size < 100_000:
                yield path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("row", "word"),
    [
        pytest.param(row, word, id=f"asaman {word} {row.given}".replace("  ", " "))
        for row in SHOWN
        if isinstance(row, Shown)
        for word in row.on
    ],
)
def test_an_option_changes_what_happens(row: Shown, word: str, work: Bench) -> None:
    pattern = re.compile(row.marker, re.MULTILINE)
    with_it = seen(work, row, word, option=True)
    assert pattern.search(with_it), with_it
    assert not pattern.search(seen(work, row, word, option=False))


# --- every key and every field ---------------------------------------------------------------

#: A value for each key that differs from its default, where its kind does not give one.
VALUES: dict[str, Any] = {
    "isolation": "none",
    "executor": "dask",
    "allow": "identical",
    "color": "never",
    "as-of": "now",
    "diverse": "now",
    "build-requirements": "source",
    "config-setting": ["a=b"],
    "env": ["A=b"],
    "sde": 1400000000,
    "build-processors": 7,
    "shard": "1/2",
    "trust-owner": [7],
    "docs-url": "https://docs.example",
}


def value_of(option: options.Option) -> Any:
    if option.name in VALUES:
        return VALUES[option.name]
    if option.kind is FLAG:
        return True
    if option.kind in (NUMBER, TIME, BYTES):
        return 7
    return ["7"] if option.kind.repeats else "7"


@pytest.mark.parametrize(
    "option", [one for one in options.OPTIONS if one.key], ids=lambda one: one.name
)
def test_every_key_changes_the_configuration(option: options.Option, tmp_path: Path) -> None:
    value = value_of(option)
    text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    scheduler = 'scheduler = "tcp://x"\n' if option.name == "executor" else ""
    where = {"folder": tmp_path, "invoked_from": tmp_path, "environ": {"HOME": str(tmp_path)}}
    before = layers.load({}, **where)
    (tmp_path / "pyproject.toml").write_text(
        f"[tool.amrasaman]\n{option.name} = {text}\n{scheduler}"
    )
    after = layers.load({}, **where)
    assert getattr(after, option.field) != getattr(before, option.field)


@functools.cache
def read_outside_of_the_configuration() -> frozenset[str]:
    """Return the names of all attributes that are read in any room but ``config/``."""
    return frozenset(
        node.attr
        for module in house.modules()
        if not module.startswith("config")
        for node in ast.walk(house.tree(module))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    )


def fields_of(kind: type) -> set[str]:
    return {each.name for each in dataclasses.fields(kind)}


@pytest.mark.parametrize("field", sorted(fields_of(Config)))
def test_every_field_of_the_configuration_is_read_by_what_does_the_work(field: str) -> None:
    names = {field, *handed_on(field)} - {each.name for each in FORMATS}
    assert not names or names & read_outside_of_the_configuration()


def handed_on(field: str) -> Iterator[str]:
    """Yield the fields of limits and index options that a field of the configuration becomes."""
    sizes = ("max_memory", "max_disk", "max_log", "max_processes", "timeout", "silence_timeout")
    values = dict.fromkeys(sizes, 7) | dict.fromkeys(("extra_index_url", "trusted_host"), ("7",))
    if field == "as_of_packages":
        yield "as_of_project"
    if field not in values:
        return
    plain, changed = Config(), Config(**{field: values[field]})  # type: ignore[arg-type]
    for kind, name in ((Limits, "limits"), (IndexOptions, "index")):
        for each in fields_of(kind):
            if getattr(getattr(plain, name), each) != getattr(getattr(changed, name), each):
                yield each


# --- what the documents say ------------------------------------------------------------------

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
OWN = {f"--{option.name}" for option in options.OPTIONS} | {"--help", "--help-all", "--version"}
TEXTS = {document: document.read_text() for document in documents.documents()}
#: A change of the past can name what there is no more.
CURRENT = {path: text for path, text in TEXTS.items() if path.name != "CHANGELOG.md"}


@pytest.mark.parametrize("document", CURRENT, ids=lambda path: path.stem)
def test_the_options_that_a_document_names_are_there(document: Path) -> None:
    assert set(_OPTION.findall(CURRENT[document])) <= OWN | documents.FOREIGN.keys()


def test_the_options_of_other_programs_are_named_somewhere() -> None:
    named = set(_OPTION.findall("".join(CURRENT.values())))
    assert documents.FOREIGN.keys() <= named
    assert not documents.FOREIGN.keys() & OWN


def test_the_options_that_a_hint_names_are_there() -> None:
    for module in house.modules():
        for node in ast.walk(house.tree(module)):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                text = ast.unparse(node.value).replace("git config --global --add", "")
                assert set(_OPTION.findall(text)) <= OWN | documents.FOREIGN.keys(), (module, text)
