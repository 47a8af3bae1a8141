"""The settings of a run, as one checked value; no I/O and no variables of the environment.

:mod:`amrasaman_nox.config.layers` fills a :class:`Config` from the command line, the noxfile, the
``pyproject.toml`` and the index variables; whoever does the work only reads it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.config import executors, inputs, processors, reports, rungs
from amrasaman_nox.config.packages import Package, applying
from amrasaman_nox.errors import AsamanError, all_of, shown
from amrasaman_nox.model import (
    DEFAULT_SOURCE_DATE_EPOCH,
    EARLIEST_EPOCH,
    LATEST_EPOCH,
    BuildEnvironment,
    IndexOptions,
    Limits,
    utc,
)

if TYPE_CHECKING:
    from collections.abc import Callable

#: Into how many parts a run can be divided.
MOST_PARTS: Final = 100_000
#: More builds at a time than any machine that this is meant for can run.
MOST_JOBS: Final = 1024

#: The last number is not a user ID: it means none.
LARGEST_UID: Final = (1 << 32) - 2

#: Where build requirements come from: published wheels, or sources that are built.
PUBLISHED, SOURCE = "published", "source"
BUILD_REQUIREMENTS: Final = (PUBLISHED, SOURCE)
#: More stages than any tools need that come to repeat at all.
MOST_STAGES: Final = 20

ALLOWED: Final = ("equivalent", "identical")
COLORS: Final = ("auto", "always", "never")

#: Fields of which at most one may be set; a higher layer's choice replaces a lower layer's.
EXCLUSIVE: Final = (
    inputs.FIELDS,
    ("locked", "relock"),
    ("locked", "relock_packages"),
    ("quiet", "verbose"),
    ("key", "identity"),
)

#: What a key that signs begins with if only a command has it.
COMMAND_KEY: Final = "cmd:"

#: The most characters of a seed.
LONGEST_SEED: Final = 100

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_LIMITS = Limits()


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(inputs.InputPaths, reports.ReportFiles):
    """The settings of a run. The fields are the long options of the commands.

    Strings are taken for paths, and lists for tuples. Relative paths count from the folder of
    the noxfile or ``pyproject.toml`` that has them, and those of options from the folder in
    which the command was given; who reads a loaded configuration finds absolute paths.

    - Input, at most one: ``requirement`` (a requirements file, a pylock or a ``uv.lock``),
      ``source`` (an archive), ``directory`` (a folder of archives), ``project`` (the folder of a
      ``pyproject.toml``). A list of requirements files is one input: the first is kept as
      ``requirement``, the others as ``more_requirements``.
    - ``shard`` is which part of the pins to build, as ``(K, N)`` or ``K/N``; ``folders`` are those
      that are merged.
    - ``wheel`` is one whose origins are shown; ``records`` are those that are rebuilt: files,
      wheels that have one, or folders.
    - ``site`` is the folder of a package index, ``reports`` are JSON reports of ``verify`` with the
      verdicts of its wheels. ``sbom`` is the file of an SBOM (``None``: ``sbom.cdx.json`` beside
      ``output``), or a folder for one of each wheel; ``folders`` can then be wheels as well.
    - Results: ``output`` is the folder of the wheels, ``verified`` the verified requirements
      file (``None``: beside the input), ``skip`` the projects that stay out of it;
      ``check`` writes nothing, and tells whether the file would change;
      ``trust_owner`` are UIDs of users whose wheels and records count as the caller's own.
    - Build lock: ``lock`` is its file (``None``: beside the input), ``locked`` refuses to
      resolve, ``relock`` renews. ``as_of`` is ``None`` (each source's upload time), ``now``, or a
      moment in UTC as ``2025-04-03T00:00:00Z``; a date means its beginning. ``relock_packages``
      and ``as_of_packages`` (pairs of name and date) are what holds for single projects.
    - Build requirements: ``build_requirements`` is ``published`` or ``source``; ``stages`` is how
      many times they are built at most until they repeat, ``diverse`` is the date of other
      published wheels to begin with, as ``as_of``, and ``keep_build_requirements`` copies them to
      the folder ``build`` in ``output``.
    - Package index: as in :class:`~amrasaman_nox.model.IndexOptions`; ``environment`` holds the
      variables of access, ``offline`` forbids the network. ``attestations`` asks who published each
      sdist. ``expandable`` are the variables that
      ``${NAME}`` in an index URL of a requirements file can name; no build sees them. ``in_ci``
      tells that a CI service runs this: then ``auto`` is never no isolation.
    - Build: ``python`` names interpreters (none: the running one); ``rust`` is the
      version or path of a toolchain (none: the user's default), ``crate_index`` a URL or a folder
      (none: where the user's cargo takes crates from); ``isolation`` is ``auto`` or
      a rung of the ladder; ``sde`` is the source date epoch in seconds since 1970 (none:
      ``commit_epoch``, the time of a project's commit, else 1309379017); ``jobs``
      builds run at a time, and each sees ``build_processors`` (a count, or ``auto`` for as many
      as this machine has); ``executor`` is ``local`` or ``dask``, with the address of its
      ``scheduler``; ``only_binary`` are projects whose published wheel is used as is,
      ``constant_temporary_names`` those whose builds get constant names for temporary files;
      ``embed_sbom`` adds an SBOM to each wheel that is built, which changes its bytes.
    - Single projects: ``packages`` are :class:`~amrasaman_nox.config.packages.Package`; the keys of
      ``config_settings`` and ``variables`` can begin with ``NAME:``.
    - Limits: ``timeout`` and ``silence_timeout`` in seconds, ``max_log``, ``max_memory`` and
      ``max_disk`` in bytes, ``max_processes`` a count; ``0`` means no limit.
    - Changes: ``before`` is the former state of ``requirement``, ``verdicts`` a JSON report of a
      verification.
    - This machine: ``require`` are the parts that must work.
    - Verification: ``vary`` names variations (none: all), ``seed`` is the text that their values
      are drawn from (``None``: a new one), ``require_variations`` are those that must
      have been varied (``all``: each of them), ``against`` is ``None`` (rebuild),
      ``published`` or a path (of a folder, a record, a wheel, or a requirements file with hashes of
      wheels, whose sdists are in the folder ``sources``, or on the index), or paths and HTTPS
      locations of several rebuilders; ``allow`` is the weakest verdict that counts as the same.
      ``policy`` is the file that says whose signatures count, ``vsa`` the file for a summary of
      what it admitted.
    - Before a release: ``dist`` is the folder for the sdist and the wheels of a project that are
      verified, ``allow_findings`` are checks whose findings are no failure.
    - Signatures: ``key`` is what signs, the path of a PEM file or ``cmd:COMMAND``; ``passphrase``
      is the one of that file (``None``: it is not encrypted). ``identity`` signs as the CI workflow
      that this runs in (sigstore).
    - Reports: as in :class:`~amrasaman_nox.config.reports.ReportFiles`; ``summary`` is a Markdown
      file to append to, ``docs_url`` the site of these documents, ``annotations`` prints failures
      for the page of a GitHub Actions run.

    :raises AsamanError: a value is out of range, or two contradict each other; all are named
    """

    shard: tuple[int, int] | None = None
    folders: tuple[Path, ...] = ()
    records: tuple[Path, ...] = ()
    wheel: Path | None = None
    site: Path | None = None
    sbom: Path | None = None
    reports: tuple[Path, ...] = ()

    output: Path = Path("wheels")
    verified: Path | None = None
    skip: tuple[str, ...] = ()
    keep_sources: bool = False
    check: bool = False
    all_packages: bool = False
    force: bool = False
    trust_owner: tuple[int, ...] = ()
    rebuild: bool = False

    lock: Path | None = None
    locked: bool = False
    relock: bool = False
    relock_packages: tuple[str, ...] = ()
    as_of: str | None = None
    as_of_packages: tuple[tuple[str, str], ...] = ()

    build_requirements: str = PUBLISHED
    stages: int = 3
    diverse: str | None = None
    keep_build_requirements: bool = False

    index_url: str | None = None
    extra_index_url: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_host: tuple[str, ...] = ()
    offline: bool = False
    allow_url: bool = False
    attestations: bool = False
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    expandable: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    commit_epoch: int | None = None
    in_ci: bool = False
    annotations: bool = False

    python: tuple[str, ...] = ()
    rust: str | None = None
    crate_index: str | None = None
    isolation: str = "auto"
    sde: int | None = None
    jobs: int = field(default_factory=processors.available)
    build_processors: int = BuildEnvironment().processors
    executor: str = executors.NAMES[0]
    scheduler: str | None = None
    only_binary: tuple[str, ...] = ()
    config_settings: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    packages: tuple[Package, ...] = ()
    keep_debug_info: bool = False
    embed_sbom: bool = False
    constant_temporary_names: tuple[str, ...] = ()
    cache_dir: Path | None = None

    timeout: float = _LIMITS.time
    silence_timeout: float = _LIMITS.silence
    max_log: int = _LIMITS.log
    max_memory: int = _LIMITS.memory
    max_processes: int = _LIMITS.processes
    max_disk: int = _LIMITS.disk

    before: Path | None = None
    verdicts: Path | None = None
    require: tuple[str, ...] = ()

    vary: tuple[str, ...] = ()
    seed: str | None = None
    require_variations: tuple[str, ...] = ()
    allow: str = "equivalent"
    allow_findings: tuple[str, ...] = ()
    against: str | tuple[str, ...] | None = None
    policy: Path | None = None
    vsa: Path | None = None
    dist: Path | None = None
    sources: Path | None = None
    diffoscope: bool = False

    summary: Path | None = None
    key: str | None = None
    identity: bool = False
    passphrase: str | None = field(default=None, repr=False)

    docs_url: str | None = None
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    traceback: bool = False

    def __post_init__(self) -> None:
        problems: list[AsamanError] = []
        self._part_requirements()
        for names, convert in _CONVERSIONS:
            for name in names:
                try:
                    # A frozen dataclass has no other way to normalise its own values.
                    object.__setattr__(self, name, convert(getattr(self, name)))
                except (ValueError, TypeError) as error:
                    problems.append(AsamanError(_shown_name(name), str(error)))
        problems += self._contradictions()
        if problems:
            raise all_of(problems)

    def _part_requirements(self) -> None:
        """Keep the first of several requirements files as the input, and the others beside it."""
        more: object = self.more_requirements if self.requirement else ()
        if isinstance(self.requirement, list | tuple):
            first, *more = self.requirement or (None,)
            object.__setattr__(self, "requirement", first)
        object.__setattr__(self, inputs.MORE, more)

    def _contradictions(self) -> list[AsamanError]:
        problems = []
        for group in EXCLUSIVE:
            given = [_shown_name(name) for name in group if getattr(self, name)]
            if len(given) > 1:
                problems.append(
                    AsamanError(
                        " and ".join(given), "cannot be combined", hint="use only one of them"
                    )
                )
        if self.scheduler is None and self.executor in executors.WITH_SCHEDULER:
            hint = "give its address: --scheduler ADDRESS"
            what = f"executor {self.executor}"
            problems.append(AsamanError(what, "requires a scheduler", hint=hint))
        return problems

    @property
    def epoch(self) -> int:
        """The source date epoch of builds, in seconds since 1970."""
        if self.sde is not None:
            return self.sde
        return DEFAULT_SOURCE_DATE_EPOCH if self.commit_epoch is None else self.commit_epoch

    @property
    def others(self) -> tuple[str, ...]:
        """Where other rebuilders keep what they built: paths and URLs."""
        if self.against is None:
            return ()
        return (self.against,) if isinstance(self.against, str) else self.against

    @property
    def index(self) -> IndexOptions:
        """Which indexes to ask, and how."""
        return IndexOptions(
            index_url=self.index_url,
            extra_index_urls=self.extra_index_url,
            find_links=self.find_links,
            no_index=self.no_index,
            trusted_hosts=self.trusted_host,
            offline=self.offline,
            environment=self.environment,
        )

    @property
    def limits(self) -> Limits:
        """What one hook of a build may use."""
        return Limits(
            time=self.timeout,
            silence=self.silence_timeout,
            log=self.max_log,
            disk=self.max_disk,
            memory=self.max_memory,
            processes=self.max_processes,
        )

    def as_of_project(self, name: str) -> str | None:
        """Return the date that is asked for the project *name* (normalised), ``None`` if none."""
        return dict(self.as_of_packages).get(name, self.as_of)

    def for_release(self, name: str, version: str) -> tuple[Package, ...]:
        """Return what holds for a release alone."""
        return applying(self.packages, name, version)

    def given(self) -> dict[str, Any]:
        """Return the fields that differ from their defaults, by name."""
        default = Config()
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        if more := values.pop(inputs.MORE):
            values["requirement"] = (self.requirement, *more)
        return {name: value for name, value in values.items() if value != getattr(default, name)}


def _shown_name(field_name: str) -> str:
    """Return the option that sets a field; what holds for single projects is said with it, too."""
    return field_name.removesuffix("_packages").replace("_", "-")


def _path(value: object) -> Path:
    if not isinstance(value, str | os.PathLike):
        raise TypeError("a path is required")
    text = os.fspath(value)
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError("a path is required: not empty, without null bytes")
    return Path(text)


def _path_or_none(value: object) -> Path | None:
    return None if value is None else _path(value)


def _text_or_none(value: object) -> str | None:
    if value is not None and (not isinstance(value, str | os.PathLike) or not os.fspath(value)):
        raise ValueError("a string that is not empty is required")
    return None if value is None else str(value)


def _web_address(value: object) -> str | None:
    text = _text_or_none(value)
    if text is not None and not re.match(r"https?://[^\s/]", text):
        raise ValueError("a URL is required: https://…")
    return text


def _seed(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = _text_or_none(value)
    if text is not None and (len(text) > LONGEST_SEED or not text.isprintable()):
        raise ValueError(f"a printable string of at most {LONGEST_SEED} characters is required")
    return text


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is required")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise TypeError("a list of strings is required")
    if not all(value):
        raise ValueError("the list contains an empty string")
    return tuple(value)


def _one_or_more_texts(value: object) -> str | tuple[str, ...] | None:
    if not isinstance(value, list | tuple):
        return _text_or_none(value)
    found = tuple(dict.fromkeys(_texts([os.fspath(each) for each in value])))
    if "published" in found and len(found) > 1:
        raise ValueError("published wheels are compared with alone")
    return found if len(found) > 1 else next(iter(found), None)


def _names(value: object) -> tuple[str, ...]:
    texts = _texts(value)
    for text in texts:
        if not _NAME.fullmatch(text):
            raise ValueError(f"{text!a} is not a valid project name")
    # PEP 503; here without packaging, which is slow to import.
    return tuple(re.sub(r"[-_.]+", "-", text).lower() for text in texts)


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("pairs of strings are required")
    pairs = tuple(tuple(pair) for pair in value)
    if not all(len(pair) == 2 and all(isinstance(part, str) for part in pair) for pair in pairs):
        raise TypeError("pairs of strings are required")
    return pairs


def _packages(value: object) -> tuple[Package, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, Package) for each in value):
        raise TypeError("settings of projects are required")
    return tuple(value)


def _whole(least: int, most: int | None, of: str) -> Callable[[object], int]:
    def convert(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"a whole number{of} is required")
        if value < least or (most is not None and value > most):
            limits = f"at least {least}" if most is None else f"between {least} and {most}"
            raise ValueError(f"must be {limits}, not {str(value)[:40]}")
        return int(value)

    return convert


def _epoch(value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("invalid epoch: whole seconds since 1970 are required")
    if not EARLIEST_EPOCH <= value <= LATEST_EPOCH:
        raise ValueError(
            f"invalid epoch {str(value)[:40]}: zip archives store times from 1980 to 2107, so "
            f"it must be between {EARLIEST_EPOCH} and {LATEST_EPOCH}"
        )
    return int(value)


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError("a number of seconds is required")
    if not 0 <= value < float("inf"):
        raise ValueError("a number of seconds is required (0: no limit)")
    return float(value)


def _uids(value: object) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list of user IDs is required")
    return tuple(_whole(0, LARGEST_UID, " for each user ID")(each) for each in value)


def _one_of(choices: tuple[str, ...]) -> Callable[[object], str]:
    def convert(value: object) -> str:
        if value not in choices:
            raise ValueError(f"{shown(ascii(value), 80)} is not one of {', '.join(choices)}")
        return str(value)

    return convert


def _paths(value: object) -> tuple[Path, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list of paths is required")
    return tuple(_path(each) for each in value)


def _part(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    pair = value.split("/") if isinstance(value, str) else value
    try:
        number, parts = (int(each) for each in pair)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise ValueError("K/N is required, such as 2/5") from None
    if not 1 <= number <= parts <= MOST_PARTS:
        raise ValueError(
            f"{number}/{parts} is out of range: K must be between 1 and N, and N between 1 "
            f"and {MOST_PARTS}"
        )
    return number, parts


def _moment(value: object) -> str | None:
    if value is None or value == "now":
        return value
    if isinstance(value, str):
        value = _parsed_moment(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time(), UTC)
    if not isinstance(value, datetime):
        raise TypeError("now, or a date such as 2025-04-03, is required")
    return utc(value if value.tzinfo is not None else value.replace(tzinfo=UTC))


def _moments(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, list | tuple) or not all(len(pair) == 2 for pair in value):
        raise TypeError("pairs of a name and a date are required")
    moments: dict[str, str] = {}
    for name, date_of in value:
        (normal,) = _names((name,))
        moment = _moment(date_of)
        if moment is None:
            raise TypeError(f"{normal} has no date")
        if moments.setdefault(normal, moment) != moment:
            raise ValueError(f"{normal} has two dates")
    return tuple(sorted(moments.items()))


def _parsed_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        utc(moment)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{shown(ascii(text), 80)} is neither now nor a date such as 2025-04-03 or "
            "2025-04-03T04:57:03Z"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


#: Which fields are checked and normalised by what; each field is in one row.
_CONVERSIONS: Final[tuple[tuple[tuple[str, ...], Callable[[object], object]], ...]] = (
    (
        (
            *inputs.FIELDS, "verified", "lock", "cache_dir", "sources", "wheel", "summary",
            "dist", "site", "sbom", "before", "verdicts", "policy", "vsa",
            *reports.TO_FILE,
        ),
        _path_or_none,
    ),
    (("output",), _path),
    (("docs_url",), _web_address),
    (("shard",), _part),
    (("folders", "records", "reports", inputs.MORE), _paths),
    (("trust_owner",), _uids),
    (
        (
            "index_url", "crate_index", "rust", "scheduler", "key", "passphrase",
            *reports.TO_STDOUT,
        ),
        _text_or_none,
    ),
    (
        (
            "keep_sources", "check", "all_packages", "force", "rebuild", "locked", "relock",
            "no_index", "offline", "allow_url", "attestations", "keep_debug_info", "diffoscope",
            "embed_sbom", "quiet", "verbose", "traceback",
            "in_ci", "annotations", "identity", "keep_build_requirements",
        ),
        _flag,
    ),
    (
        (
            "extra_index_url", "find_links", "trusted_host", "python", "vary",
            "require_variations",
        ),
        _texts,
    ),
    (
        (
            "skip", "require", "only_binary", "relock_packages", "constant_temporary_names",
            "allow_findings",
        ),
        _names,
    ),
    (("environment", "expandable", "config_settings", "variables"), _pairs),
    (("against",), _one_or_more_texts),
    (("isolation",), _one_of(rungs.NAMES)),
    (("executor",), _one_of(executors.NAMES)),
    (("allow",), _one_of(ALLOWED)),
    (("color",), _one_of(COLORS)),
    (("build_requirements",), _one_of(BUILD_REQUIREMENTS)),
    (("stages",), _whole(2, MOST_STAGES, "stages")),
    (("packages",), _packages),
    (("sde", "commit_epoch"), _epoch),
    (("seed",), _seed),
    (("jobs",), _whole(1, MOST_JOBS, " of builds")),
    (("build_processors",), processors.number),
    (("timeout", "silence_timeout"), _seconds),
    (("max_log", "max_memory", "max_disk"), _whole(0, None, " of bytes")),
    (("max_processes",), _whole(0, None, " of processes")),
    (("as_of", "diverse"), _moment),
    (("as_of_packages",), _moments),
)  # fmt: skip
