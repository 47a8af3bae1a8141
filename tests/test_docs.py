"""The documents: links, calls of our commands, generated parts, and the blocks that are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import amrasaman_nox
from amrasaman_nox import records
from amrasaman_nox.config import layers, options
from amrasaman_nox.config.commands import COMMANDS
from amrasaman_nox.config.variables import snapshot
from amrasaman_nox.errors import ExitCode

from .support import actions, documents, house, messages
from .support.documents import Block
from .support.projects import make_sdist

if TYPE_CHECKING:
    from .support.index import LocalIndex

DOCUMENTS = documents.documents()
BLOCKS = [block for document in DOCUMENTS for block in documents.blocks(document)]
EXAMPLES = [
    Block(document=path, line=1, language="yaml", text=path.read_text())
    for path in sorted((documents.ROOT / "examples").glob("*.yml"))
]
CALLS = [
    pytest.param(words, id=f"{block} {' '.join(words)}")
    for block in [*BLOCKS, *EXAMPLES]
    for words in documents.commands(block)
    if "COMMAND" not in words  # A usage line.
]
#: The width at which prose is wrapped, in columns.
WIDTH = 100
#: Where our programs are: the folder of the interpreter that runs this.
BIN = Path(sys.executable).parent


def name(document: Path) -> str:
    return str(document.relative_to(documents.ROOT))


def run_as(how: str) -> list[Block]:
    return [block for block in BLOCKS if block.how.partition(" ")[0] == how]


# --- what is written -------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in documents.links(document):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        assert file.exists(), f"{name(document)} links to {target}"
        if anchor:
            assert anchor in documents.anchors(file), f"{name(document)} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_documents_are_wrapped_at_100_columns(document: Path) -> None:
    # A link or a word that is longer by itself cannot be wrapped.
    long = [
        f"line {number}: {line[:50]}…"
        for number, line in documents.prose(document)
        if len(line) > WIDTH and " " in line.strip().removeprefix("- ")
    ]
    assert long == []


#: Documents that say where in the code something is.
GUIDES = [documents.ROOT / page for page in ("CONTRIBUTING.md", "docs/explanation/architecture.md")]


@pytest.mark.parametrize("document", GUIDES, ids=name)
def test_files_that_a_guide_names_exist(document: Path) -> None:
    named = documents.paths(document)
    assert named
    assert [path for path in named if not documents.source(path).exists()] == []


@pytest.mark.parametrize("document", GUIDES, ids=name)
def test_tables_that_a_guide_names_are_where_it_says(document: Path) -> None:
    named = documents.definitions(document)
    assert named
    for what, path in named:
        assert what in house.names_in(documents.source(path)), f"{what} in {path}"


def changes() -> dict[str, str]:
    """Return what CONTRIBUTING says of each of its five changes, by what is added."""
    text = (documents.ROOT / "CONTRIBUTING.md").read_text()
    part = text.partition("## Five changes")[2].partition("\n## ")[0]
    sections = (one.partition("\n") for one in part.split("\n### ")[1:])
    return {title: body for title, _, body in sections}


@pytest.mark.parametrize(("what", "said"), changes().items(), ids=list(changes()))
def test_a_change_that_contributing_explains_is_two_steps_and_a_test(what: str, said: str) -> None:
    steps = re.findall(r"^\d\. ", said, re.MULTILINE)
    assert steps == ["1. ", "2. "], what
    test = said.partition("\nTest: ")[2]
    assert "`tests/" in test


def test_contributing_explains_five_changes() -> None:
    assert len(changes()) == 5


def test_the_picture_is_what_the_imports_say(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (documents.ROOT / "docs/explanation/architecture.md").read_text()
    assert documents.renewed(page) == page
    for room in house.rooms():
        assert f"\n{documents.room_name(room)}" in page
    monkeypatch.setattr(house, "graph", lambda: {"errors": {"model"}})
    assert documents.renewed(page) != page


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [documents.ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        targets = (target.partition("#")[0] for target in documents.links(page))
        waiting += [(page.parent / target).resolve() for target in targets if ":" not in target]
    assert set(DOCUMENTS) - reached == set()


#: The site, as a host builds it.
SITE = actions.read(documents.ROOT / "mkdocs.yml")


def pages(value: Any = SITE["nav"]) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value
    return [page for part in parts for page in pages(part)]


def test_each_page_has_one_place_in_the_navigation() -> None:
    found = Counter(pages())
    docs = documents.ROOT / SITE["docs_dir"]
    assert set(found) == {str(path.relative_to(docs)) for path in docs.rglob("*.md")}
    assert set(found.values()) == {1}


def test_one_place_is_named_explanation_and_one_catalogue_of_causes() -> None:
    names = [name for section in SITE["nav"] for name in section]
    assert names.count("Explanation") == names.count("Catalogue of causes") == 1
    by_name = {name: part for section in SITE["nav"] for name, part in section.items()}
    assert all(page.startswith("explanations/") for page in by_name["Catalogue of causes"])
    assert all(page.startswith("explanation/") for page in by_name["Explanation"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_generated_parts_are_current(document: Path) -> None:
    content = document.read_text()
    assert documents.renewed(content) == content, "nox -s docs -- --write updates them"


def test_the_man_page_is_current_and_has_every_command() -> None:
    page = documents.MAN.read_text()
    assert page == documents.man_page(), "nox -s docs -- --write writes it"
    assert page.count(".SH") == 2 + len(COMMANDS)


def test_the_man_page_is_understood() -> None:
    program = shutil.which("groff")
    if program is None:
        pytest.skip("groff is not installed")
    command = [program, "-man", "-ww", "-z", "-Tutf8", documents.MAN]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_what_is_generated_is_somewhere() -> None:
    written = "".join(document.read_text() for document in DOCUMENTS)
    for part in documents.GENERATED:
        assert f"<!-- generated: {part} -->" in written


@pytest.mark.parametrize(("arguments", "word"), [(["-h"], ""), (["lock", "--help-all"], "lock")])
def test_help_is_generated_as_a_terminal_of_80_columns_shows_it(
    arguments: list[str], word: str
) -> None:
    done = subprocess.run(
        [BIN / "asaman", *arguments],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert documents.help_of(word) == done.stdout.rstrip("\n")


@pytest.mark.parametrize("words", CALLS)
def test_calls_of_our_commands_are_understood(words: list[str]) -> None:
    documents.parse(words)


def test_calls_of_our_commands_are_found() -> None:
    assert len(CALLS) > 20


#: Documents that say how things are; the changelog tells of options that are gone.
STATEMENTS = [document for document in DOCUMENTS if document.name != "CHANGELOG.md"]


@pytest.mark.parametrize("document", STATEMENTS, ids=name)
def test_options_that_a_document_names_exist(document: Path) -> None:
    for program, option, value in documents.named_options(document):
        rows = [row for row in options.OPTIONS if option in {row.name, row.short}]
        if program:
            session = documents.session_of(program)
            rows = [row for row in rows if session in row.commands]
        if option in {"help", "help-all", "version"} or (
            not program and (option == "g" or f"--{option}" in documents.FOREIGN)
        ):
            continue
        assert rows, f"{program} --{option}"
        choices = rows[0].metavar.split("|") if rows[0].metavar else []
        if len(choices) > 1 and value and all(choice.islower() for choice in [*choices, value]):
            assert value in choices, f"--{option} {value}"


def test_options_in_documents_are_found() -> None:
    page = documents.ROOT / "docs/explanation/isolation.md"
    assert ("", "isolation", "full") in documents.named_options(page)
    assert len([each for page in STATEMENTS for each in documents.named_options(page)]) > 100


@pytest.mark.parametrize("document", STATEMENTS, ids=name)
def test_messages_that_a_document_quotes_are_those_of_the_code(document: Path) -> None:
    for message in messages.quoted(document):
        assert messages.is_said(message), message


def test_messages_in_documents_are_found_and_held_against_the_code() -> None:
    assert len([one for document in STATEMENTS for one in messages.quoted(document)]) > 3
    assert messages.is_said(
        "error: click==8.2.1: only wheels are pinned, not the sdist (r.txt line 3)"
    )
    assert not messages.is_said("error: click==8.2.1: the sdist is not what was pinned")
    assert not messages.is_said("hint: look for the wheels elsewhere")


def test_every_key_of_the_configuration_is_documented() -> None:
    page = (documents.ROOT / "docs/reference/configuration.md").read_text()
    for option in options.OPTIONS:
        assert not option.key or f"| `{option.name}` |" in page


def test_every_exit_code_is_documented() -> None:
    page = (documents.ROOT / "docs/reference/exit-codes.md").read_text()
    for code in ExitCode:
        assert f"| {int(code)} | `{code.name}` |" in page


@pytest.mark.parametrize("public", amrasaman_nox.__all__)
def test_every_public_name_has_an_example_that_is_run(public: str) -> None:
    page = documents.ROOT / "docs/reference/python-api.md"
    assert public.lower() in documents.anchors(page)
    sections = re.split(r"^##+ ", page.read_text(), flags=re.MULTILINE)
    (section,) = (one for one in sections if one.partition("\n")[0] == public)
    assert "<!-- run: " in section
    assert public in section.partition("```python")[2]


def test_a_clean_clone_is_tested_by_what_the_readme_says() -> None:
    readme = (documents.ROOT / "README.md").read_text()
    script = (documents.ROOT / ".ci/run").read_text()
    for command in ("pip", "asaman", "nox"):
        first = re.search(rf"\.venv/bin/{command} (?P<rest>[^&\n]*[^&\n ])", readme)
        assert first is not None
        assert first["rest"].removeprefix("install ") in script.replace("--quiet ", "")


# --- what is run -----------------------------------------------------------------------------


def test_every_block_that_is_marked_is_run() -> None:
    known = {"python", "noxfile", "toml", "record", "shell"}
    assert {block.how.partition(" ")[0] for block in BLOCKS if block.how} <= known
    markers = sum(
        len(re.findall("^<!-- run: ", one.read_text(), re.MULTILINE)) for one in DOCUMENTS
    )
    assert markers == sum(1 for block in BLOCKS if block.how)


@pytest.mark.parametrize("block", run_as("toml"), ids=str)
def test_a_table_of_the_configuration_is_understood(block: Block, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(block.text)
    where = {"folder": tmp_path, "invoked_from": tmp_path}
    assert layers.load({}, environ={"HOME": str(tmp_path)}, **where).given()  # type: ignore[arg-type]


def test_the_example_of_a_configuration_is_understood() -> None:
    folder = documents.ROOT / "examples"
    loaded = layers.load({}, folder=folder, invoked_from=folder, environ=snapshot())
    assert loaded.requirement == folder / "requirements.txt"


@pytest.mark.parametrize("block", run_as("record"), ids=str)
def test_the_record_that_is_shown_is_one(block: Block) -> None:
    record = records.parse(block.text.encode(), str(block))
    assert dict(record.versions).keys() == dict(records.own_versions()).keys()
    assert records.render(record).rstrip("\n") == block.text.rstrip("\n")


@pytest.fixture
def folder(tmp_path: Path, index: LocalIndex) -> Path:
    """A folder with a project, and a ``requirements.txt`` that pins sources of an index."""
    index.add_installed("flit_core")
    lines = []
    for project in ("mini-flit", "mini-other"):
        file = index.add(make_sdist(project, "1.0"), f"{project.replace('-', '_')}-1.0.tar.gz")
        lines.append(f"{project}==1.0 --hash={file.digest}\n")
    (tmp_path / "requirements.txt").write_text("".join(lines))
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'
        '[project]\nname = "mini"\nversion = "1.0"\ndescription = "A miniature"\n'
        'readme = "README.md"\nrequires-python = ">=3.11"\n'
        f'[tool.amrasaman]\nindex-url = "{index.url}"\ncache-dir = "cache"\n'
    )
    (tmp_path / "mini.py").write_text("VALUE = 1\n")
    (tmp_path / "README.md").write_text("A miniature.\n")
    return tmp_path


def start(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    dropped = ("NOX", "GITHUB_", "PYTEST", "FORCE_COLOR", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**kept, "PATH": f"{BIN}{os.pathsep}{kept['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("block", run_as("python"), ids=str)
def test_an_example_in_python_runs(block: Block, folder: Path) -> None:
    start(folder, sys.executable, "-W", "error", "-c", block.text)


@pytest.mark.parametrize("block", run_as("noxfile"), ids=str)
def test_an_example_of_a_noxfile_runs(block: Block, folder: Path) -> None:
    (folder / "noxfile.py").write_text(block.text)
    start(folder, sys.executable, "-m", "nox", "-s", *block.how.split()[1:])


def shells() -> dict[Path, list[Block]]:
    found = defaultdict(list)
    for block in run_as("shell"):
        found[block.document].append(block)
    return found


@pytest.mark.online
@pytest.mark.parametrize("document", shells(), ids=name)
def test_a_page_can_be_typed_in_and_gives_what_it_shows(document: Path, tmp_path: Path) -> None:
    for block in shells()[document]:
        for command, shown in transcript(block):
            done = start(tmp_path, "bash", "-euo", "pipefail", "-c", command)
            assert plain(done.stdout.splitlines()) == plain(shown), command


def plain(lines: list[str]) -> list[str]:
    """Return lines without their spaces, empty ones, and what is drawn afresh in each run."""
    joined = (re.sub(r"(?<=seed: )[0-9a-f]{16}\b", "SEED", " ".join(one.split())) for one in lines)
    return [line for line in joined if line]


def transcript(block: Block) -> list[tuple[str, list[str]]]:
    """Return the commands of a block, each with the lines that are shown as its output."""
    steps: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        else:
            steps[-1][1].append(line)
    return steps
