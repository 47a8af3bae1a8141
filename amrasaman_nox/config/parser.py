"""Options of a command line, parsed with click by the table of options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from amrasaman_nox.config.commands import COMMANDS
from amrasaman_nox.config.kinds import FLAG
from amrasaman_nox.config.options import OPTIONS, REPORTS, SECTIONS, Option
from amrasaman_nox.errors import AsamanError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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
    program = program or f"asaman {command.word}".rstrip()
    try:
        with _click_command(command).make_context(program, list(arguments)) as context:
            return Parsed(_values(command, context.params))
    except _TextWanted as wanted:
        return Parsed({}, wanted.text)
    except click.UsageError as error:
        hints = [f"{program} --help lists the options"]
        if near := getattr(error, "possibilities", None):
            hints = [f"did you mean {' or '.join(sorted(near))}?"]
        why = error.message.rstrip(".")
        raise AsamanError(program, why[:1].lower() + why[1:], hint=hints[0]) from None


def help_text(command: Command, program: str = "") -> str:
    """Return what ``--help`` prints."""
    return parse(command, ["--help"], program).text or ""


def _values(command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for argument in command.arguments:
        if given[argument.field]:
            values[argument.field], sources[argument.field] = (
                given[argument.field],
                argument.metavar,
            )
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
        return tuple(item for value in values for item in value)
    if any(value != values[0] for value in values):
        raise AsamanError(f"--{option.name}", "given twice with different values")
    return values[0]


class _TextWanted(Exception):  # noqa: N818 - not an error
    """The command line asks for a text and nothing else."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class _SectionedCommand(click.Command):
    """A command whose help shows the options under headings, then the *further* commands."""

    def __init__(self, name: str, *, further: Sequence[Command], **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.further = further

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, then the further commands."""
        for section in SECTIONS:
            records = [
                record
                for parameter in self.params
                if getattr(parameter, "section", None) == section
                and (record := parameter.get_help_record(ctx)) is not None
            ]
            if records:
                with formatter.section(section):
                    formatter.write_dl(records)
        if self.further:
            with formatter.section("Other commands"):
                formatter.write_dl([(each.word, each.summary) for each in self.further])


class _SectionedOption(click.Option):
    """An option that knows its heading."""

    def __init__(self, declarations: Sequence[str], *, section: str, **attributes: Any) -> None:
        super().__init__(declarations, **attributes)
        self.section = section


def _parameter(option: Option) -> str:
    return f"option_{option.name.replace('-', '_')}"


def _click_command(command: Command) -> click.Command:
    parameters: list[click.Parameter] = [
        # Not required: the configuration may name it.
        click.Argument(
            [each.field],
            required=False,
            metavar=f"{each.metavar}..." if each.repeats else each.metavar,
            nargs=-1 if each.repeats else 1,
        )
        for each in command.arguments
    ]
    parameters += [_click_option(each) for each in OPTIONS if command.session in each.commands]
    parameters += [
        _asking("--version", "Show the version and exit.", lambda _: _version()),
        _asking("--help", "Show this message and exit.", lambda context: context.get_help()),
    ]
    return _SectionedCommand(
        command.session,
        further=() if command.word else [each for each in COMMANDS if each.word],
        params=parameters,
        help=command.help or command.summary,
        add_help_option=False,
    )


def _click_option(option: Option) -> click.Option:
    declarations = [f"--{option.name}", _parameter(option)]
    if option.short:
        declarations.insert(0, f"-{option.short}")
    if option.kind is FLAG and option.single is not None:
        return _SectionedOption(
            declarations,
            section=option.section,
            # Without a value it is a flag.
            is_flag=False,
            flag_value="",
            multiple=True,
            metavar=option.metavar,
            help=option.help,
        )
    if option.kind is FLAG:
        return _SectionedOption(
            declarations, section=option.section, is_flag=True, help=option.help
        )
    return _SectionedOption(
        declarations,
        section=option.section,
        multiple=True,
        type=click.STRING,
        metavar=option.metavar or option.kind.metavar,
        help=option.help,
    )


def _asking(name: str, text: str, answer: Callable[[click.Context], str]) -> click.Option:
    def callback(context: click.Context, _: click.Parameter, value: Any) -> None:
        if value and not context.resilient_parsing:
            raise _TextWanted(answer(context))

    return _SectionedOption(
        [name],
        section=REPORTS,
        is_flag=True,
        is_eager=True,
        expose_value=False,
        help=text,
        callback=callback,
    )


def _version() -> str:
    from importlib.metadata import version  # Slow to import, and rarely asked for.

    return f"amrasaman-nox {version('amrasaman-nox')}"
