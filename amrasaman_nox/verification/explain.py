"""Why two wheels differ: a table of explanations; the first that matches is used.

A difference says *what* is not the same, the variation under which it appeared says what the
build took it from; a row puts the two together. Each row has a page in ``docs/explanations``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.model import Cause, Difference, RowKind
from amrasaman_nox.verification.variations import CAPTURED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Variations under which nothing was varied on purpose: the content has to tell.
RANDOM: Final = "random"
PUBLISHED: Final = ("published", "")
#: The variation that is another set of build requirements.
BUILD_REQUIREMENTS: Final = "build-requirements"
#: The kind of a "difference" that is a build that fails.
FAILS: Final = "build-fails"
_UNVARIED: Final = (RANDOM, *PUBLISHED)

#: Normalisations of what merely follows from other differences.
_CONSEQUENCES: Final = frozenset({"record-regenerated"})
#: Kinds that often repeat what another member says more clearly.
_ECHOES: Final = frozenset({"pyc", "nested-archive", "record"})

_TEMPORARY = re.compile(
    r"(?:/var)?/tmp/|/private/var/|\.tmp-|(?:^|[/\"'=])tmp[a-z0-9_]{6,}|build-env-|pip-\w+-\w{8}"
)
_MOMENT = re.compile(
    r"\b(?:19|20|21)\d\d-?[01]\d-?[0-3]\d(?!\d)|\b\d\d:\d\d(?::\d\d)?\b|\b[12]\d{9}(?:\.\d+)?\b"
    r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"
)
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_ADDRESS = re.compile(r"\b0x[0-9a-f]{7,}\b", re.IGNORECASE)
_TOOL_PATH = re.compile(r"/(?:usr|opt|local)/(?:\S*/)?s?bin/\w")
_TOOL_VERSION = re.compile(
    r"\b(?:GCC|clang|gcc|cmake|rustc|cargo|swig|protoc|ninja|make|git)\b.{0,60}?(\d+\.[\d.]+)"
)
_VERSION_FILE = re.compile(r"(?:^|/)_*version_*\.(?:py|txt|json)$", re.IGNORECASE)
_RUST_FILE = re.compile(r"\.rs\b")
_SBOM = re.compile(r"[^/]+\.dist-info/sboms/[^/]+\.json")
_DIST_INFO = re.compile(r"[^/]+\.dist-info/(?:METADATA|WHEEL|RECORD)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """One cause of differences: what is seen, why it happens, and how to fix it.

    ``title`` is what the verdict line says. ``packager`` and ``upstream`` are one sentence each:
    what the one who builds, and what the project itself, can do. ``matches`` is asked with a
    difference and the name of the variation under which it appeared (``random`` for none,
    ``published`` for the comparison with an index).
    """

    name: str
    title: str
    seen: str
    why: str
    packager: str
    upstream: str
    matches: Callable[[Difference, str], bool]

    @property
    def page(self) -> str:
        """The page in the documentation, relative to its root."""
        return f"explanations/{self.name}.md"


def explain(differences: tuple[Difference, ...], variation: str) -> tuple[Cause, ...]:
    """Return the causes of *differences*, the most telling first, each once a member.

    :param differences: what ``compare_wheels`` returned for a build with this one variation
    :param variation: its name; ``random`` where nothing was varied, ``published`` or ``""``
        where the other wheel was built by someone else
    """
    own = [one for one in differences if one.normalisation not in _CONSEQUENCES]
    found = [(row_of(one, variation), one) for one in own or differences]
    found.sort(key=lambda pair: _rank(*pair))
    causes = {
        (row, one.member): Cause(
            variation=variation,
            explanation=EXPLANATIONS[row].name,
            difference=one,
        )
        for row, one in reversed(found)
    }
    return tuple(reversed(causes.values()))


def row_of(difference: Difference, variation: str) -> int:
    """Return the number of the first row of :data:`EXPLANATIONS` that matches."""
    return next(
        number for number, row in enumerate(EXPLANATIONS) if row.matches(difference, variation)
    )


def explanation_of(cause: Cause) -> Explanation:
    """Return the row that a cause names; the last one for a name that is not in the table."""
    return next((row for row in EXPLANATIONS if row.name == cause.explanation), EXPLANATIONS[-1])


def _rank(row: int, difference: Difference) -> tuple[bool, bool, int]:
    form_alone = difference.normalisation is not None
    return form_alone, difference.kind in _ECHOES, row


def _varied(*names: str) -> Callable[[Difference, str], bool]:
    return lambda difference, variation: variation in names


def _kind(*kinds: str) -> Callable[[Difference, str], bool]:
    return lambda difference, variation: difference.kind in kinds


def _both(
    *predicates: Callable[[Difference, str], bool],
) -> Callable[[Difference, str], bool]:
    return lambda difference, variation: all(holds(difference, variation) for holds in predicates)


def _says(pattern: re.Pattern[str]) -> Callable[[Difference, str], bool]:
    return lambda difference, variation: pattern.search(changed_words(difference)) is not None


def _reordered(difference: Difference, variation: str) -> bool:
    return is_reordered(difference)


def is_reordered(difference: Difference) -> bool:
    """Return whether something in *difference* is the same but for its order."""
    return any(one.reordered for one in _with_inner(difference))


def _with_inner(difference: Difference) -> Iterator[Difference]:
    """Yield a difference, and those inside of a nested archive."""
    yield difference
    for one in difference.inner:
        yield from _with_inner(one)


def changed_words(difference: Difference) -> str:
    """Return the words that only one side holds; where no diff has any, the values that differ."""
    sides: dict[RowKind, set[str]] = {RowKind.OURS: set(), RowKind.THEIRS: set()}
    for one in _with_inner(difference):
        for row in one.rows:
            if row.kind in sides:
                sides[row.kind].update(row.text.split())
    unlike = sorted(sides[RowKind.OURS] ^ sides[RowKind.THEIRS])
    if unlike:
        return " ".join(unlike)
    changes = [change for one in _with_inner(difference) for change in one.changes]
    return " ".join(f"{change.ours} {change.theirs}" for change in changes)


def _generated_version(difference: Difference, variation: str) -> bool:
    if difference.kind == "metadata":
        return difference.has("Version")
    if difference.kind in ("member-added", "member-missing"):
        return _DIST_INFO.fullmatch(difference.member) is not None
    takes = (*_UNVARIED, "clock", "extra-variables")
    return variation in takes and _VERSION_FILE.search(difference.member) is not None


def _has_debug(difference: Difference) -> bool:
    """Tell whether debug information of a compiled member differs."""
    names = (change.what for change in difference.changes)
    return difference.kind == "elf" and any(name.startswith(".debug") for name in names)


def _path_in_elf(difference: Difference, variation: str) -> bool:
    if difference.kind != "elf":
        return False
    debug = _has_debug(difference) and not difference.has(".comment")
    return variation == "build-path" or (variation in PUBLISHED and debug)


def _foreign_tool(difference: Difference, variation: str) -> bool:
    if variation not in (*_UNVARIED, "extra-variables"):
        return False
    if difference.kind == "elf" and difference.has(".comment"):
        return True
    changed = changed_words(difference)
    if CAPTURED in changed:
        # All variables were written out; that one of them names a program is not a finding.
        return False
    texts = (row.text for one in _with_inner(difference) for row in one.rows)
    found = (match for text in texts for match in _TOOL_VERSION.finditer(text))
    return bool(_TOOL_PATH.search(changed)) or any(match[1] in changed for match in found)


def _build_time(difference: Difference, variation: str) -> bool:
    if variation == "clock":
        return True
    return variation in _UNVARIED and has_moment(changed_words(difference))


def has_moment(text: str) -> bool:
    """Return whether *text* has a date or a time in it."""
    # Digits of identifiers look like dates now and then.
    return _MOMENT.search(_ADDRESS.sub("", _UUID.sub("", text))) is not None


def _random_folder(difference: Difference, variation: str) -> bool:
    if variation not in _UNVARIED or difference.kind.startswith("zip-"):
        return False
    if variation == RANDOM and _has_debug(difference):
        return True
    return _TEMPORARY.search(changed_words(difference)) is not None


def _constant_in_elf(difference: Difference, variation: str) -> bool:
    """Tell whether code or constants of a compiled member differ, and not only what follows."""
    if variation != RANDOM or difference.kind != "elf":
        return False
    return any(
        change.what.startswith((".text", ".rodata", ".data")) for change in difference.changes
    )


EXPLANATIONS: Final[tuple[Explanation, ...]] = (
    Explanation(
        name="fails-when-varied",
        title="the build fails when this is varied",
        seen="The build works in its usual surroundings, and fails when one thing in them is "
        "different.",
        why="A build step relies on its surroundings: it reads UTF-8 files in the encoding of the "
        "locale, or expects a short path or a certain user.",
        packager="Build with this kept constant; the comparison was made with everything else "
        "varied.",
        upstream="Name the encoding in open(), and do not rely on paths, users or variables.",
        matches=_kind(FAILS),
    ),
    Explanation(
        name="build-requirements",
        title="another build requirement built it",
        seen="A source gives one wheel with one set of build requirements, and another wheel with "
        "other bytes of the same releases.",
        why="What a build requirement itself was built with leaves a trace in what it builds: a "
        "version that it writes down, generated code, or something that was put there.",
        packager="Look at the member that differs before you use either wheel.",
        upstream="Let what is written depend on the source alone.",
        matches=lambda difference, variation: variation == BUILD_REQUIREMENTS,
    ),
    Explanation(
        name="record-order",
        title="order of RECORD",
        seen="RECORD holds the same rows in a different order or with different line endings.",
        why="The backend writes the rows in the order in which it found the files: that of a "
        "folder "
        "listing or of a set.",
        packager="Nothing to do: canonical form sorts RECORD.",
        upstream="Sort the rows before RECORD is written.",
        matches=lambda difference, variation: (
            difference.kind == "record"
            and difference.normalisation in ("record-order", "record-line-endings")
        ),
    ),
    Explanation(
        name="zip-order",
        title="order of the archive",
        seen="The wheel holds the same members in a different order.",
        why="The backend adds the files as a folder listing gives them, which is up to the file "
        "system.",
        packager="Nothing to do: canonical form sorts the members.",
        upstream="Sort the files before they are added.",
        matches=_kind("archive-order"),
    ),
    Explanation(
        name="umask-modes",
        title="modes from the umask",
        seen="Modes of members differ, in the archive or as the executable bit.",
        why="The backend copies the modes of files that were created under the umask of the "
        "builder.",
        packager="Build under one umask (022); canonical form sets the modes to 0644 and 0755.",
        upstream="Set modes to 0644, or 0755 for scripts, when the archive is written.",
        matches=lambda difference, variation: (
            difference.kind in ("zip-modes", "executable-bit") or variation == "umask"
        ),
    ),
    Explanation(
        name="pyc-times",
        title="source time in a .pyc",
        seen="A .pyc differs in its header; its code is the same.",
        why="A .pyc holds the modification time and size of its source unless it is checked by "
        "hash (PEP 552).",
        packager="Leave .pyc files out of the wheel: installers make them.",
        upstream="Do not ship .pyc files, or compile them with "
        "invalidation_mode=PycInvalidationMode.UNCHECKED_HASH.",
        matches=lambda difference, variation: (
            difference.kind == "pyc" and not difference.has("code")
        ),
    ),
    Explanation(
        name="source-times",
        title="times of source files copied in",
        seen="The archive or a member contains the modification times of source files.",
        why="The build copies modification times of unpacked files, which depend on when and how "
        "they were unpacked.",
        packager="Set SOURCE_DATE_EPOCH; canonical form sets the times of the archive.",
        upstream="Use SOURCE_DATE_EPOCH instead of os.stat(...).st_mtime.",
        matches=_varied("source-times"),
    ),
    Explanation(
        name="zip-times",
        title="times in the archive",
        seen="The members of the archive have different times.",
        why="The backend writes the time of the build or of the files, and no SOURCE_DATE_EPOCH "
        "was set or honoured.",
        packager="Set SOURCE_DATE_EPOCH; canonical form sets the times.",
        upstream="Write SOURCE_DATE_EPOCH, not before 1980, as the time of every member.",
        matches=_kind("zip-times"),
    ),
    Explanation(
        name="hidden-bytes",
        title="bytes outside of the members",
        seen="The archive contains bytes before, between or after its members.",
        why="Zip readers skip bytes that no header refers to; something was put there.",
        packager="Do not install this wheel before you know what the bytes are.",
        upstream="Write the wheel with zipfile and add nothing to it.",
        matches=lambda difference, variation: (
            difference.kind == "zip-framing" and difference.normalisation is None
        ),
    ),
    Explanation(
        name="zip-framing",
        title="different zip writer",
        seen="The members are the same, but their compression or other header fields differ.",
        why="The archive was written with a different zlib, compression level or zip library.",
        packager="Nothing to do: canonical form fixes compression and headers; compare the "
        "content digest.",
        upstream="Nothing to do; a fixed compression level helps.",
        matches=_kind("compression", "zip-framing"),
    ),
    Explanation(
        name="generated-version",
        title="version generated at build time",
        seen="The version in METADATA, in a version file or in the dist-info folder differs.",
        why="The version is computed from the clock, from the state of a repository or from a "
        "variable of the machine.",
        packager="Build from a released sdist, which holds its version in PKG-INFO.",
        upstream="Write the version into the sdist and read it from there; leave the date out.",
        matches=_generated_version,
    ),
    Explanation(
        name="sbom-serial",
        title="serial number, time or folder in an SBOM",
        seen="An SBOM in the wheel (PEP 770) has another serial number, time or folder.",
        why="Tools such as cargo-cyclonedx, which maturin uses, number each SBOM at random, and "
        "name a package by the folder in which it was built.",
        packager="Nothing to do: canonical form makes the three constant.",
        upstream="Use cargo-cyclonedx 0.5.9 or newer, by a newer maturin, and build at a constant "
        "path; or set sbom = false.",
        matches=lambda difference, variation: _SBOM.fullmatch(difference.member) is not None,
    ),
    Explanation(
        name="panic-path",
        title="source path in Rust's panic messages",
        seen="A compiled member holds the paths of Rust sources: of the project, of crates or of "
        "the standard library.",
        why="panic!(), unwrap() and the like store the file name as rustc was given it; crates are "
        "given by absolute paths.",
        packager="Build with cargo at a constant path, as the default build does; it maps what "
        "differs with --remap-path-prefix.",
        upstream="Call rustc by cargo, or add --remap-path-prefix=$PWD=. to its flags.",
        matches=_both(_kind("elf"), _varied("build-path", *PUBLISHED), _says(_RUST_FILE)),
    ),
    Explanation(
        name="build-path-in-elf",
        title="build path embedded",
        seen="A compiled member holds the folder it was built in: in debug information, in the "
        "build id that follows from it, or in messages of assertions.",
        why="Compilers write the working folder into debug sections, and __FILE__ holds the path "
        "as it was given.",
        packager="Build at a constant path; strip with LDFLAGS=-Wl,-s, or map the path with "
        "-ffile-prefix-map.",
        upstream="Pass relative paths to the compiler, keep -DNDEBUG, and add "
        "-ffile-prefix-map=$PWD=. to the flags.",
        matches=_path_in_elf,
    ),
    Explanation(
        name="build-path-in-text",
        title="build path embedded",
        seen="A text, a .pyc or another member holds the folder it was built in.",
        why="A build step wrote an absolute path, such as __file__ or os.getcwd(), into a file.",
        packager="Build at a constant path, as the default isolation does.",
        upstream="Write paths relative to the package, and find them with importlib.resources at "
        "run time.",
        matches=_varied("build-path"),
    ),
    Explanation(
        name="environment-path",
        title="path of the build environment embedded",
        seen="A member holds the path of the virtual environment that built it.",
        why="A build step wrote sys.executable, sys.prefix or a header's full path into a file.",
        packager="Build in an environment at a constant path.",
        upstream="Do not store sys.executable or sys.prefix; scripts begin with #!python, which "
        "installers replace.",
        matches=_varied("environment-path"),
    ),
    Explanation(
        name="home-folder",
        title="home folder embedded",
        seen="A member holds, or depends on, the home folder of the builder.",
        why="A build step expands ~ or reads a configuration or a cache in HOME.",
        packager="Build with an empty home folder at a constant path.",
        upstream="Keep HOME out of the build: no expanduser, no user configuration.",
        matches=_varied("home"),
    ),
    Explanation(
        name="user-name",
        title="user name embedded",
        seen="A member holds the name or the number of the user who built it.",
        why="A build step asks getpass.getuser(), os.getuid() or USER, or an inner archive keeps "
        "owners.",
        packager="Build as one user name in the sandbox.",
        upstream="Leave the builder's name out; in inner archives set uid, gid and names to 0 "
        "and nothing.",
        matches=_varied("user"),
    ),
    Explanation(
        name="host-name",
        title="host name embedded",
        seen="A member holds the name of the machine that built it.",
        why="A build step asks socket.gethostname() or platform.node(), often for an “about” text.",
        packager="Build under one host name in the sandbox.",
        upstream="Leave the host name out of what is shipped.",
        matches=_varied("host-name"),
    ),
    Explanation(
        name="time-zone",
        title="local time",
        seen="A time in a member moves with the time zone.",
        why="A build step turns SOURCE_DATE_EPOCH or a file's time into local time.",
        packager="Build with TZ=UTC.",
        upstream="Use UTC: datetime.fromtimestamp(epoch, UTC), time.gmtime(epoch).",
        matches=_varied("time-zone"),
    ),
    Explanation(
        name="locale-order",
        title="sorted by the locale's rules",
        seen="The same lines or words are in a different order under another locale.",
        why="A build step sorts with the locale's collation: the shell's sort, locale.strcoll.",
        packager="Build with LC_ALL=C.UTF-8.",
        upstream="Sort by code point: sorted() in Python, LC_ALL=C sort in the shell.",
        matches=_both(_varied("locale"), _reordered),
    ),
    Explanation(
        name="locale-text",
        title="text in the locale's language or encoding",
        seen="A text changes with the locale.",
        why="Dates, numbers or messages of tools are in the builder's language, or files are "
        "read in its encoding.",
        packager="Build with LC_ALL=C.UTF-8.",
        upstream="Name the encoding in open(), and format dates and numbers without the locale.",
        matches=_varied("locale"),
    ),
    Explanation(
        name="hash-order",
        title="order of a set",
        seen="The same items are in a different order under another hash seed.",
        why="A set, or a dict made from one, is written in the order of its hashes, which Python "
        "randomizes for each process.",
        packager="Build with PYTHONHASHSEED=0.",
        upstream="Sort before writing: sorted(names).",
        matches=_varied("hash-seed"),
    ),
    Explanation(
        name="directory-order",
        title="order of a folder listing",
        seen="The same items are in a different order when the files were created in a "
        "different order.",
        why="os.listdir, glob and Path.iterdir give names as the file system keeps them.",
        packager="Unpack in sorted order, as the default build does.",
        upstream="Sort what is listed: sorted(glob(...)), sorted(path.iterdir()).",
        matches=_varied("directory-order"),
    ),
    Explanation(
        name="processor-model",
        title="compiled for the processor of the machine",
        seen="The machine code of a compiled member differs between processors.",
        why="A compiler was told to use everything that the processor of the machine can do: -C "
        "target-cpu=native in a .cargo/config.toml. Or it divides its work by the number of "
        "processors.",
        packager="Build on one model of processor, or remove the flag; such a wheel may crash on "
        "an older model.",
        upstream="Name a model, such as target-cpu=x86-64-v2, or choose the code at run time "
        "(is_x86_feature_detected!).",
        matches=_both(
            _kind("elf"),
            _varied("processors"),
            lambda difference, variation: difference.has(".text"),
        ),
    ),
    Explanation(
        name="processor-count",
        title="number of processors",
        seen="A member changes with the number of processors.",
        why="A build step writes os.cpu_count(), splits work by it, or gathers results in the "
        "order in which they arrive.",
        packager="Build with one fixed number of processors.",
        upstream="Keep the count out of the output, and gather results in the order of the input.",
        matches=_varied("processors"),
    ),
    Explanation(
        name="undeclared-tool",
        title="tool of the machine that is not declared",
        seen="A member names a program of the machine, or was made by another compiler.",
        why="The build uses whatever compiler or tool it finds on PATH; no build requirement "
        "pins it.",
        packager="Build with the same tools as the first build; the record names them.",
        upstream="Declare the tool as a build requirement, and keep its path and version out of "
        "the output.",
        matches=_foreign_tool,
    ),
    Explanation(
        name="extra-variables",
        title="variable of the environment embedded",
        seen="A member changes with environment variables that no build should see.",
        why="A build step reads or dumps os.environ.",
        packager="Build with an allow-list of variables, as the default isolation does.",
        upstream="Read named, documented variables only, and never write os.environ out.",
        matches=_varied("extra-variables"),
    ),
    Explanation(
        name="other-backend",
        title="built with a different build backend",
        seen="The Generator line of WHEEL names another backend or another version of it.",
        why="The wheel was not built with the build requirements that were used here.",
        packager="Pin the backend to the version that the Generator line names.",
        upstream="Publish the build requirements of each release by hash.",
        matches=lambda difference, variation: (
            difference.kind == "metadata" and difference.has("Generator")
        ),
    ),
    Explanation(
        name="random-build-folder",
        title="random build folder embedded",
        seen="A member holds the path of a temporary folder with a random name.",
        why="The build copies its source into tempfile.mkdtemp() and compiles there, so that no "
        "constant path helps.",
        packager="Build with --constant-temporary-names and the project's name.",
        upstream="Build in a folder with a constant name, or map it with -ffile-prefix-map.",
        matches=_random_folder,
    ),
    Explanation(
        name="memory-address",
        title="memory address embedded",
        seen="A member holds an address such as 0x7f3a5c0e1d90.",
        why="The default repr() of an object was written to a file.",
        packager="Patch the step that writes the repr().",
        upstream="Write a name or a value instead of repr(object).",
        matches=_both(_varied(*_UNVARIED, "address-layout"), _says(_ADDRESS)),
    ),
    Explanation(
        name="address-layout",
        title="order of objects by their addresses",
        seen="A member changes with where objects are in memory.",
        why="A set of objects that have no hash of their own, or something sorted by id(), is in "
        "the order of their addresses, which the kernel chooses at random.",
        packager="Build with fixed addresses, as the default isolation does where the kernel "
        "allows it, or with setarch -R.",
        upstream="Keep such objects in a list or a dict, or sort them by a name.",
        matches=_varied("address-layout"),
    ),
    Explanation(
        name="build-time",
        title="time of the build embedded",
        seen="A member holds the date or the time at which it was built.",
        why="A build step asks the clock: datetime.now(), time.time(), __DATE__, or gzip's header.",
        packager="Set SOURCE_DATE_EPOCH; where it is ignored, patch the step.",
        upstream="Use SOURCE_DATE_EPOCH where it is set: "
        "int(os.environ.get('SOURCE_DATE_EPOCH', time.time())).",
        matches=_build_time,
    ),
    Explanation(
        name="unstable-order",
        title="order that changes from build to build",
        seen="The same lines or words are in a different order, although nothing was varied.",
        why="Results of parallel work, or objects sorted by address, are written in the order "
        "in which "
        "they arrive.",
        packager="Build with one processor.",
        upstream="Sort by a value before writing.",
        matches=_both(_varied(*_UNVARIED), _reordered),
    ),
    Explanation(
        name="random-constant",
        title="random constant compiled in",
        seen="Two builds differ although nothing was varied: code or constants of a compiled "
        "member are new in every build.",
        why="A build script or a macro makes a random constant (const-random, a seed for a "
        "hash function, a UUID), or two steps of the build race.",
        packager="Seed it where it can be seeded, as const-random by --env CONST_RANDOM_SEED=0; "
        "else patch the step.",
        upstream="Derive the constant from the content of the source, or take a feature of the "
        "crate that has a fixed seed.",
        matches=_constant_in_elf,
    ),
    Explanation(
        name="random-bytes",
        title="random value embedded",
        seen="Two builds differ although nothing was varied: a member holds a value that is new in "
        "every build.",
        why="A build step asks uuid.uuid4(), secrets, random or os.urandom(), or it races with "
        "itself.",
        packager="Patch the step, or seed it; build with one processor to rule out a race.",
        upstream="Derive the identifier from the content: uuid.uuid5, a hash, a fixed seed.",
        matches=lambda difference, variation: (
            variation == RANDOM or (variation in PUBLISHED and _says(_UUID)(difference, variation))
        ),
    ),
    Explanation(
        name="not-from-this-source",
        title="content that does not come from the source",
        seen="The other wheel has a member, a byte or an entry point that this build does not "
        "have.",
        why="It was built from other files or with other tools than those of the sdist, or it was "
        "changed afterwards.",
        packager="Do not install the other wheel before the difference is understood.",
        upstream="Build releases from the published sdist, in a workflow that attests it.",
        matches=_varied(*PUBLISHED),
    ),
    Explanation(
        name="unexplained",
        title="depends on its surroundings",
        seen="The wheel changes with something for which there is no explanation yet.",
        why="The build reads something of its surroundings that is not part of its input.",
        packager="Keep constant what was varied.",
        upstream="Read the diff, and make the build step depend on the source alone.",
        matches=lambda difference, variation: True,
    ),
)
