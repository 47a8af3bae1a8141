"""The documents as a test sees them: files, links, code blocks, and the parts that are generated.

``python -m tests.support.documents`` updates the generated parts.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from amrasaman_nox.config import help as helps
from amrasaman_nox.config import options, parser
from amrasaman_nox.config.commands import COMMANDS, WORDS
from amrasaman_nox.config.config import Config
from amrasaman_nox.verification.explain import EXPLANATIONS
from amrasaman_nox.wheels.canonical import PASSES

from . import house

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from amrasaman_nox.config.parser import Parsed

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(
    r"(?:^<!-- run: (?P<how>[^\n]*?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>[a-z]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_GENERATED = re.compile(
    r"^<!-- generated: (?P<name>[a-z-]+) -->\n.*?^<!-- end of generated -->$",
    re.DOTALL | re.MULTILINE,
)
_WRITTEN = re.compile(
    r"^<!-- (?:generated: )?(?P<name>[a-z-]+) -->\n.*?^<!-- end of .*?-->$",
    re.DOTALL | re.MULTILINE,
)
_LINK = re.compile(
    r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|^\[[^\]]+\]: *(?P<other>\S+)$", re.MULTILINE
)
_HEADING = re.compile(r"^#+ +(?P<title>.*?) *$", re.MULTILINE)
_PROGRAMS = {command.script: command.word for command in COMMANDS if command.script}


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A code block: its language and text; ``how`` is set for one that a test runs."""

    document: Path
    line: int
    language: str
    text: str
    how: str = ""

    def __str__(self) -> str:
        return f"{self.document.relative_to(ROOT)}:{self.line}"


#: Options of other programs that documents name.
FOREIGN = {
    "--auto-build": "reprotest",
    "--branch": "git clone",
    "--build-option": "setuptools",
    "--cluster": "the benchmark",
    "--crate-type": "rustc",
    "--default-index": "uv",
    "--detach": "docker",
    "--exclude-newer": "uv",
    "--exit-code": "git diff",
    "--extra": "uv export",
    "--format": "ruff",
    "--from": "uvx",
    "--frozen": "uv export",
    "--generate-hashes": "uv pip compile",
    "--hash": "requirements files",
    "--no-binary": "pip",
    "--nthreads": "dask worker",
    "--nworkers": "dask worker",
    "--only": "nox -s hardening",
    "--protocol": "dask scheduler",
    "--quick": "nox -s hardening",
    "--remap-path-prefix": "rustc",
    "--require-build-hashes": "uv",
    "--require-hashes": "pip and uv",
    "--rm": "docker and podman",
    "--scope": "systemd-run",
    "--sdist": "python -m build",
    "--security-opt": "docker and podman",
    "--set": "the benchmark",
    "--spec": "pipx",
    "--tags": "git fetch",
    "--unshallow": "git fetch",
    "--string-dump": "readelf",
    "--tamper": "the evaluation",
    "--tls-ca-file": "dask",
    "--tls-cert": "dask",
    "--tls-key": "dask",
    "--universal": "uv",
    "--user": "systemd-run",
    "--write": "nox -s docs",
}


def documents() -> list[Path]:
    """Return all documents of the project."""
    return [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]


def blocks(document: Path) -> Iterator[Block]:
    """Yield the code blocks of *document*."""
    content = document.read_text()
    for match in _FENCE.finditer(content):
        indent = match["indent"]
        text = "".join(
            line.removeprefix(indent) for line in match["text"].splitlines(keepends=True)
        )
        yield Block(
            document=document,
            line=content.count("\n", 0, match.start()) + 1,
            language=match["language"],
            text=text,
            how=match["how"] or "",
        )


def links(document: Path) -> Iterator[str]:
    """Yield the targets of the links of *document*; not those in code."""
    prose = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", document.read_text()))
    for match in _LINK.finditer(prose):
        yield match["target"] or match["other"]


def prose(document: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of *document* that are wrapped, with their numbers: no code, no tables.

    What tools write is between ``<!-- NAME -->`` and ``<!-- end of NAME -->``, and is left out.
    """

    def blank(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    content = _WRITTEN.sub(blank, _FENCE.sub(blank, document.read_text()))
    for number, line in enumerate(content.splitlines(), 1):
        if not line.startswith("|"):
            yield number, line


def anchors(document: Path) -> set[str]:
    """Return what ``#`` behind the name of *document* can name: its headings."""
    found = set()
    for match in _HEADING.finditer(_FENCE.sub("", document.read_text())):
        title = re.sub(r"[^\w\- ]", "", match["title"].lower())
        found.add(title.replace(" ", "-"))
    return found


def commands(block: Block) -> Iterator[list[str]]:
    """Yield the calls of our own commands in a block, each as a list of words."""
    # What a CI service puts into a command is a number as well as anything else.
    text = re.sub(r"\$\{\{[^}]*\}\}", "1", block.text.replace("\\\n", " "))
    for line in text.splitlines():
        for part in re.split(r"&&|\||;", line.strip().removeprefix("$ ")):
            plain = re.sub(r"^(- )?(run:|script:)?[ -]*", "", part).strip()
            try:
                words = shlex.split(plain, comments=True)
            except ValueError:
                continue
            if words and Path(words[0]).name in _PROGRAMS and not plain.endswith(":"):
                yield [Path(words[0]).name, *words[1:]]


def named_options(document: Path) -> list[tuple[str, str, str]]:
    """Return the options that code in the text of *document* names.

    Each is our call that it is in (``""`` for an option alone), its name without dashes,
    and the word after it or ``""``. Calls of other programs have options of their own.
    """
    found = []
    for match in re.finditer(r"`([^`]+)`", _FENCE.sub("", document.read_text())):
        words = match[1].split()
        program = re.match(rf"(?:{'|'.join(_PROGRAMS)})(?: [a-z]+)?(?= |$)", match[1])
        if program is None and not re.match(r"--?[a-z]", match[1]):
            continue
        for word, value in zip(words, [*words[1:], ""], strict=True):
            if option := re.fullmatch(r"(?:--(?=..)|-(?=.$))([a-zA-Z][a-z-]*)(?:=(.*))?", word):
                called = program[0] if program else ""
                found.append((called, option[1], (option[2] or value).strip(",")))
    return found


def session_of(program: str) -> str:
    """Return the session that a call such as ``asaman verify`` runs."""
    script, _, word = program.partition(" ")
    words = {command.word: command.session for command in COMMANDS}
    return words.get(word if word in words else _PROGRAMS[script], "")


def parse(words: list[str]) -> Parsed:
    """Return what a call of one of our commands says.

    :raises AsamanError: an unknown option, a malformed value
    """
    program, *arguments = words
    word = _PROGRAMS[program]
    if program == "asaman" and arguments and arguments[0] in WORDS:
        word = arguments.pop(0)
        program = f"{program} {word}"
    return parser.parse(WORDS[word], arguments, program)


# --- what is generated -----------------------------------------------------------------------


def renewed(content: str) -> str:
    """Return *content* with its generated parts updated."""

    def write(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- generated: {name} -->\n\n{GENERATED[name]()}\n\n<!-- end of generated -->"

    return _GENERATED.sub(write, content)


def help_of(word: str) -> str:
    """Return the text of ``asaman WORD --help-all``, as in a terminal of 80 columns.

    Without a word it is that of ``asaman --help``.
    """
    with mock.patch.dict(os.environ, COLUMNS="80"):
        if not word:
            return helps.help_text(COMMANDS[0], "asaman")
        return helps.help_text(WORDS[word], whole=True)


def _help() -> str:
    parts = [f"## `asaman`\n\n```text\n{help_of('')}\n```"]
    parts += [
        f"## `asaman {command.word}`\n\n"
        f"The session `{command.session}`. This is what `--help-all` prints; `--help` lists the "
        f"options\nthat are used often.\n\n"
        f"```text\n{help_of(command.word)}\n```"
        for command in COMMANDS
    ]
    return "\n\n".join(parts)


def _commands() -> str:
    rows = [("command", "session", "does"), ("---", "---", "---")]
    for command in COMMANDS:
        words = " ".join(("asaman", command.word, *map(helps.shown, command.arguments)))
        other = f", `{command.script}`" if command.script else ""
        rows.append((f"`{words}`{other}", f"`{command.session}`", command.summary))
    return _table(rows)


_TYPES = {
    "": "true or false",
    "FILE": "string: a path",
    "DIRECTORY": "string: a path",
    "INTEGER": "whole number",
    "N|auto": 'whole number, or string `"auto"`',
    "SECONDS": "number of seconds",
    "SIZE": 'bytes: whole number, or string such as `"2G"`',
    "DATE": 'date, or string: a date or `"now"`',
    "NAME": "list of strings: names",
    "UID": "list of whole numbers",
    "KEY=VALUE": "list of strings: `KEY=VALUE`",
}
_DEFAULT = re.compile(r"\s*\[?\b[Dd]efault: (?P<value>[^\]]*?)\.?\]?$")


def _configuration() -> str:
    parts = []
    for section in dict.fromkeys(option.section for option in options.OPTIONS if option.key):
        rows = [("key", "type", "default", "meaning"), ("---", "---", "---", "---")]
        for option in options.OPTIONS:
            if option.key and option.section == section:
                rows.append((f"`{option.name}`", _type(option), _default(option), _meaning(option)))
        parts.append(f"### {section}\n\n{_table(rows)}")
    return "\n\n".join(parts)


def _type(option: options.Option) -> str:
    kind = option.kind
    if option.metavar and "|" in option.metavar and not kind.repeats:
        return "string: " + ", ".join(f"`{one}`" for one in option.metavar.split("|"))
    if option.field == "sde":
        return "whole number: seconds since 1970"
    return _TYPES.get(kind.metavar, "list of strings" if kind.repeats else "string")


def _default(option: options.Option) -> str:
    value: Any = getattr(Config(), option.field)
    if option.field == "sde":
        return f"`{Config().epoch}`; for a project, the time of its commit"
    said = _DEFAULT.search(option.help)
    if option.field == "jobs" or (said and value in (None, ()) and said["value"] != '""'):
        return re.sub(r"(\{[a-z]+\}\S*)", r"`\1`", said["value"]) if said else ""
    if option.kind.metavar == "SIZE":
        return _size(value)
    if value is None:
        return ""
    plain = list(value) if isinstance(value, tuple) else value
    if isinstance(value, float):
        plain = int(value)
    text = f'"{plain}"' if isinstance(plain, str | Path) else str(plain)
    return f"`{text.lower() if isinstance(plain, bool) else text}`"


def _size(value: int) -> str:
    for suffix, bits in (("G", 30), ("M", 20)):
        if value and value % (1 << bits) == 0:
            return f'`"{value >> bits}{suffix}"`'
    return f"`{value}`"


def _meaning(option: options.Option) -> str:
    return _DEFAULT.sub("", option.help).strip()


def _passes() -> str:
    rows = [("pass", "sets"), ("---", "---")]
    rows += [(f"`{one.name}`", one.sets) for one in PASSES]
    return _table(rows)


def _explanations() -> str:
    rows = [("name", "verdict line", "what is seen"), ("---", "---", "---")]
    rows += [(f"[{one.name}]({one.name}.md)", one.title, one.seen) for one in EXPLANATIONS]
    return _table(rows)


def _picture() -> str:
    edges = house.rooms()
    heights, nearest = house.heights(edges), house.nearest(edges)

    def named(rooms: Iterable[str]) -> str:
        return "  ".join(map(room_name, sorted(rooms, key=lambda room: (-heights[room], room))))

    width = max(len(room_name(room)) for room in edges)
    lines = [
        f"{room_name(room):{width}} ──► {named(nearest[room])}".removesuffix(" ──► ").rstrip()
        for room in sorted(heights, key=lambda room: (-heights[room], room))
    ]
    return "\n".join(("```text", *lines, "```"))


def _rooms() -> str:
    heights = house.heights(house.rooms())
    rows = [("room", "what it does"), ("---", "---")]
    for room in sorted(heights, key=lambda room: (-heights[room], room)):
        if room:
            rows.append((f"`{room_name(room)}`", house.sentence(room)))
    return _table(rows)


def room_name(room: str) -> str:
    """Return how documents name *room*: a folder ends in a slash, a module in ``.py``."""
    if not room:
        return house.NAME
    return f"{room}/" if house.path(room).name == "__init__.py" else f"{room}.py"


def _table(rows: list[tuple[str, ...]]) -> str:
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows
    )


#: What is between ``<!-- generated: NAME -->`` and ``<!-- end of generated -->``.
GENERATED: Mapping[str, Callable[[], str]] = {
    "help": _help,
    "commands": _commands,
    "configuration": _configuration,
    "explanations": _explanations,
    "passes": _passes,
    "picture": _picture,
    "rooms": _rooms,
}


_PATH = re.compile(r"`(?P<path>[\w./-]+(?:\.py|\.md|\.toml|/))`")
_NAME = re.compile(r"`(?P<name>\w+)`\s(?:in|of)\s`(?P<path>[\w./]+\.py)`")


def paths(document: Path) -> list[str]:
    """Return the files and folders that *document* names, as it names them."""
    return [match["path"] for match in _PATH.finditer(_FENCE.sub("", document.read_text()))]


def definitions(document: Path) -> list[tuple[str, str]]:
    """Return what *document* says is defined where: ```NAME` in `FILE.py``` as name and file."""
    found = _NAME.finditer(_FENCE.sub("", document.read_text()))
    return [(match["name"], match["path"]) for match in found]


def source(path: str) -> Path:
    """Return the file or folder that documents call *path*: of the package, or from the top."""
    inside = house.PACKAGE / path
    return inside if inside.exists() else ROOT / path


def tables(block: Block) -> dict[str, Any]:
    """Return a block of TOML as a value."""
    return tomllib.loads(block.text)


def config_fields() -> set[str]:
    """Return the names of the fields of the configuration."""
    return {each.name for each in fields(Config)}


#: The man page, which installing the package puts where ``man`` looks.
MAN = ROOT / "docs/asaman.1"


def man_page() -> str:
    """Return the man page: all commands and their options, from the same tables as the help."""
    lines = ['.TH ASAMAN 1 "" "amrasaman-nox" "User Commands"', ".SH NAME"]
    lines += ["asaman \\- rebuild pinned Python sources into wheels bit for bit", ".SH SYNOPSIS"]
    lines += [".B asaman", "[OPTIONS]", ".br", ".B asaman", "COMMAND [OPTIONS]"]
    for command in COMMANDS:
        words = " ".join((command.word, *map(helps.shown, command.arguments)))
        lines += [f'.SH "{_roff(words).upper()}"', _roff(command.summary)]
        for option in options.OPTIONS:
            if command.session in option.commands and option.field:
                lines += [".TP", _man_option(option), _roff(option.help)]
    return "\n".join(lines) + "\n"


def _man_option(option: options.Option) -> str:
    names = [f"-{option.short}"] * bool(option.short) + [f"--{option.name}"]
    shown = f"{', '.join(names)} {option.metavar or option.kind.metavar}"
    return f".B {_roff(shown.rstrip())}"


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def write() -> list[Path]:
    """Update the generated documents and parts of documents; return those that changed."""
    changed = []
    if not MAN.exists() or MAN.read_text() != man_page():
        MAN.write_text(man_page())
        changed.append(MAN)
    for document in documents():
        content = document.read_text()
        if (text := renewed(content)) != content:
            document.write_text(text)
            changed.append(document)
    return changed


if __name__ == "__main__":
    for path in write():
        print(f"written: {path.relative_to(ROOT)}")
