"""The options of all commands, in one table: the command line and ``[tool.amrasaman]`` read it.

Only click is imported, so that ``--help`` answers at once. What comes out are fields of
:class:`amrasaman_nox.config.config.Config` with values of their types; that class checks them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from amrasaman_nox.config import packages, rungs
from amrasaman_nox.config.commands import BUILDS, LOCKS, READS, sessions_that
from amrasaman_nox.config.executors import EXECUTORS
from amrasaman_nox.config.inputs import FORMATS as INPUT_FORMATS
from amrasaman_nox.config.inputs import InputFormat
from amrasaman_nox.config.kinds import (
    BYTES,
    DATES,
    EPOCH,
    FILE,
    FILES,
    FLAG,
    FOLDER,
    MOMENT,
    NAMES,
    NUMBER,
    PART,
    PROCESSORS,
    SEED,
    SETTINGS,
    TEXT,
    TEXTS,
    TIME,
    UIDS,
    VARIATIONS,
    ValueKind,
)
from amrasaman_nox.config.reports import FORMATS as REPORT_FORMATS
from amrasaman_nox.errors import AsamanError, all_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUILDING = sessions_that(LOCKS)
_WHEELS = sessions_that(BUILDS)
_READING = sessions_that(READS)
_ALL = sessions_that()
_MAKING = frozenset({"reproducible_wheels"})
_GENERATING = frozenset({"verified_requirements"})
_VERIFYING = frozenset({"verify"})
_MERGING = frozenset({"merge_wheels"})
_REBUILDING = frozenset({"rebuild_records"})
_STANDING = frozenset({"verified_requirements", "lock_build_requirements"})
_CHECKING = frozenset({"release_check"})
#: Those that work on what is pinned, or on a project; a check is of a project alone.
_PINNED = _BUILDING - _CHECKING
_PROJECTS = _READING - _CHECKING
_KEEPING = _WHEELS - _CHECKING
_DOCTORING = frozenset({"doctor"})
#: Those that run builds, and those that ask an index, or tell whether it answers.
_RUNNING = _BUILDING | _REBUILDING
_ASKING = _RUNNING | _DOCTORING
_BOOTSTRAPPING = frozenset({"bootstrap"})
_INDEXING = frozenset({"package_index"})
_LISTING = frozenset({"bill_of_materials"})
_SIGNING = frozenset({"sign_wheels"})
_MAKING_KEYS = frozenset({"keygen"})
_BESIDE = _REBUILDING | _MERGING | _INDEXING | _LISTING | _SIGNING
_TAKING = _WHEELS | _GENERATING | _BESIDE | frozenset({"tree"})


#: Which help lists an option: ``--help-all`` alone, that of ``asaman``, that of its commands, both.
RARELY, TOP, OFTEN, ALWAYS = range(4)


class Option(NamedTuple):
    """An option: its long name, the field of the configuration that it sets, and its help.

    ``field`` is empty for one that is accepted and has no effect. ``key`` tells whether
    ``[tool.amrasaman]`` has it; ``refused`` is the reason why it is never followed. ``single`` is
    the field of what it says of single projects, such as ``--relock NAME``, and how that is read.
    ``listed`` says which help lists it; one without effect is listed nowhere.
    """

    name: str
    field: str
    kind: ValueKind
    section: str
    commands: frozenset[str]
    help: str
    short: str = ""
    metavar: str = ""
    key: bool = True
    refused: str = ""
    hint: str = ""
    single: tuple[str, ValueKind] | None = None
    listed: int = RARELY


_INPUT = "Input and results"
_LOCKING = "Build lock"
_INDEX = "Package index"
_BUILDS = "Build"
_BOUNDS = "Limits of one build (0: none)"
_COMPARE = "Verification"
REPORTS = "Reports and messages"
SECTIONS: Final = (_INPUT, _LOCKING, _INDEX, _BUILDS, _BOUNDS, _COMPARE, REPORTS)

#: The table of what holds for single projects.
PACKAGES: Final = "packages"
_NO_EFFECT = "Accepted for compatibility, without effect: the build lock names them by hash."


def _kind_of(form: InputFormat) -> ValueKind:
    if form.folder:
        return FOLDER
    return FILES if form.several else FILE


OPTIONS: Final[tuple[Option, ...]] = (
    *(
        Option(each.field, each.field, _kind_of(each), _INPUT, _PINNED, each.help,
               short=each.short, listed=ALWAYS)
        for each in INPUT_FORMATS
        if each.help
    ),
    Option("project", "project", FOLDER, _INPUT, _READING,
           "The folder of the project. Default: the nearest.", key=False, listed=OFTEN),
    Option("all-packages", "all_packages", FLAG, _INPUT, _PROJECTS,
           "Work on all projects of the workspace; of a uv.lock, on what all of them require."),
    Option("output", "output", FOLDER, _INPUT, _RUNNING,
           "The output directory to store all wheel files. Default: ./wheels", short="o",
           listed=ALWAYS),
    Option("keep-sources", "keep_sources", FLAG, _INPUT, _MAKING,
           "Copy over the sources to output directory", listed=ALWAYS),
    Option("shard", "shard", PART, _INPUT, _MAKING,
           "Build part K of N of the pins; asaman merge combines the parts.",
           key=False),
    Option("force", "force", FLAG, _INPUT, _KEEPING | _REBUILDING,
           "Replace wheels in the output directory that have no provenance record."),
    Option("trust-owner", "trust_owner", UIDS, _INPUT, _TAKING,
           "Trust the wheels and records in the output directory that this user owns."),
    Option("rebuild", "rebuild", FLAG, _INPUT, _KEEPING,
           "Build again even if the wheel is already built."),

    Option("output", "verified", FILE, _INPUT, _GENERATING,
           "The output file. Default: verified-{requirement}.txt", short="o", key=False,
           listed=ALWAYS),
    Option("wheels", "output", FOLDER, _INPUT, _GENERATING,
           "The directory with reproducible wheels. Default: ./wheels", short="w", key=False,
           listed=ALWAYS),
    Option("check", "check", FLAG, _INPUT, _STANDING,
           "Write nothing; fail if the file is missing or would change.", key=False, listed=ALWAYS),
    Option("skip", "skip", NAMES, _INPUT, _GENERATING,
           "The packages we don't want in our final requirement file.", short="s",
           metavar="TEXT", listed=ALWAYS),
    Option("requirement", "requirement", FILES, _INPUT, _GENERATING,
           "The same as REQUIREMENT.", short="r", key=False, listed=ALWAYS),

    Option("key", "key", TEXT, _INPUT, _SIGNING,
           "The private key: a PEM file, or cmd:COMMAND for one that a command has.",
           metavar="FILE|cmd:COMMAND", key=False, listed=ALWAYS),
    Option("identity", "identity", FLAG, _INPUT, _SIGNING | _MAKING | _GENERATING,
           "Sign as the CI workflow that this runs in, through sigstore."),
    Option("sign", "key", TEXT, _INPUT, _MAKING | _GENERATING,
           "Sign the records, or the summary of --vsa, with this private key: a PEM file, "
           "or cmd:COMMAND for one that a command has.",
           metavar="FILE|cmd:COMMAND"),

    Option("output", "output", FOLDER, _INPUT, _MERGING,
           "The directory to merge into. Default: ./wheels", short="o", key=False, listed=ALWAYS),
    Option("lock", "lock", FILE, _LOCKING, _MERGING,
           "The build lock to write. Default: build-lock.toml in the output directory.",
           key=False, listed=OFTEN),

    Option("output", "sbom", FILE, _INPUT, _LISTING,
           "The file to write, or a directory for a file for each wheel. "
           "Default: sbom.cdx.json", short="o", key=False, listed=ALWAYS),
    Option("verified", "verified", FILE, _INPUT, _LISTING,
           "List only the wheels whose hashes this verified requirements file or pylock has.",
           key=False, listed=ALWAYS),
    Option("report", "reports", TEXTS, _INPUT, _INDEXING | _LISTING,
           "A JSON report of asaman verify with the verdicts of the wheels.", metavar="FILE",
           key=False, listed=ALWAYS),

    Option("lock", "lock", FILE, _LOCKING, _BUILDING,
           "The build lock. Default: {requirement}.build-lock.toml beside the input.",
           listed=OFTEN),
    Option("locked", "locked", FLAG, _LOCKING, _WHEELS,
           "Do not resolve: fail if a build requirement is not in the lock.", listed=OFTEN),
    Option("relock", "relock", FLAG, _LOCKING, _BUILDING,
           "Resolve all build requirements again, or those of the project NAME.",
           metavar="[NAME]", single=("relock_packages", NAMES)),
    Option("as-of", "as_of", MOMENT, _LOCKING, _BUILDING,
           "Resolve as of this date (UTC) or now. Default: the later of the source's upload "
           "and the interpreter's release.",
           metavar="[NAME=]DATE", single=("as_of_packages", DATES)),

    Option("build-requirements", "build_requirements", TEXT, _LOCKING, _WHEELS - _BOOTSTRAPPING,
           "Build with published wheels, or with those that the bootstrap lock has as sources. "
           "Default: published",
           metavar="published|source"),
    Option("stages", "stages", NUMBER, _LOCKING, _WHEELS,
           "The most stages in which build requirements are built from source until they "
           "repeat. Default: 3"),
    Option("diverse", "diverse", MOMENT, _LOCKING, _BOOTSTRAPPING,
           "Start again with the published wheels of this date, and compare: both "
           "must give the same bytes."),
    Option("keep-build-requirements", "keep_build_requirements", FLAG, _LOCKING, _KEEPING,
           "Copy build requirements that were built from source to the folder build in the "
           "output directory."),

    Option("index-url", "index_url", TEXT, _INDEX, _ASKING,
           "The base URL of the package index.", metavar="URL", listed=OFTEN),
    Option("extra-index-url", "extra_index_url", TEXTS, _INDEX, _ASKING,
           "An additional package index.", metavar="URL"),
    Option("find-links", "find_links", TEXTS, _INDEX, _ASKING,
           "A directory, or a page with links, to search for files.", metavar="URL"),
    Option("no-index", "no_index", FLAG, _INDEX, _ASKING,
           "Ignore the package index, use --find-links only."),
    Option("with-index", "index_url", TEXT, _INDEX, _BUILDING,
           "In case you want to install build time dependencies from an index, pass the URL. "
           'The same as --index-url.  [default: ""]', key=False, listed=TOP),
    Option("trusted-host", "trusted_host", TEXTS, _INDEX, _ASKING,
           "Pass --trusted-host VALUE to pip, helps in local indexes over HTTP. Pass the correct "
           'hostname.  [default: ""]', listed=TOP),
    Option("offline", "offline", FLAG, _INDEX, _ASKING,
           "Disable network access: use cached files only.", listed=OFTEN),
    Option("attestations", "attestations", FLAG, _INDEX, _KEEPING,
           "Fetch and verify who published each sdist (PEP 740); a request for each pin."),
    Option("allow-url", "allow_url", FLAG, _INDEX, _READING,
           "Accept hashed pins of the form NAME @ URL."),
    Option("no-hash", "", FLAG, _INDEX, _BUILDING,
           "DO NOT USE UNLESS VERY SURE: In case we skip hash checking for download. "
           "No longer supported: sources without a hash are never built.", key=False,
           refused="no longer supported: sources without a hash are never built",
           hint="pin with hashes: `uv pip compile --generate-hashes requirements.in`, or "
                "`pip-compile --generate-hashes`"),

    Option("python", "python", TEXTS, _BUILDS, _READING | _DOCTORING | _REBUILDING,
           "The interpreter: a version or a path. Default: the one that runs this.",
           metavar="PYTHON", listed=OFTEN),
    Option("rust", "rust", TEXT, _BUILDS, _ASKING,
           "The Rust toolchain: a version or a path. Default: that of rustup, else the system's.",
           metavar="RUST"),
    Option("crate-index", "crate_index", TEXT, _INDEX, _RUNNING,
           "A sparse index of crates, or a directory of .crate files. Default: what cargo is "
           "configured for.", metavar="URL"),
    Option("isolation", "isolation", TEXT, _BUILDS, _RUNNING,
           "The isolation of builds; auto: the strongest that works.",
           metavar="|".join(rungs.NAMES), listed=OFTEN),
    Option("sde", "sde", EPOCH, _BUILDS, _BUILDING, "Custom SOURCE_DATE_EPOCH value.",
           listed=ALWAYS),
    Option("jobs", "jobs", NUMBER, _BUILDS, _RUNNING,
           "Builds at a time. Default: the number of processors.", short="j", listed=OFTEN),
    Option("build-processors", "build_processors", PROCESSORS, _BUILDS, _BUILDING,
           "How many processors each build sees; auto: all. It can change wheels and is recorded. "
           "Default: 2"),
    Option("executor", "executor", TEXT, _BUILDS, _WHEELS,
           f"Where builds run: {', or '.join(each.where for each in EXECUTORS)}. "
           f"Default: {EXECUTORS[0].name}",
           metavar="|".join(each.name for each in EXECUTORS)),
    Option("scheduler", "scheduler", TEXT, _BUILDS, _WHEELS,
           "The scheduler of the dask cluster, such as tls://HOST:8786.", metavar="ADDRESS"),
    Option("config-setting", "config_settings", SETTINGS, _BUILDS, _BUILDING,
           "Pass a setting to the build backends, or to that of one project.", short="C",
           metavar="[NAME:]KEY=VALUE"),
    Option("env", "variables", SETTINGS, _BUILDS, _BUILDING,
           "Set an environment variable in the builds; it can change the wheels and is recorded.",
           metavar="[NAME:]VARIABLE=VALUE"),
    Option("only-binary", "only_binary", NAMES, _BUILDS, _BUILDING,
           "Use the published wheel of this project, checked against its pinned hash."),
    Option("keep-debug-info", "keep_debug_info", FLAG, _BUILDS, _BUILDING,
           "Keep debug information in compiled modules."),
    Option("embed-sbom", "embed_sbom", FLAG, _BUILDS, _WHEELS,
           "Put an SBOM into each wheel (PEP 770), which changes its bytes."),
    Option("constant-temporary-names", "constant_temporary_names", NAMES, _BUILDS, _BUILDING,
           "Give temporary files constant names in the build of this project."),
    Option("skip-build-deps", "", FLAG, _BUILDS, _BUILDING,
           "While downloading the sources, skip downloading the build dependencies as source  "
           f"[default: True] {_NO_EFFECT}", key=False),
    Option("cache-dir", "cache_dir", FOLDER, _BUILDS, _ALL - _MAKING_KEYS,
           "The cache of sources and build environments. Default: the user's cache directory."),

    Option("timeout", "timeout", TIME, _BOUNDS, _RUNNING, "Seconds for one hook. Default: 21600"),
    Option("silence-timeout", "silence_timeout", TIME, _BOUNDS, _RUNNING,
           "Seconds without a line of output. Default: 3600"),
    Option("max-log", "max_log", BYTES, _BOUNDS, _RUNNING, "Output of one hook. Default: 4G"),
    Option("max-memory", "max_memory", BYTES, _BOUNDS, _RUNNING,
           "Memory of one build. Default: 0"),
    Option("max-processes", "max_processes", NUMBER, _BOUNDS, _RUNNING,
           "Processes of one build. Default: 4096"),
    Option("max-disk", "max_disk", BYTES, _BOUNDS, _RUNNING,
           "Disk space of one build. Default: 16G"),

    Option("vary", "vary", VARIATIONS, _COMPARE, _VERIFYING,
           "What to vary in the rebuild. Default: all", metavar="all|NAME,...", listed=OFTEN),
    Option("seed", "seed", SEED, _COMPARE, _VERIFYING | _BOOTSTRAPPING,
           "Draw the varied values from this seed. Default: a new one, which is printed."),
    Option("require-variations", "require_variations", NAMES, _COMPARE, _VERIFYING,
           "Fail if one of these could not be varied.", metavar="all|NAME,..."),
    Option("against", "against", FILES, _COMPARE, _VERIFYING,
           "Compare with published wheels, pinned hashes, or what other rebuilders have (repeat "
           "it).",
           metavar="published|PATH|URL", listed=OFTEN),
    Option("against", "against", FILES, _COMPARE, _GENERATING,
           "With --policy: where other rebuilders keep signed records, besides the directory of "
           "the wheels.",
           metavar="PATH|URL", key=False, listed=OFTEN),
    Option("policy", "policy", FILE, _COMPARE, _VERIFYING | _GENERATING | _INDEXING,
           "Whose signed records count, and how many.", listed=OFTEN),
    Option("vsa", "vsa", FILE, _COMPARE, _GENERATING,
           "With --policy: write a summary of what was verified (SLSA VSA); --sign signs it."),
    Option("sources", "sources", FOLDER, _COMPARE, _VERIFYING,
           "The sdists of the wheels whose hashes --against names. Default: those of the index.",
           key=False),
    Option("dist", "dist", FOLDER, _COMPARE, _VERIFYING,
           "Put the sdist and the wheels of a project into this directory if they verify. "
           "Default: none; of a nox session, dist."),
    Option("allow", "allow", TEXT, _COMPARE, _VERIFYING | _REBUILDING,
           "The weakest verdict that counts as the same. Default: equivalent",
           metavar="equivalent|identical", listed=OFTEN),
    Option("allow", "allow_findings", NAMES, _COMPARE, _CHECKING,
           "Do not fail for what this check finds.", key=False, listed=ALWAYS),
    Option("allow-findings", "allow_findings", NAMES, _COMPARE, _CHECKING,
           "The same as --allow."),
    Option("diffoscope", "diffoscope", FLAG, _COMPARE, _VERIFYING,
           "Write a diffoscope report beside both files of each difference; it runs outside the "
           "sandbox."),

    *(
        Option(each.name, each.name, FILE, REPORTS, _ALL if each.every else _KEEPING | _REBUILDING,
               each.help,
               listed=OFTEN if each.name != "markdown" else RARELY)
        for each in REPORT_FORMATS
    ),
    Option("verdicts", "verdicts", FILE, REPORTS, frozenset({"show_changes"}),
           "The JSON report of asaman verify, whose verdicts are shown.", key=False,
           listed=ALWAYS),
    Option("require", "require", NAMES, REPORTS, _DOCTORING,
           "Fail if one of these parts does not work.", key=False, listed=ALWAYS),
    Option("docs-url", "docs_url", TEXT, REPORTS, _VERIFYING,
           "The URL of the site of these documents; the HTML report links to its causes.",
           metavar="URL"),
    Option("quiet", "quiet", FLAG, REPORTS, _ALL, "Print errors only.", short="q", listed=ALWAYS),
    Option("verbose", "verbose", FLAG, REPORTS, _ALL,
           "Print more details and timings.", short="v", listed=ALWAYS),
    Option("color", "color", TEXT, REPORTS, _ALL - _MAKING_KEYS, "Use colors. Default: auto",
           metavar="auto|always|never"),
    Option("traceback", "traceback", FLAG, REPORTS, _ALL,
           "Print a Python traceback with an error."),
)  # fmt: skip


def from_toml(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the fields that ``[tool.amrasaman]`` sets.

    :param where: the file, for messages
    :raises AsamanError: unknown keys, values of another type; all are named
    """
    rows = {option.name: option for option in OPTIONS if option.key}
    values: dict[str, Any] = {}
    problems = []
    for key, value in table.items():
        if key == PACKAGES:
            try:
                values |= _of_packages(value)
            except ValueError as error:
                problems.append(AsamanError(f"{where}: [tool.amrasaman] {key}", str(error)))
            continue
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


def _of_packages(table: Any) -> dict[str, Any]:
    """Return the fields that ``[tool.amrasaman.packages.NAME]`` sets."""
    dates: list[tuple[str, Any]] = []
    others: list[packages.Package] = []
    for name, keys in table.items() if isinstance(table, dict) else ((PACKAGES, None),):
        if not isinstance(keys, dict):
            raise ValueError(f"{name}: a table of a project is required")
        if "as-of" in keys:
            dates.append((name, DATES.toml(keys["as-of"])))
        rest = {key: value for key, value in keys.items() if key != "as-of"}
        if rest:
            others.append(packages.of_table(name, rest))
    found = {"as_of_packages": tuple(dates), "packages": tuple(others)}
    return {field: value for field, value in found.items() if value}


def _unknown_key(key: str, rows: Mapping[str, Option], where: str) -> AsamanError:
    import difflib  # Needed for this message only, and slow to import.

    near = difflib.get_close_matches(key.replace("_", "-"), rows, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(rows))}"
    return AsamanError(f"{where}: [tool.amrasaman] {key}", "unknown key", hint=hint)
