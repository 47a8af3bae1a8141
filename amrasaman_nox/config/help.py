"""What ``--help``, ``--help-all`` and ``--version`` print, from the tables alone.

The layout is that of click, which takes longer to import than this takes to answer.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.commands import COMMANDS
from amrasaman_nox.config.kinds import FLAG
from amrasaman_nox.config.options import OFTEN, OPTIONS, REPORTS, SECTIONS, TOP, Option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from amrasaman_nox.config.commands import Argument, Command

#: The program whose first argument is a command, or which has the options of the first command.
PROGRAM: Final = "asaman"
#: The widest first column of a table, what is left of it, and the widest line.
_COLUMN, _INDENT, _WIDTH = 30, 2, 78
_NARROWEST: Final = 50


def help_text(command: Command, program: str = "", *, whole: bool = False) -> str:
    """Return what ``--help`` prints, or what ``--help-all`` prints for the *whole*.

    It is as wide as the terminal, but at most 78 columns.

    :param program: what the command is called in usage lines; ``asaman`` alone lists the commands
    :param whole: list all options that have an effect, not only those that are used often
    """
    program = program or f"{PROGRAM} {command.word}"
    top = program == PROGRAM
    width = _width()
    lines = _usage(program, () if top else command.arguments, width)
    if top:
        lines.append(f"       {PROGRAM} COMMAND [OPTIONS]")
    lines += ["", *_wrapped(command.help or command.summary, width, " " * _INDENT)]
    tables = [("Commands", [(each.word, each.summary) for each in COMMANDS if top])]
    options = [each for each in OPTIONS if command.session in each.commands]
    options = [each for each in options if (each.field if whole else listed(each, program))]
    tables += [(name, _rows(options, name)) for name in SECTIONS]
    for name, rows in tables:
        if rows:
            lines += ["", f"{name}:", *_table(rows, width)]
    return "\n".join(lines)


def version(*_: object) -> str:
    """Return what ``--version`` prints."""
    from importlib.metadata import version  # Slow to import, and rarely asked for.

    return f"amrasaman-nox {version('amrasaman-nox')}"


def _whole(command: Command, program: str) -> str:
    return help_text(command, program, whole=True)


#: What asks for a text, by how it is written, with what gives the text and the line of the help.
ASKING: Final[dict[tuple[str, ...], tuple[Callable[[Command, str], str], str]]] = {
    ("--version",): (version, "Show the version and exit."),
    ("-h", "--help"): (help_text, "Show this message and exit."),
    ("--help-all",): (_whole, "Show all options and exit."),
}


def asked(command: Command, arguments: Sequence[str], program: str) -> str | None:
    """Return the text that *arguments* ask for and for nothing else, ``None`` if they do not."""
    for spellings, (answer, _) in ASKING.items():
        if len(arguments) == 1 and arguments[0] in spellings:
            return answer(command, program)
    return None


def listed(option: Option, program: str) -> bool:
    """Return whether ``--help`` of *program* lists *option*; shells complete those."""
    return bool(option.field and option.listed & (TOP if program == PROGRAM else OFTEN))


def shown(argument: Argument) -> str:
    """Return how usage lines show *argument*."""
    text = f"{argument.metavar}..." if argument.repeats else argument.metavar
    return text if argument.required else f"[{text}]"


def _width() -> int:
    from shutil import get_terminal_size

    return max(min(get_terminal_size().columns - 2, _WIDTH), _NARROWEST)


def _usage(program: str, arguments: Iterable[Argument], width: int) -> list[str]:
    begin = f"Usage: {program} "
    return _wrapped(" ".join(["[OPTIONS]", *map(shown, arguments)]), width, begin)


def _wrapped(text: str, width: int, begin: str) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=begin, subsequent_indent=" " * len(begin))


def _rows(options: Iterable[Option], section: str) -> list[tuple[str, str]]:
    rows = [(_named(each), each.help) for each in options if each.section == section]
    if section == REPORTS:
        rows += [(", ".join(names), text) for names, (_, text) in ASKING.items()]
    return rows


def _named(option: Option) -> str:
    names = [f"-{option.short}"] if option.short else []
    name = ", ".join([*names, f"--{option.name}"])
    if option.kind is FLAG:
        return f"{name} {option.metavar}" if option.single else name
    return f"{name} {option.metavar or option.kind.metavar}"


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    """Yield the lines of two columns; a first one that is too wide has a line of its own."""
    column = min(max(len(name) for name, _ in rows), _COLUMN) + 2
    indent = " " * (_INDENT + column)
    for name, text in rows:
        begin = f"{'':{_INDENT}}{name:{column}}"
        if len(name) > column - 2:
            yield begin.rstrip()
            begin = indent
        yield from _wrapped(text, width, begin) if text else [begin.rstrip()]
