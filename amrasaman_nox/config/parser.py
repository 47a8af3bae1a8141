"""Options of a command line, parsed with click by the table of options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from amrasaman_nox.config.commands import COMMANDS, WORDS
from amrasaman_nox.config.help import ASKING, PROGRAM, listed, shown
from amrasaman_nox.config.inputs import FORMATS, format_of, is_file_name
from amrasaman_nox.config.kinds import FILE, FILES, FLAG, FOLDER
from amrasaman_nox.config.options import OPTIONS, Option
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from click.shell_completion import CompletionItem

    from amrasaman_nox.config.commands import Command


class Parsed(NamedTuple):
    """A command line: the fields that it sets, or the text that it asks for (help, version)."""

    values: dict[str, Any]
    text: str | None = None


def parse(command: Command, arguments: Sequence[str], program: str = "") -> Parsed:
    """Return what *arguments* say to *command*.

    Nothing is printed and nothing exits: the text of ``--help`` and ``--version`` is returned.

    :param program: what the command is called in usage lines, such as ``asaman verify``
    :raises AsamanError: an unknown option, a malformed value, a contradiction
    """
    program = program or f"asaman {command.word}"
    if program == PROGRAM and arguments and not arguments[0].startswith("-"):
        raise _unknown(arguments[0])
    try:
        with click_command(command, program).make_context(program, list(arguments)) as context:
            return Parsed(_values(command, context.params))
    except _TextWanted as wanted:
        return Parsed({}, wanted.text)
    except click.UsageError as error:
        if program == PROGRAM and (ordered := _in_order(arguments)):
            why = "options come after the command"
            raise AsamanError(program, why, hint=ordered) from None
        hints = [f"{program} --help lists the options"]
        if near := getattr(error, "possibilities", None):
            hints = [f"did you mean {' or '.join(sorted(near))}?"]
        why = error.message.rstrip(".")
        raise AsamanError(program, why[:1].lower() + why[1:], hint=hints[0]) from None


def fitting(command: Command, arguments: Sequence[str]) -> list[str]:
    """Return those of *arguments* that *command* has; what only other commands have is left out.

    One run of nox gives all its sessions the same arguments.
    """
    own, known = _spelled(command), _spelled(*COMMANDS)
    found: list[str] = []
    waiting = iter(arguments)
    for text in waiting:
        spelling = text.partition("=")[0] if text.startswith("--") else text[:2]
        option = own.get(spelling) or known.get(spelling)
        given = [text]
        if option is not None and option.kind is not FLAG and text == spelling:
            given += [value for value in (next(waiting, None),) if value is not None]
        stays = spelling in own or spelling not in known
        if stays if text.startswith("-") else command.arguments:
            found += given
    return found


def _spelled(*commands: Command) -> dict[str, Option]:
    """Return the options of *commands* by the ways in which they are written."""
    sessions = {command.session for command in commands}
    rows = [option for option in OPTIONS if option.commands & sessions]
    short = {f"-{option.short}": option for option in rows if option.short}
    return {**short, **{f"--{option.name}": option for option in rows}}


def _unknown(word: str) -> AsamanError:
    """Return the error for a *word* in the place of a command that is none."""
    import difflib  # Needed for this message only, and slow to import.

    if near := difflib.get_close_matches(word, WORDS, n=1):
        return AsamanError(PROGRAM, f"no command {word}", hint=f"did you mean {PROGRAM} {near[0]}?")
    path = Path(word)
    if "\0" not in word and (path.suffix or len(path.parts) > 1 or path.exists()):
        return AsamanError(PROGRAM, f"{word} is not a command", hint=f"{PROGRAM} {_named(path)}")
    return AsamanError(PROGRAM, f"no command {word}", hint=f"commands are {', '.join(WORDS)}")


def _named(path: Path) -> str:
    """Return how *path* is named to the program: with its option, or as that of a command."""
    field = format_of(path).field
    short = next((form.short for form in FORMATS if form.field == field and form.short), "")
    return f"-{short} {path}" if short else f"{COMMANDS[0].word} {path}"


def _in_order(arguments: Sequence[str]) -> str:
    """Return the command line with its command in front of its options, if that makes it one."""
    import shlex

    for place, word in enumerate(arguments):
        if word in WORDS:
            rest = [*arguments[:place], *arguments[place + 1 :]]
            try:
                parse(WORDS[word], rest)
            except AsamanError:
                continue
            return shlex.join([PROGRAM, word, *rest])
    return ""


def _values(command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    given = _with_file_behind_flag(command, given)
    for argument in command.arguments:
        if given.get(argument.field):
            values[argument.field] = given[argument.field]
            sources[argument.field] = argument.metavar
    for option in (each for each in OPTIONS if command.session in each.commands):
        texts = given[_parameter(option)]
        if not texts or (option.name == "with-index" and texts == ("",)):
            continue
        label = f"--{option.name}"
        if option.refused:
            raise AsamanError(label, option.refused, hint=option.hint)
        for part, of_part in _parts(option, (texts,) if isinstance(texts, bool) else texts):
            value = _value(part, of_part)
            if values.get(part.field, value) != value:
                raise AsamanError(f"{sources[part.field]} and {label}", "cannot be combined")
            if part.field:
                values[part.field], sources[part.field] = value, label
    return values


def _with_file_behind_flag(command: Command, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *given* where the value of an option that needs none is the file of the command.

    In ``asaman lock --relock requirements.txt`` the file is no project.
    """
    takes_file = any(argument.field == "file" for argument in command.arguments)
    if not takes_file or given.get("file"):
        return given
    for option in OPTIONS:
        if command.session in option.commands and option.kind is FLAG and option.single:
            texts = given[_parameter(option)]
            files = [text for text in texts if is_file_name(text)]
            if len(files) == 1:
                others = tuple("" if text == files[0] else text for text in texts)
                return {**given, "file": files[0], _parameter(option): others}
    return given


def _parts(option: Option, texts: tuple[Any, ...]) -> Iterator[tuple[Option, tuple[Any, ...]]]:
    """Yield the option with what was given for all projects, and with that for single ones."""
    of_single: tuple[Any, ...] = ()
    if option.single is not None:
        field, kind = option.single
        of_single = tuple(text for text in texts if (text if option.kind is FLAG else "=" in text))
        if of_single:
            yield option._replace(field=field, kind=kind), of_single
    of_all = tuple(text for text in texts if text not in of_single)
    if of_all:
        yield option, of_all


def _value(option: Option, texts: tuple[Any, ...]) -> Any:
    try:
        values = [option.kind.text(text) for text in texts]
    except ValueError as error:
        raise AsamanError(f"--{option.name}", str(error)) from None
    if option.kind.repeats:
        items = tuple(dict.fromkeys(item for value in values for item in value))
        return items[0] if option.kind.alone and len(items) == 1 else items
    if any(value != values[0] for value in values):
        raise AsamanError(f"--{option.name}", "given twice with different values")
    return values[0]


class _TextWanted(Exception):  # noqa: N818 - not an error
    """The command line asks for a text and nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _parameter(option: Option) -> str:
    return f"option_{option.name.replace('-', '_')}"


def click_command(command: Command, program: str = "") -> click.Command:
    """Return *command* as click knows it.

    :param program: what it is called; ``asaman`` alone has no arguments
    """
    parameters: list[click.Parameter] = [
        # Not required: the configuration may name it.
        click.Argument(
            [each.field],
            required=False,
            metavar=shown(each),
            nargs=-1 if each.repeats else 1,
        )
        for each in (() if program == PROGRAM else command.arguments)
    ]
    options = [each for each in OPTIONS if command.session in each.commands]
    parameters += [_click_option(each, hidden=not listed(each, program)) for each in options]
    parameters += [_asking(command, names) for names in ASKING]
    return click.Command(command.session, params=parameters, add_help_option=False)


def _click_option(option: Option, *, hidden: bool) -> click.Option:
    declarations = [f"--{option.name}", _parameter(option)]
    if option.short:
        declarations.insert(0, f"-{option.short}")
    about: Any = {"help": option.help, "hidden": hidden}
    if option.kind is FLAG and option.single is not None:
        # Without a value it is a flag.
        return click.Option(declarations, is_flag=False, flag_value="", multiple=True, **about)
    if option.kind is FLAG:
        return click.Option(declarations, is_flag=True, **about)
    return click.Option(declarations, multiple=True, type=_Text(option), **about)


class _Text(click.ParamType):  # type: ignore[type-arg]
    """A text as it was given; shells complete it with files, or with the words of its metavar."""

    name = "text"

    def __init__(self, option: Option) -> None:
        self.option = option

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return what the *incomplete* value can become."""
        from click.shell_completion import CompletionItem

        if self.option.kind in {FILE, FILES, FOLDER}:
            kind = "dir" if self.option.kind is FOLDER else "file"
            return [CompletionItem(incomplete, type=kind)]
        words = [word for word in self.option.metavar.split("|") if word.islower()]
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


def _asking(command: Command, names: Sequence[str]) -> click.Option:
    answer, text = ASKING[tuple(names)]

    def callback(context: click.Context, _: click.Parameter, value: Any) -> None:
        if value and not context.resilient_parsing:
            raise _TextWanted(answer(command, context.info_name or ""))

    return click.Option(
        names, is_flag=True, is_eager=True, expose_value=False, help=text, callback=callback
    )
