"""The frozen values that go from room to room; no I/O.

A build is a value turned into a value: a :class:`BuildJob` goes in, a :class:`BuildRecord` or a
:class:`BuildFailure` comes out. A rebuild is the same job with its :class:`BuildEnvironment`
varied. All values are hashable and picklable, so that they can cross a process or a machine.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from packaging.version import Version

from amrasaman_nox.errors import AsamanError, ExitCode, Kind, Origin

#: The first commit to SecureDrop, 2011-06-29; the original's default, in seconds since 1970.
DEFAULT_SOURCE_DATE_EPOCH: Final = 1309379017
#: What zip can store: 1980-01-01 to 2107-12-31, in seconds since 1970.
EARLIEST_EPOCH: Final = 315532800
LATEST_EPOCH: Final = 4354819198
#: Raised with every change of the build that could change a wheel or a record.
SCHEMA: Final = 1
#: Raised with every change of how build environments are made: former ones are dropped, and wheels
#: that were built with them are built again. In 1, bytecode that came in a wheel could be run.
ENVIRONMENTS: Final = 2
_HEX_LENGTHS: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_WEAK: Final = frozenset({"md5", "sha1", "sha224"})


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Digest:
    """A strong hash in lower-case hexadecimal (sha256, sha384 or sha512).

    :raises AsamanError: weak or unknown algorithm, or a malformed value
    """

    algorithm: str
    value: str

    def __post_init__(self) -> None:
        if self.algorithm in _WEAK:
            raise AsamanError(
                f"weak hash {self.algorithm}",
                "sha256 or stronger is required",
                kind=Kind.WEAK_HASH,
            )
        length = _HEX_LENGTHS.get(self.algorithm)
        if length is None:
            raise AsamanError(
                f"unknown hash {self.algorithm}",
                "sha256, sha384 or sha512 is required",
                kind=Kind.WEAK_HASH,
            )
        if not re.fullmatch(rf"[0-9a-f]{{{length}}}", self.value):
            raise AsamanError(
                f"malformed hash {self.algorithm}:{self.value[:80]}",
                f"{length} hexadecimal digits are required",
            )

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Return the digest written as ``algorithm:hex``, as pip writes it."""
        algorithm, _, value = text.partition(":")
        return cls(algorithm=algorithm.lower(), value=value.lower())

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        """Return the digest of *data*."""
        return cls(algorithm=algorithm, value=hashlib.new(algorithm, data).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Why a pin cannot be built, known from its input alone, and how to fix it.

    ``takes_wheel`` tells that the published wheel can be used instead (``--only-binary``).
    """

    reason: str
    hint: str = ""
    takes_wheel: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """One requirement with its hashes.

    ``name`` is normalised (PEP 503), ``version`` is the normal form (PEP 440), ``marker`` is the
    environment marker as written (PEP 508), ``url`` is a direct URL or ``None``. A pin made from a
    local archive has its absolute path in ``path``. ``requires_python`` is the specifier of a
    lock's package, or ``None``. A pin with a ``fault`` has no source, and may have no hashes.
    ``wheels`` tells that its input has hashes of wheels that are not in ``digests``.
    """

    name: str
    version: str
    digests: tuple[Digest, ...] = ()
    marker: str | None = None
    extras: tuple[str, ...] = ()
    url: str | None = None
    path: str | None = None
    requires_python: str | None = None
    origin: Origin | None = None
    fault: Fault | None = None
    wheels: bool = False

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def may_take_wheel(self) -> bool:
        """Whether a hash of a wheel can be among those pinned beside the sdist's own."""
        return self.wheels or len(self.digests) > 1

    def is_of(self, name: str, version: str) -> bool:
        """Return whether the release *name* *version* is the one that is pinned (PEP 440)."""
        return name == self.name and is_release(self.version, version)


def is_plain(requirement: str) -> bool:
    """Return whether *requirement* is a name with a version specifier, and no URL (PEP 508)."""
    from packaging.requirements import Requirement

    try:
        return Requirement(requirement).url is None
    except ValueError:
        return False


def is_release(pinned: str, version: str) -> bool:
    """Return whether *version* is what ``==pinned`` asks for (PEP 440).

    A pin without a local label takes a release with one: ``==1.0`` is ``1.0+local``, too.
    """
    wanted, found = Version(pinned), Version(version)
    return wanted in (found, found if wanted.local else Version(found.public))


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexOptions:
    """Which indexes to ask, and how; nothing here has an influence on a hash.

    ``index_url`` is ``None`` for the index client's own default. ``find_links`` are folders or
    URLs. ``trusted_hosts`` may be asked over plain HTTP. ``environment`` holds the variables of
    access (proxies, certificates, index credentials) that are passed to the index client.
    """

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    offline: bool = False
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Constraint:
    """What a constraints file says about a project: its versions and, where given, its hashes."""

    name: str
    specifier: str = ""
    digests: tuple[Digest, ...] = ()
    marker: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LockScope:
    """What a ``pylock.toml`` is for (PEP 751).

    One of ``environments`` (markers) must hold, where there are any. ``default_groups`` are the
    dependency groups that markers see.
    """

    environments: tuple[str, ...] = ()
    requires_python: str | None = None
    extras: tuple[str, ...] = ()
    dependency_groups: tuple[str, ...] = ()
    default_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """What one input asks for: its pins in order, and the index options in it.

    ``kind`` names the format: ``requirements``, ``pylock``, ``archive``, ``directory`` or
    ``project``; ``path`` is the file or folder that was read. ``constraints`` are still to be
    held against the pins that apply; ``scope`` is a lock's only.
    """

    kind: str
    path: str
    pins: tuple[Pin, ...]
    index: IndexOptions = IndexOptions()
    notes: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    scope: LockScope | None = None


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Crate:
    """A crate that a Rust source is built with, as its ``Cargo.lock`` names it.

    ``digest`` is the sha256 of the ``.crate`` file, ``registry`` is the lock's ``source``.
    """

    name: str
    version: str
    digest: Digest
    registry: str = ""

    @property
    def filename(self) -> str:
        """The name of its file, such as ``itoa-1.0.11.crate``."""
        return f"{self.name}-{self.version}.crate"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RustToolchain:
    """An installed Rust toolchain.

    ``sysroot`` is its folder on the host. ``version`` and ``commit`` are those of rustc, ``host``
    is its target triple, ``cargo`` the first line of ``cargo --version``. ``digest`` covers rustc,
    cargo, their libraries and the standard library for the host.
    """

    sysroot: str
    version: str
    commit: str
    host: str
    cargo: str
    digest: Digest

    @property
    def cargo_program(self) -> Path:
        """Where ``cargo`` itself is on the host."""
        return Path(self.sysroot) / "bin/cargo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Modified:
    """How a source differs from the sdist that its pin names.

    ``pinned`` is the digest of that sdist, ``None`` where there is none. ``archive`` is the URL of
    the archive that takes its place, or ``""``. ``patches`` are the names and digests of what was
    applied, in order.
    """

    pinned: Digest | None
    archive: str = ""
    patches: tuple[tuple[str, Digest], ...] = ()

    def __str__(self) -> str:
        patches = ", ".join(name for name, _ in self.patches)
        parts = [self.archive and "another archive", patches and f"patched with {patches}"]
        return f"modified source: {'; '.join(filter(None, parts))}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where the verified bytes of a pin come from: one file with a pinned hash.

    ``url`` is ``None`` for bytes that are local only. ``size`` is in bytes, ``uploaded`` in UTC;
    both are ``None`` where the index does not say. ``filename`` is built from name and version.
    ``as_published`` marks a published wheel that is used as is. ``crates`` are those that a Rust
    source is built with besides what it brings, ``None`` where nothing is Rust; ``rust_channel`` is
    the toolchain that such a source names itself, or ``""``. ``modified`` tells that the file was
    made from the sdist of the pin and is not that sdist itself.
    """

    pin: Pin
    filename: str
    digest: Digest
    url: str | None = None
    size: int | None = None
    uploaded: datetime | None = None
    as_published: bool = False
    crates: tuple[Crate, ...] | None = None
    rust_channel: str = ""
    modified: Modified | None = None

    @property
    def pinned(self) -> Digest | None:
        """The digest of the sdist that the pin names, ``None`` where there is none."""
        return self.digest if self.modified is None else self.modified.pinned

    @property
    def name(self) -> str:
        """The pin's name."""
        return self.pin.name

    @property
    def version(self) -> str:
        """The pin's version."""
        return self.pin.version


@dataclass(frozen=True, kw_only=True, slots=True)
class Interpreter:
    """A Python interpreter as it describes itself.

    All paths are absolute. ``prefix`` is where it is installed; ``shown`` are the files and folders
    that a build must see, ``hidden`` the folders below them that it does not.
    ``markers`` are the values of environment markers (PEP 508), ``tags`` the compatible wheel tags
    in order of preference (PEP 425). ``compile_flags`` are the interpreter's own CFLAGS. ``digest``
    is that of the executable. ``free_threaded`` tells that it has no global lock (PEP 703).
    """

    executable: str
    implementation: str
    version: str
    platform: str
    prefix: str
    shown: tuple[str, ...]
    hidden: tuple[str, ...]
    markers: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    digest: Digest
    compile_flags: str = ""
    free_threaded: bool = False

    @property
    def minor(self) -> str:
        """The version without its patch, such as ``3.11``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def key(self) -> str:
        """What a build lock is keyed by, such as ``cpython-3.11-linux-x86_64``.

        A free-threaded interpreter takes other wheels: ``cpython-3.13t-linux-x86_64`` (PEP 703).
        """
        threads = "t" if self.free_threaded else ""
        return f"{self.implementation}-{self.minor}{threads}-{self.platform}"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class LockedFile:
    """A wheel that a build environment is filled from, by file name and hash.

    ``record`` is the digest of its own build record, where it was built from source for this run
    and is not a published wheel; it says where the file comes from, and not which file it is.
    """

    filename: str
    digest: Digest
    record: Digest | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockEntry:
    """The build requirements of one sdist for one interpreter, resolved to files.

    ``static`` are those of ``pyproject.toml`` (PEP 518), ``dynamic`` those of the backend's
    ``get_requires_for_build_wheel`` (PEP 517). ``as_of`` is the cutoff of the resolution in UTC,
    or ``None`` for none, and ``as_of_reason`` says why it is that date. ``notes`` say where the
    resolution had to deviate. ``crates`` are those of a Rust source that has no ``Cargo.lock``,
    else ``None``. ``modified`` is how *sdist* differs from the one that the pin names.
    """

    name: str
    version: str
    sdist: Digest
    interpreter: str
    files: tuple[LockedFile, ...]
    static: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()
    as_of: datetime | None = None
    as_of_reason: str = ""
    notes: tuple[str, ...] = ()
    crates: tuple[Crate, ...] | None = None
    modified: Modified | None = None

    @property
    def pinned(self) -> Digest | None:
        """The digest of the sdist that the pin names, ``None`` where there is none."""
        return self.sdist if self.modified is None else self.modified.pinned

    def completing(self, source: Source) -> Source:
        """Return *source*, the one that this is of, with the crates that are locked here."""
        return source if self.crates is None else dataclasses.replace(source, crates=self.crates)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildLock:
    """The hashed set of build requirements of every source."""

    entries: tuple[LockEntry, ...] = ()
    _found: dict[tuple[Digest, str], LockEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Each of thousands of sources asks; the first entry counts, as written in the file.
        by_source = {(each.sdist, each.interpreter): each for each in reversed(self.entries)}
        object.__setattr__(self, "_found", by_source)

    def find(self, sdist: Digest, interpreter: str) -> LockEntry | None:
        """Return the entry of *sdist* for the interpreter key, or ``None``."""
        return self._found.get((sdist, interpreter))


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildEnvironment:
    """The constant world that a build sees; a variation changes one of these values.

    ``source_date_epoch`` is in seconds since 1970; ``None`` leaves the variable unset (some
    published wheels were built so). Paths are those that the build sees. ``directory_order`` is
    ``sorted`` or ``reversed``: the order in which the source's members are created.
    ``source_times`` is the modification time of unpacked members in seconds since 1970.
    ``processors`` is the number that a build sees. ``clock`` is the time at which the clock is
    fixed, in seconds since 1970, ``None`` for the machine's own that runs; ``clock_offset`` shifts
    it by seconds. Both need libfaketime. ``random_addresses`` lets the kernel place memory as it
    likes, where it can be kept from that. ``temporary_names`` are ``random``, as ``tempfile``
    chooses them, or ``constant`` in the process that runs the backend. ``variables`` are passed on
    purpose and recorded. ``embedded_sbom`` is whether an SBOM is added to the wheel.
    """

    source_date_epoch: int | None = DEFAULT_SOURCE_DATE_EPOCH
    umask: int = 0o022
    hash_seed: int = 0
    locale: str = "C.UTF-8"
    time_zone: str = "UTC"
    user: str = "builder"
    uid: int = 1000
    host_name: str = "build"
    home: str = "/build/home"
    build_path: str = "/build/source"
    environment_path: str = "/build/environment"
    processors: int = 2
    directory_order: str = "sorted"
    source_times: int = DEFAULT_SOURCE_DATE_EPOCH
    clock: int | None = None
    clock_offset: int = 0
    random_addresses: bool = False
    keep_debug_info: bool = False
    temporary_names: str = "random"
    variables: tuple[tuple[str, str], ...] = ()
    embedded_sbom: bool = False

    def facts(self) -> dict[str, Any]:
        """Return the values by name, without an ``embedded_sbom`` that is not wanted.

        So the key of an ordinary build does not depend on what this version can do besides.
        """
        facts = dataclasses.asdict(self)
        if not self.embedded_sbom:
            del facts["embedded_sbom"]
        return facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one hook may use; ``0`` means no limit.

    By default only what harms the machine ends a build: ordinary ones stay under each by a factor
    of four. ``time`` and ``silence`` are in seconds, ``log`` (all output), ``file``, ``disk`` and
    ``memory`` in bytes, ``processes`` is a count.
    """

    time: float = 6 * 3600.0
    silence: float = 3600.0
    log: int = 4 << 30
    file: int = 4 << 30
    disk: int = 16 << 30
    memory: int = 0
    processes: int = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildJob:
    """What to build, with which locked build requirements, in which environment.

    ``requirements`` are the files of the build environment; ``isolation`` is the rung of the
    ladder (``full``, ``namespaces`` or ``none``). ``canonical`` is ``False`` where the wheel is
    wanted as the backend wrote it (a rebuild after the publisher's own recipe). ``rust`` is the
    toolchain of a Rust source, whose crates are in ``source``.
    """

    source: Source
    requirements: tuple[LockedFile, ...]
    interpreter: Interpreter
    environment: BuildEnvironment = BuildEnvironment()
    isolation: str = "full"
    config_settings: tuple[tuple[str, str], ...] = ()
    limits: Limits = Limits()
    canonical: bool = True
    rust: RustToolchain | None = None

    @property
    def key(self) -> str:
        """The sha256 (hexadecimal) of everything that can change the wheel."""
        facts = {
            "schema": SCHEMA,
            "environments": ENVIRONMENTS,
            "sdist": str(self.source.digest),
            "requirements": sorted(f"{file.filename} {file.digest}" for file in self.requirements),
            "interpreter": [self.interpreter.executable, str(self.interpreter.digest)],
            "python": [self.interpreter.implementation, self.interpreter.version],
            "environment": self.environment.facts(),
            "isolation": self.isolation,
            "config_settings": list(self.config_settings),
            "canonical": self.canonical,
        }
        if self.rust is not None:
            facts["rust"] = [self.rust.version, self.rust.host, str(self.rust.digest)]
            crates = self.source.crates or ()
            facts["crates"] = sorted(f"{crate.filename} {crate.digest}" for crate in crates)
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """A member of an archive: its name, sha256 in hexadecimal, size in bytes, executable bit."""

    name: str
    sha256: str
    size: int
    executable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheel:
    """A wheel that was read strictly.

    ``digest`` is the sha256 of the file; ``content_digest`` covers names, bytes and executable
    bits of the members, and does not depend on the zlib that is used. ``size`` is in bytes.
    """

    filename: str
    digest: Digest
    content_digest: Digest
    size: int
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """A compiler or build tool that a build could reach, with the first line of its version."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Publisher:
    """Who uploaded an sdist to its index, by a verified attestation (PEP 740).

    ``kind`` is the service, such as ``GitHub``; ``workflow`` is the file in ``repository`` that
    uploaded it, at ``commit``. What a service does not have is ``""``.
    """

    kind: str
    repository: str
    workflow: str = ""
    commit: str = ""

    def __str__(self) -> str:
        facts = [f"{self.kind} {self.repository}", self.workflow]
        facts += [f"commit {self.commit}"] if self.commit else []
        return ", ".join(filter(None, facts))


@dataclass(frozen=True, kw_only=True, slots=True)
class SystemPackage:
    """A package of the distribution with those of its files that a build read or linked.

    ``kind`` is ``deb`` or ``rpm``. Files of no package have a package without ``kind`` and name.
    ``files`` are absolute paths with their sha256.
    """

    kind: str
    name: str
    version: str
    architecture: str
    files: tuple[tuple[str, Digest], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildRecord:
    """What was built, from what and how; the content of a provenance file.

    ``passes`` are the canonical passes that changed something. ``tools`` were reachable.
    ``system`` are the headers and libraries of the system that a compiled wheel was made with,
    ``distribution`` is its name and version, ``""`` where there are none. ``versions`` are those
    of amrasaman-nox and of the parts that matter, by name. ``as_of`` is the date in UTC as of which
    the build requirements were resolved, ``None`` where none is known.
    ``isolation_reasons`` say why a higher rung was not used, ``filtered`` whether the system calls
    of the build were filtered, ``fixed_addresses`` whether its addresses were fixed
    (each ``None``: the record does not say). ``source_on_disk`` is why the build did not
    work in memory (``large``, ``outgrown``), ``""`` if it did or there is no sandbox. ``started``
    and ``finished`` are the only clock in it. ``as_published`` is true for a published wheel
    that is used as is. ``rust`` is the toolchain that a Rust source was built with, its crates
    are those of the source. ``cpu_seconds`` is what the sandboxed hook processes used; it is not
    part of the record file's compared content. ``publisher`` is who uploaded the source, where that
    was asked for and is attested.
    """

    name: str
    version: str
    wheel: Wheel
    source: Source
    key: str
    requirements: tuple[LockedFile, ...] = ()
    interpreter: Interpreter | None = None
    environment: BuildEnvironment | None = None
    rust: RustToolchain | None = None
    isolation: str = ""
    isolation_reasons: tuple[str, ...] = ()
    filtered: bool | None = None
    source_on_disk: str = ""
    fixed_addresses: bool | None = None
    config_settings: tuple[tuple[str, str], ...] = ()
    backend: str = ""
    passes: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    distribution: str = ""
    system: tuple[SystemPackage, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    as_of: datetime | None = None
    as_published: bool = False
    publisher: Publisher | None = None
    started: datetime | None = None
    finished: datetime | None = None
    cpu_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildFailure:
    """Why there is no wheel.

    ``stage`` names the step: ``source`` (located, fetched and read), ``lock`` (build
    requirements), ``build`` (source, environment and wheel), ``executor`` (workers), ``publish``
    (output folder), ``bootstrap`` (stages that differ) or ``rebuild`` (what a record names is not
    to be found); or the hook that failed,
    ``get_requires_for_build_wheel``, ``build_wheel``, ``get_requires_for_build_sdist`` or
    ``build_sdist``. *log* is the tail of the hook's output, unescaped; *log_path* the whole of it.
    *takes_wheel* tells that the published wheel can be used instead (``--only-binary``).
    """

    name: str
    version: str
    stage: str
    reason: str
    hint: str = ""
    code: ExitCode = ExitCode.BUILD_FAILED
    log: str = ""
    log_path: str | None = None
    origin: Origin | None = None
    takes_wheel: bool = False

    @classmethod
    def of(cls, pin: Pin, *, stage: str, reason: str, **more: Any) -> BuildFailure:
        """Return the failure of *pin* at *stage*, with *more* of the fields above."""
        facts = {"origin": pin.origin, **more}
        return cls(name=pin.name, version=pin.version, stage=stage, reason=reason, **facts)

    @classmethod
    def of_error(cls, pin: Pin, stage: str, error: AsamanError) -> BuildFailure:
        """Return *error*, which came up at *stage*, as the failure of *pin*."""
        return cls.of(
            pin,
            stage=stage,
            reason=error.why if error.what == str(pin) else str(error),
            hint=error.hint,
            code=error.code,
            origin=error.origin or pin.origin,
            takes_wheel=error.kind is Kind.TAKE_WHEEL,
        )


class Verdict(enum.StrEnum):
    """How a rebuild compares; ``equivalent`` is equal after named normalisations."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    FAILED = "failed"
    UNCHECKED = "unchecked"


class RowKind(enum.Enum):
    """What a row of a diff is; the value is what a printed diff puts before its text."""

    HEAD = ""
    SAME = " "
    OURS = "-"
    THEIRS = "+"


class Row(NamedTuple):
    """One line of a diff or of a dump. A head names what follows, such as ``--- ours``."""

    kind: RowKind
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One thing in a member, or around the members, that is not the same.

    ``what`` names it: a field of METADATA, a section of an ELF file, a row, ``line``, ``time`` …
    ``ours`` and ``theirs`` are the two values, cut to what is around the first character that
    differs. ``place`` is a line, counted from 1, or an offset in bytes. ``of`` is the first of
    ``count`` members that it is true of. Texts are unescaped.
    """

    what: str
    ours: str = ""
    theirs: str = ""
    place: int = 0
    of: str = ""
    count: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One thing in which two wheels differ.

    ``kind`` is one of a closed set (``archive-order``, ``zip-times``, ``zip-modes``,
    ``compression``, ``member-added``, ``member-missing``, ``text``, ``metadata``, ``record``,
    ``entry-points``, ``elf``, ``pyc``, ``nested-archive``, ``bytes`` …); ``member`` is ``""``
    for the archive itself. ``changes`` are what is not the same, at most the first hundred of
    ``total``; ``reordered`` names what is the same but for its order (``lines``, ``words``,
    ``fields``, ``rows``, ``members``), or is ``""``. ``rows`` are a diff or a dump, possibly cut.
    ``inner`` are the differences inside a nested archive, with their names in it.
    ``normalisation`` names the pass under which the two are equal, or is ``None``.
    """

    kind: str
    member: str = ""
    changes: tuple[Change, ...] = ()
    total: int = 0
    reordered: str = ""
    rows: tuple[Row, ...] = ()
    inner: tuple[Difference, ...] = ()
    normalisation: str | None = None

    def has(self, *names: str) -> bool:
        """Tell whether something of one of these *names* is not the same."""
        return any(change.what in names for change in self.changes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why two wheels differ: the variation that matters, the explanation's name, what differs.

    ``difference`` is how a wheel differs that was built with this variation alone.
    """

    variation: str
    explanation: str
    difference: Difference

    @property
    def member(self) -> str:
        """The member that differs, ``""`` for the archive itself."""
        return self.difference.member


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """What one rebuilder says of a wheel.

    ``rebuilder`` is the name in a policy, or a place. ``verdict`` is ``identical`` for one who
    agrees, ``unchecked`` for one who has nothing. Only a vote that ``counts`` was signed by a key
    of the policy; all of a ``group`` have one together. ``digest`` is that of their wheel.
    """

    rebuilder: str
    group: str
    verdict: Verdict
    counts: bool = False
    reason: str = ""
    digest: Digest | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One wheel compared with another one of the same pin.

    ``against`` says with what (``rebuild``, ``published``, a path, or what a bootstrap compared a
    stage with). ``as_published`` marks the
    published wheel that a user asked to use as it is. ``varied`` and ``not_varied`` are variations
    by name, the latter with the reason behind a colon; ``values`` are the varied values of the
    environment, as name and value pairs. ``recipe`` is how a published wheel was rebuilt, as name
    and value pairs; ``proof`` is set where the published sha256 was reproduced.
    ``kept`` is the folder with both files of a difference. ``votes`` are what several rebuilders
    say, and ``exempt`` why a policy needs none.
    """

    name: str
    version: str
    wheel: str
    verdict: Verdict
    against: str = "rebuild"
    as_published: bool = False
    ours: Digest | None = None
    theirs: Digest | None = None
    normalisations: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    causes: tuple[Cause, ...] = ()
    varied: tuple[str, ...] = ()
    not_varied: tuple[str, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    recipe: tuple[tuple[str, str], ...] = ()
    proof: str = ""
    reason: str = ""
    hint: str = ""
    kept: str = ""
    log: str = ""
    votes: tuple[Vote, ...] = ()
    exempt: str = ""

    def lacks(self, required: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the *required* variations under which this rebuild did not run."""
        same = self.verdict in (Verdict.IDENTICAL, Verdict.EQUIVALENT)
        rebuilt = self.against == "rebuild" and same
        return tuple(name for name in required if rebuilt and name not in self.varied)


#: What can come of one source.
Result = BuildRecord | BuildFailure | Comparison


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something that happened to one source while a run goes on; for displays only.

    ``stage`` is ``locate``, ``fetch``, ``crates``, ``lock``, ``build``, ``compile`` or ``rebuild``,
    and ``state`` then is ``total``, ``start``, ``step``, ``done``, ``kept`` or ``failed``; *count*
    is how many will follow a total, *size* how many bytes came, and *note* what a step does.
    *results* are what is known by then; a later result of the same wheel takes the place of an
    earlier one.
    Or both are ``note`` or ``warning``: *note* is a line worth printing, and a warning is printed
    also where little else is.
    """

    stage: str
    state: str
    name: str = ""
    count: int = 0
    note: str = ""
    size: int = 0
    results: tuple[Result, ...] = ()


#: Receives everything that happens while a run goes on.
Notify = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage of build requirements that are built from source with those of the stage before.

    Stage 0 is the published wheels. ``count`` is how many build requirements it has, ``kept`` how
    many of them were built by an earlier run, ``same`` how many are the same bytes as in the stage
    before; ``None`` where nothing was compared.
    """

    number: int
    count: int
    kept: int = 0
    same: int | None = None

    @property
    def repeats(self) -> bool:
        """Whether all of it is the same as the stage before: the fixed point."""
        return self.same == self.count


@dataclass(frozen=True, kw_only=True, slots=True)
class Diverse:
    """The same build requirements, built from the published wheels of another *date*.

    ``seeds`` and ``others`` are digests of the two sets of published wheels; ``count`` is how many
    the other one has, ``shared`` are those that are in both. ``waited`` could not be built by the
    other set in one step. ``differences`` are wheels that did not come out the same in the end.
    """

    date: str
    seeds: Digest
    others: Digest
    count: int
    shared: tuple[LockedFile, ...] = ()
    waited: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()
    differences: tuple[Comparison, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Bootstrap:
    """How build requirements came to be built from source, for one interpreter.

    ``stages`` are in order. ``seeds`` are published wheels that are trusted, since the user named
    them; ``compiler`` is the first line of the C compiler's version, ``""`` where there is none.
    ``pins`` is how many sources were built with the last stage. ``differences`` are what the last
    stage built unlike the one before. ``diverse`` tells of a second way, where there was one.
    """

    interpreter: Interpreter
    stages: tuple[Stage, ...]
    seeds: tuple[LockedFile, ...] = ()
    compiler: str = ""
    pins: int = 0
    differences: tuple[Comparison, ...] = ()
    diverse: Diverse | None = None

    @property
    def compared(self) -> tuple[Comparison, ...]:
        """All that should be the same, and is not."""
        return (*self.differences, *(self.diverse.differences if self.diverse else ()))

    @property
    def fixed(self) -> bool:
        """Whether the last stage repeats the one before."""
        return self.stages[-1].repeats


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildOutcome:
    """What one run of builds came to.

    ``records`` are the wheels in the output folder; ``kept`` are the keys of those
    that were not built now; ``left_out`` are pins that do not apply here, with the reason.
    ``merged`` tells that the wheels were brought together from other folders, ``signed`` that their
    records were signed, ``listed`` that nothing was done to them. ``bootstraps`` tell of build
    requirements that were built from source, an item for each interpreter.
    """

    records: tuple[BuildRecord, ...] = ()
    failures: tuple[BuildFailure, ...] = ()
    kept: frozenset[str] = field(default_factory=frozenset)
    left_out: tuple[tuple[Pin, str], ...] = ()
    notes: tuple[str, ...] = ()
    merged: bool = False
    listed: bool = False
    signed: bool = False
    bootstraps: tuple[Bootstrap, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """A file that a wheel comes from, *depth* steps below it.

    ``what`` is ``built`` (from the sdist and with the wheels below it), ``sdist``, ``modified`` (an
    sdist that was changed), ``published`` (a wheel that was not built) or ``above`` (a wheel whose
    own branch was shown before).
    """

    depth: int
    what: str
    name: str
    digest: Digest


@dataclass(frozen=True, kw_only=True, slots=True)
class Origins:
    """Where a wheel comes from, and the published wheels where all ways end, each once."""

    branches: tuple[Branch, ...] = ()
    published: tuple[Branch, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What a *check* before a release found, and how to fix it; ``allowed`` if the user said so."""

    check: str
    what: str
    fix: str
    allowed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """What a machine has of one thing that builds use.

    ``value`` is what there is, or why it does not work; then ``fix`` says what to do. One that is
    ``required`` must work.
    """

    name: str
    value: str
    works: bool = True
    fix: str = ""
    required: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PinChange:
    """A project whose wheels are built from something else than before.

    ``before`` and ``after`` are its pinned versions, empty where it is not pinned. ``why`` says
    what is different, and ``verdict`` what a verification found of the wheels now, if known.
    """

    name: str
    before: str
    after: str
    why: tuple[str, ...]
    verdict: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Called:
    """How a command was called and with what, for readers; no part of what is compared.

    ``command`` is how it is typed, ``inputs`` are paths as they were given, ``ended`` is in UTC.
    """

    command: str
    inputs: tuple[str, ...]
    ended: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a command found, for every report format.

    Exactly one of ``build`` and ``comparisons`` is of interest, by ``command``. ``required`` are
    the variations without which a rebuild that is the same does not count, ``seed`` what the varied
    values were drawn from. ``warnings`` are what a user must know before trusting it. ``origins``
    are where a wheel comes from, ``findings`` what is not ready for a release, ``facts`` what the
    machine has, ``changes`` what wheels are built from now and were not before. ``interpreters``
    are names and versions of those it was built for. ``documents`` is the URL of the site with the
    catalogue of causes, ``""`` for none.
    """

    command: str
    build: BuildOutcome = BuildOutcome()
    comparisons: tuple[Comparison, ...] = ()
    isolation: str = ""
    output: str = ""
    allowed: Verdict = Verdict.EQUIVALENT
    required: tuple[str, ...] = ()
    seed: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    origins: Origins | None = None
    findings: tuple[Finding, ...] = ()
    facts: tuple[Fact, ...] = ()
    changes: tuple[PinChange, ...] = ()
    interpreters: tuple[str, ...] = ()
    called: Called | None = None
    documents: str = ""


def utc(moment: datetime) -> str:
    """Return *moment* as ``2025-04-03T04:57:03Z`` (RFC 3339, in UTC, whole seconds)."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedFile:
    """A wheel on an index: its file name, hash, URL and, where the index says so, size in bytes."""

    filename: str
    digest: Digest
    url: str
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSystem:
    """The table ``[build-system]`` (PEP 517, PEP 518), or the defaults where there is none."""

    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A source whose bytes are in the store and were read strictly.

    ``system`` is empty for a published wheel that is used as is. ``native`` says whether there
    is something to compile in it, ``crates_locked`` whether its crates are known: those of a Rust
    source without a ``Cargo.lock`` are in the build lock.
    """

    source: Source
    interpreter: Interpreter
    system: BuildSystem
    native: bool = False
    crates_locked: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Artefact:
    """A wheel or an sdist in canonical form; its bytes are in the store under ``digest``."""

    filename: str
    digest: Digest
    members: tuple[Member, ...]
