"""The options of every command, in one table: the command line and ``[tool.amrasaman]`` read it.

Only click is imported, so that ``--help`` answers at once. What comes out are fields of
:class:`amrasaman_nox.config.config.Config` with values of their types; that class checks them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from amrasaman_nox.errors import AsamanError, all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BUILD: Final = "reproducible_wheels"
GENERATE: Final = "verified_requirements"
VERIFY: Final = "verify"
LOCK: Final = "lock_build_requirements"
MERGE: Final = "merge_wheels"

_BUILDING = frozenset({BUILD, VERIFY, LOCK})
_WHEELS = frozenset({BUILD, VERIFY})
_ALL = _BUILDING | {GENERATE, MERGE}
_READING = _BUILDING | {GENERATE}

_SUFFIXES: Final = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_MOST_DIGITS: Final = 18


class Command(NamedTuple):
    """A command: its session's name, its word behind ``asaman``, its help, its argument.

    ``field`` is what the argument sets; an ``argument`` that ends in dots may be given repeatedly.
    """

    session: str
    word: str
    help: str
    argument: str = ""
    field: str = "requirement"


COMMANDS: Final = (
    Command(BUILD, "", "Tool to build reproducible wheels."),
    Command(
        GENERATE,
        "generate",
        "Tool to build verified requirements file from reproducible wheels.",
        argument="REQUIREMENT",
    ),
    Command(VERIFY, "verify", "Rebuild under variations, compare, and name the cause."),
    Command(LOCK, "lock", "Write or refresh the build lock only."),
    Command(
        MERGE,
        "merge",
        "Bring the wheels, records and locks of several runs together.",
        argument="DIRECTORY...",
        field="folders",
    ),
)


class Kind(NamedTuple):
    """How a value is read: from a text of the command line, and from a value of TOML.

    ``repeats`` marks options that may be given several times; ``text`` then gives a tuple.
    Both functions raise :class:`ValueError` with the reason.
    """

    metavar: str
    text: Callable[[str], Any]
    toml: Callable[[Any], Any]
    repeats: bool = False


class Option(NamedTuple):
    """An option: its long name, the field of the configuration that it sets, and its help.

    ``field`` is empty for one that is accepted and has no effect. ``key`` tells whether
    ``[tool.amrasaman]`` has it; ``refused`` is the reason why it is never followed.
    """

    name: str
    field: str
    kind: Kind
    section: str
    commands: frozenset[str]
    help: str
    short: str = ""
    metavar: str = ""
    key: bool = True
    refused: str = ""
    hint: str = ""


class Parsed(NamedTuple):
    """A command line: the fields that it sets, or the text that it asks for (help, version)."""

    values: dict[str, Any]
    text: str | None = None


def _whole_number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text, re.ASCII) or len(text) > _MOST_DIGITS:
        raise ValueError(f"{text!a:.60} is not a whole number")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text, re.ASCII):
        raise ValueError(f"{text!a:.60} is not a number of seconds")
    return float(text)


def _size(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,12})([KMGT]?)(i?B)?", text, re.ASCII | re.IGNORECASE)
    if match is None:
        raise ValueError(f"{text!a:.60} is not a size such as 1073741824, 512M or 2G")
    return int(match[1]) << _SUFFIXES[match[2].upper()]


def _setting(text: str) -> tuple[tuple[str, str], ...]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise ValueError(f"{text!a:.60} is not KEY=VALUE")
    return ((key, value),)


def _part(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text, re.ASCII)
    if match is None:
        raise ValueError(f"{text!a:.60} is not K/N, such as 2/5")
    return int(match[1]), int(match[2])


def _comma_separated(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _all_or_names(text: str) -> tuple[str, ...]:
    return () if text == "all" else _comma_separated(text)


def _toml(*types: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        # In TOML a boolean is no number, in Python it is.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ValueError(f"{_TOML_NAMES[types[0]]} is required")
        return value

    return check


def _toml_texts(each: Callable[[str], tuple[Any, ...]]) -> Callable[[Any], tuple[Any, ...]]:
    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            raise ValueError("a list of strings is required")
        return tuple(item for part in value for item in each(part))

    return check


def _toml_size(value: Any) -> Any:
    return _size(value) if isinstance(value, str) else _toml(int)(value)


def _moment(value: Any) -> Any:
    if isinstance(value, str) or hasattr(value, "year"):
        return value
    raise ValueError('"now" or a date is required')


_TOML_NAMES: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}  # noqa: E501  # fmt: skip

_FLAG = Kind("", lambda _: True, _toml(bool))
_TEXT = Kind("TEXT", str, _toml(str))
_FILE = Kind("FILE", str, _toml(str))
_FOLDER = Kind("DIRECTORY", str, _toml(str))
_NUMBER = Kind("INTEGER", _whole_number, _toml(int))
_EPOCH = Kind("TEXT", _whole_number, _toml(int))
_TIME = Kind("SECONDS", _seconds, _toml(float, int))
_BYTES = Kind("SIZE", _size, _toml_size)
_MOMENT = Kind("DATE", str, _moment)
_PART = Kind("K/N", _part, _toml(str))
_TEXTS = Kind("TEXT", lambda text: (text,), _toml_texts(lambda text: (text,)), repeats=True)
_NAMES = Kind("NAME", _comma_separated, _toml_texts(_comma_separated), repeats=True)
_VARIATIONS = Kind("NAME", _all_or_names, _toml_texts(_all_or_names), repeats=True)
_SETTINGS = Kind("KEY=VALUE", _setting, _toml_texts(_setting), repeats=True)

_INPUT = "Input and results"
_LOCKING = "Build lock"
_INDEX = "Package index"
_BUILDS = "Build"
_BOUNDS = "Limits of one build (0: none)"
_COMPARE = "Verification"
_REPORTS = "Reports and messages"
_SECTIONS: Final = (_INPUT, _LOCKING, _INDEX, _BUILDS, _BOUNDS, _COMPARE, _REPORTS)

_GENERATING = frozenset({GENERATE})
_MERGING = frozenset({MERGE})
_NO_EFFECT = "Accepted for compatibility, without effect: the build lock names them by hash."

OPTIONS: Final[tuple[Option, ...]] = (
    Option("source", "source", _FILE, _INPUT, _BUILDING,
           "A single source tarball or zip file.", short="s"),
    Option("directory", "directory", _FOLDER, _INPUT, _BUILDING,
           "A directory containing all source tarballs and zips.", short="d"),
    Option("output", "output", _FOLDER, _INPUT, _BUILDING,
           "The output directory to store all wheel files. Default: ./wheels", short="o"),
    Option("requirement", "requirement", _FILE, _INPUT, _BUILDING,
           "Path to the requirement.txt file which contains all packages to build along with "
           "hashes. A pylock.toml will do as well.", short="r"),
    Option("keep-sources", "keep_sources", _FLAG, _INPUT, frozenset({BUILD}),
           "Copy over the sources to output directory"),
    Option("shard", "shard", _PART, _INPUT, frozenset({BUILD}),
           "Build the K-th of N parts of what is pinned; asaman merge brings them together.",
           key=False),
    Option("force", "force", _FLAG, _INPUT, _WHEELS,
           "Replace wheels in the output directory that no record vouches for."),
    Option("rebuild", "rebuild", _FLAG, _INPUT, _WHEELS,
           "Build again what was built before."),

    Option("output", "verified", _FILE, _INPUT, _GENERATING,
           "The output file. Default: verified-{requirement}.txt", short="o", key=False),
    Option("wheels", "output", _FOLDER, _INPUT, _GENERATING,
           "The directory with reproducible wheels. Default: ./wheels", short="w", key=False),
    Option("skip", "skip", _NAMES, _INPUT, _GENERATING,
           "The packages we don't want in our final requirement file.", short="s",
           metavar="TEXT"),
    Option("requirement", "requirement", _FILE, _INPUT, _GENERATING,
           "The same as REQUIREMENT.", short="r", key=False),

    Option("output", "output", _FOLDER, _INPUT, _MERGING,
           "The directory to bring everything into. Default: ./wheels", short="o", key=False),
    Option("lock", "lock", _FILE, _LOCKING, _MERGING,
           "The build lock to write. Default: build-lock.toml in the output directory.",
           key=False),

    Option("lock", "lock", _FILE, _LOCKING, _BUILDING,
           "The build lock. Default: {requirement}.build-lock.toml beside the input."),
    Option("locked", "locked", _FLAG, _LOCKING, _WHEELS,
           "Refuse to resolve: the lock must have every build requirement."),
    Option("relock", "relock", _FLAG, _LOCKING, _BUILDING,
           "Resolve all build requirements anew."),
    Option("as-of", "as_of", _MOMENT, _LOCKING, _BUILDING,
           "Resolve as of this date (UTC) or now. Default: each source's own upload time."),

    Option("index-url", "index_url", _TEXT, _INDEX, _BUILDING,
           "The package index to ask.", metavar="URL"),
    Option("extra-index-url", "extra_index_url", _TEXTS, _INDEX, _BUILDING,
           "A further package index.", metavar="URL"),
    Option("find-links", "find_links", _TEXTS, _INDEX, _BUILDING,
           "A directory, or a page with links, to look for files in.", metavar="URL"),
    Option("no-index", "no_index", _FLAG, _INDEX, _BUILDING,
           "Ask no package index, look at --find-links only."),
    Option("with-index", "index_url", _TEXT, _INDEX, _BUILDING,
           "In case you want to install build time dependencies from an index, pass the URL. "
           'The same as --index-url.  [default: ""]', key=False),
    Option("trusted-host", "trusted_host", _TEXTS, _INDEX, _BUILDING,
           "Pass --trusted-host VALUE to pip, helps in local indexes over HTTP. Pass the correct "
           'hostname.  [default: ""]'),
    Option("offline", "offline", _FLAG, _INDEX, _BUILDING,
           "Use no network: the store must have every file."),
    Option("allow-url", "allow_url", _FLAG, _INDEX, _READING,
           "Accept hashed pins of the form NAME @ URL."),
    Option("no-hash", "", _FLAG, _INDEX, _BUILDING,
           "DO NOT USE UNLESS VERY SURE: In case we skip hash checking for download. "
           "No longer followed: what has no hash is never built.", key=False,
           refused="what has no hash is never built, since nobody could tell what was built",
           hint="pin with hashes: `uv pip compile --generate-hashes requirements.in`, or "
                "`pip-compile --generate-hashes`"),

    Option("python", "python", _TEXTS, _BUILDS, _READING,
           "The interpreter: a version or a path. Default: the one that runs this.",
           metavar="PYTHON"),
    Option("isolation", "isolation", _TEXT, _BUILDS, _BUILDING,
           "auto takes the strongest that works here.", metavar="auto|full|namespaces|none"),
    Option("sde", "sde", _EPOCH, _BUILDS, _BUILDING, "Custom SOURCE_DATE_EPOCH value."),
    Option("jobs", "jobs", _NUMBER, _BUILDS, _BUILDING,
           "Builds at a time. Default: the processors.", short="j"),
    Option("executor", "executor", _TEXT, _BUILDS, _WHEELS,
           "Where builds run: here, or on the workers of a dask cluster. Default: local",
           metavar="local|dask"),
    Option("scheduler", "scheduler", _TEXT, _BUILDS, _WHEELS,
           "The scheduler of the dask cluster, such as tls://HOST:8786.", metavar="ADDRESS"),
    Option("config-setting", "config_settings", _SETTINGS, _BUILDS, _BUILDING,
           "Pass a setting on to the build backends.", short="C"),
    Option("env", "variables", _SETTINGS, _BUILDS, _BUILDING,
           "Set a variable for the builds, on purpose; it changes their wheels, and the records "
           "have it.", metavar="NAME=VALUE"),
    Option("only-binary", "only_binary", _NAMES, _BUILDS, _BUILDING,
           "Take the published wheel of this project as it is, by its pinned hash."),
    Option("keep-debug-info", "keep_debug_info", _FLAG, _BUILDS, _BUILDING,
           "Leave debug information in compiled modules."),
    Option("skip-build-deps", "", _FLAG, _BUILDS, _BUILDING,
           "While downloading the sources, skip downloading the build dependencies as source  "
           f"[default: True] {_NO_EFFECT}", key=False),
    Option("cache-dir", "cache_dir", _FOLDER, _BUILDS, _BUILDING,
           "The store of sources and build environments. Default: the user's cache."),

    Option("timeout", "timeout", _TIME, _BOUNDS, _BUILDING, "Time of one hook. Default: 3600"),
    Option("silence-timeout", "silence_timeout", _TIME, _BOUNDS, _BUILDING,
           "Time without a line of output. Default: 1200"),
    Option("max-log", "max_log", _BYTES, _BOUNDS, _BUILDING, "Output of one hook. Default: 64M"),
    Option("max-memory", "max_memory", _BYTES, _BOUNDS, _BUILDING,
           "Memory of one build. Default: 0"),
    Option("max-processes", "max_processes", _NUMBER, _BOUNDS, _BUILDING,
           "Processes of one build. Default: 4096"),
    Option("max-disk", "max_disk", _BYTES, _BOUNDS, _BUILDING,
           "What one build may write. Default: 16G"),

    Option("vary", "vary", _VARIATIONS, _COMPARE, frozenset({VERIFY}),
           "What to vary in the rebuild. Default: all", metavar="all|NAME,..."),
    Option("against", "against", _TEXT, _COMPARE, frozenset({VERIFY}),
           "Compare with published wheels, or with another rebuilder's records or wheels.",
           metavar="published|PATH"),
    Option("allow", "allow", _TEXT, _COMPARE, frozenset({VERIFY}),
           "The weakest verdict that counts as the same. Default: equivalent",
           metavar="equivalent|identical"),
    Option("diffoscope", "diffoscope", _FLAG, _COMPARE, frozenset({VERIFY}),
           "Let diffoscope describe what differs."),

    Option("json", "json", _FILE, _REPORTS, _ALL,
           "Write the result as JSON; - is stdout, with nothing else on it."),
    Option("markdown", "markdown", _FILE, _REPORTS, _WHEELS, "Write the result as Markdown."),
    Option("html", "html", _FILE, _REPORTS, _WHEELS, "Write the result as one HTML page."),
    Option("quiet", "quiet", _FLAG, _REPORTS, _ALL, "Print errors only.", short="q"),
    Option("verbose", "verbose", _FLAG, _REPORTS, _ALL,
           "Print more, also where the time goes.", short="v"),
    Option("color", "color", _TEXT, _REPORTS, _ALL, "Default: auto",
           metavar="auto|always|never"),
    Option("traceback", "traceback", _FLAG, _REPORTS, _ALL,
           "Print a Python traceback with an error."),
)  # fmt: skip


def parse(session: str, arguments: Sequence[str], program: str = "") -> Parsed:
    """Return what *arguments* say to the command of *session*.

    Nothing is printed and nothing exits: the text of ``--help`` and ``--version`` is returned.

    :param program: what the command is called in usage lines, such as ``asaman verify``
    :raises AsamanError: an unknown option, a malformed value, a contradiction
    """
    command = next(each for each in COMMANDS if each.session == session)
    program = program or f"asaman {command.word}".rstrip()
    try:
        with _click_command(command).make_context(program, list(arguments)) as context:
            return Parsed(_values(session, context.params))
    except _TextWanted as wanted:
        return Parsed({}, wanted.text)
    except click.UsageError as error:
        hints = [f"{program} --help lists the options"]
        if near := getattr(error, "possibilities", None):
            hints = [f"did you mean {' or '.join(sorted(near))}?"]
        why = error.message.rstrip(".")
        raise AsamanError(program, why[:1].lower() + why[1:], hint=hints[0]) from None


def from_toml(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the fields that ``[tool.amrasaman]`` sets.

    :param where: the file, for messages
    :raises AsamanError: unknown keys, values of another type; all are named
    """
    rows = {option.name: option for option in OPTIONS if option.key}
    values: dict[str, Any] = {}
    problems = []
    for key, value in table.items():
        if key not in rows:
            problems.append(_unknown_key(key, rows, where))
            continue
        try:
            values[rows[key].field] = rows[key].kind.toml(value)
        except ValueError as error:
            problems.append(AsamanError(f"{where}: [tool.amrasaman] {key}", str(error)))
    if problems:
        raise all_of(problems)
    return values


def _unknown_key(key: str, rows: Mapping[str, Option], where: str) -> AsamanError:
    import difflib  # Needed for this message only, and slow to import.

    near = difflib.get_close_matches(key.replace("_", "-"), rows, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(rows))}"
    return AsamanError(f"{where}: [tool.amrasaman] {key}", "unknown key", hint=hint)


def _values(session: str, given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    command = next(each for each in COMMANDS if each.session == session)
    if given.get("argument"):
        values[command.field], sources[command.field] = given["argument"], command.argument
    for option in (each for each in OPTIONS if session in each.commands):
        texts = given[_parameter(option)]
        if not texts or (option.name == "with-index" and texts == ("",)):
            continue
        label = f"--{option.name}"
        if option.refused:
            raise AsamanError(label, option.refused, hint=option.hint)
        value = _value(option, (texts,) if isinstance(texts, bool) else texts)
        if values.get(option.field, value) != value:
            raise AsamanError(f"{sources[option.field]} and {label}", "contradict each other")
        if option.field:
            values[option.field], sources[option.field] = value, label
    return values


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
    """A command whose help shows the options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options by section, then the further commands."""
        for section in _SECTIONS:
            records = [
                record
                for parameter in self.params
                if getattr(parameter, "section", None) == section
                and (record := parameter.get_help_record(ctx)) is not None
            ]
            if records:
                with formatter.section(section):
                    formatter.write_dl(records)
        if self.name == BUILD:
            with formatter.section("Further commands"):
                formatter.write_dl([(each.word, each.help) for each in COMMANDS if each.word])


class _SectionedOption(click.Option):
    """An option that knows the heading it stands under."""

    def __init__(self, declarations: Sequence[str], *, section: str, **attributes: Any) -> None:
        super().__init__(declarations, **attributes)
        self.section = section


def _parameter(option: Option) -> str:
    return f"option_{option.name.replace('-', '_')}"


def _click_command(command: Command) -> click.Command:
    parameters: list[click.Parameter] = []
    if command.argument:
        # Not required: the configuration may name it.
        parameters.append(
            click.Argument(
                ["argument"],
                required=False,
                metavar=command.argument,
                nargs=-1 if command.argument.endswith("...") else 1,
            )
        )
    parameters += [_click_option(each) for each in OPTIONS if command.session in each.commands]
    parameters += [
        _asking("--version", "Show the version and exit.", lambda _: _version()),
        _asking("--help", "Show this message and exit.", lambda context: context.get_help()),
    ]
    return _SectionedCommand(
        command.session, params=parameters, help=command.help, add_help_option=False
    )


def _click_option(option: Option) -> click.Option:
    declarations = [f"--{option.name}", _parameter(option)]
    if option.short:
        declarations.insert(0, f"-{option.short}")
    if option.kind is _FLAG:
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
        section=_REPORTS,
        is_flag=True,
        is_eager=True,
        expose_value=False,
        help=text,
        callback=callback,
    )


def _version() -> str:
    from importlib.metadata import version  # Slow to import, and rarely asked for.

    return f"amrasaman-nox {version('amrasaman-nox')}"
