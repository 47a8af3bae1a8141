"""Where the bytes of pins are, when they were uploaded, and what build requirements resolve to.

The one index client is uv. It runs foreign code when it resolves dependencies of sdists, so it is
asked to locate with ``--no-deps`` and to resolve with ``--no-build``; it reads no configuration
and gets no variables but those of access.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidWheelFilename,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import Version

from amrasaman_nox.errors import AsamanError, ExitCode, all_of
from amrasaman_nox.model import Digest, Pin, Source, utc
from amrasaman_nox.sources import access, download

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from amrasaman_nox.model import IndexOptions, Interpreter, LockedFile

_SUFFIXES: Final = (".tar.gz", ".zip")
_ALGORITHMS: Final = ("sha256", "sha384", "sha512")
_PLAIN_FILENAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._!+-]*\.whl")
#: How long a resolution may look past its date, where the date has no solution.
GRACE: Final = timedelta(days=7)
# Seconds after which the index client is ended; it has timeouts of its own for each request.
_PATIENCE: Final = 900
_SINGLE_CALLS: Final = 4
#: Connections that the index client opens at once. Name servers drop what comes in a burst, which
#: costs seconds; resolutions are made several at a time, with one connection each.
_CONNECTIONS: Final = 16
_RESOLVING_CONNECTIONS: Final = 3

_ACCESS_VARIABLES: Final = frozenset(
    {
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "SSL_CLIENT_CERT", "NETRC", "HOME", "PATH"),
        *("UV_KEYRING_PROVIDER", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES"),
    }
)
_INDEX_VARIABLE: Final = re.compile(r"UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)")

# What the index client says of a pin, what that comes to, and the hint.
_NOT_FOUND: Final = (
    (r"was not found", "no such project on the index"),
    (r"(there is|there are) no versions? of", "no such version on the index"),
    (r"has no wheels with a matching", "no sdist, and no wheel that fits the interpreter"),
    (r"does not satisfy Python", "it is for other versions of Python"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolvedFile:
    """A wheel on an index: its file name, hash, URL and, where the index says so, size in bytes."""

    filename: str
    digest: Digest
    url: str
    size: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """What requirements resolve to, sorted by file name; *notes* say where it had to deviate."""

    files: tuple[ResolvedFile, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Artifact:
    filename: str
    url: str
    digests: tuple[Digest, ...]
    size: int | None
    uploaded: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """What an index has of one version; of the wheels, those that the interpreter could take."""

    name: str
    version: str
    sdist: _Artifact | None
    wheels: tuple[_Artifact, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Limits:
    """What holds in a resolution beside the requirements themselves."""

    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Client:
    """The index client with all that does not change between its calls."""

    index: IndexOptions
    python: str
    cache: Path
    connections: int = _CONNECTIONS

    def run(self, arguments: Iterable[str], lines: Iterable[str]) -> _Answer:
        """Compile *lines* to a ``pylock.toml`` (PEP 751)."""
        command = [
            _find_uv(),
            *("pip", "compile", "--no-config", "--format", "pylock.toml", "--generate-hashes"),
            *("--no-header", "--no-sources", "--color", "never", "--no-progress"),
            *("--no-python-downloads", "--python", self.python, "--cache-dir", str(self.cache)),
            *_index_arguments(self.index),
            *arguments,
            "-",
        ]
        _make_folder(self.cache)
        try:
            ran = subprocess.run(
                command,
                input="".join(f"{line}\n" for line in lines).encode(),
                capture_output=True,
                env={
                    **_environment(self.index),
                    "UV_CONCURRENT_DOWNLOADS": str(self.connections),
                },
                cwd="/",
                timeout=_PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise AsamanError(
                "package index", "no answer in time", code=ExitCode.INPUT_OUTPUT
            ) from error
        except OSError as error:
            raise AsamanError(
                "uv", error.strerror or str(error), code=ExitCode.NOT_AVAILABLE
            ) from error
        answer = _Answer(
            code=ran.returncode,
            output=ran.stdout.decode(errors="replace"),
            messages=ran.stderr.decode(errors="replace"),
        )
        if answer.code not in {0, 1}:
            raise _broken(answer)
        return answer


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    code: int
    output: str
    messages: str


_Key = tuple[str, str]


def locate(
    pins: Sequence[Pin],
    *,
    index: IndexOptions,
    python: str,
    cache: Path,
    wheels_for: frozenset[str] = frozenset(),
    tags: Sequence[str] = (),
) -> tuple[Source, ...]:
    """Return for each of *pins*, in order, the file whose hash is pinned; nothing is executed.

    :param python: the path of the interpreter that is built for
    :param cache: the index client's cache folder
    :param wheels_for: names of which the published wheel is taken, and not the sdist
    :param tags: the interpreter's wheel tags in order of preference (PEP 425)
    :raises AsamanError: naming every pin that has no such file (exit 2), or an index cannot be
        asked (exit 5)
    """
    client = _Client(index=index, python=python, cache=cache)
    access.check_index(index)
    found: dict[Pin, Source | AsamanError] = {}
    for pin in pins:
        if pin.url is not None or pin.path is not None:
            found[pin] = _direct(pin, index)
    listed = [pin for pin in pins if pin not in found]
    found.update(_match_all(client, listed, lambda pin, it: _match(pin, it, wheels_for, tags)))
    dated = _with_upload_times(
        client, {pin: source for pin, source in found.items() if isinstance(source, Source)}
    )
    errors = [error for pin in pins if isinstance(error := found[pin], AsamanError)]
    if errors:
        raise all_of(errors)
    return tuple(dated[pin] for pin in pins)


def upload_times(
    pins: Iterable[Pin], *, index: IndexOptions, python: str, cache: Path
) -> dict[Digest, datetime]:
    """Return when the files with the pinned hashes were uploaded (UTC), as far as known.

    It never fails: what the index does not know, or cannot be asked about, is left out.
    """
    client = _Client(index=index, python=python, cache=cache)
    wanted = {digest for pin in pins for digest in pin.digests}
    times: dict[Digest, datetime] = {}
    try:
        access.check_index(index)
        listed = _list(client, [(pin.name, pin.version) for pin in pins])
    except AsamanError:
        return times
    for one in listed.values():
        if isinstance(one, AsamanError):
            continue
        for artifact in (*one.wheels, *filter(None, (one.sdist,))):
            for digest in artifact.digests:
                if digest in wanted and artifact.uploaded is not None:
                    times[digest] = artifact.uploaded
    return times


def find_files(
    files: Sequence[LockedFile], *, index: IndexOptions, python: str, cache: Path
) -> dict[LockedFile, ResolvedFile]:
    """Return where locked wheels are, found by file name and hash (a lock holds no URLs).

    :raises AsamanError: naming every file that no index has (exit 2), or an index cannot be
        asked (exit 5)
    """
    access.check_index(index)
    client = _Client(index=index, python=python, cache=cache)
    pins = {file: _pin_of(file) for file in dict.fromkeys(files)}
    found = _match_all(client, list(pins.values()), _match_file)
    located: dict[LockedFile, ResolvedFile] = {}
    errors = []
    for file, pin in pins.items():
        result = found[pin]
        if isinstance(result, AsamanError):
            errors.append(result)
        else:
            located[file] = ResolvedFile(
                filename=file.filename, digest=file.digest, url=result.url or "", size=result.size
            )
    if errors:
        raise all_of(errors)
    return located


def published_wheels(
    pins: Sequence[Pin],
    *,
    index: IndexOptions,
    python: str,
    cache: Path,
    tags: Sequence[str],
) -> dict[Pin, tuple[Source, ...]]:
    """Return for each of *pins* the wheels of its version that fit the interpreter, best first.

    Their hashes are those that the index advertises. A pin that no index has is left out.

    :param tags: the interpreter's wheel tags in order of preference (PEP 425)
    :raises AsamanError: an index cannot be asked (exit 5)
    """
    access.check_index(index)
    client = _Client(index=index, python=python, cache=cache)
    listed = _list(client, [(pin.name, pin.version) for pin in pins])
    found: dict[Pin, tuple[Source, ...]] = {}
    for pin in pins:
        there = listed[pin.name, pin.version]
        if isinstance(there, AsamanError):
            continue
        ranked = sorted(
            (rank, number)
            for number, wheel in enumerate(there.wheels)
            if wheel.digests and (rank := _rank(wheel.filename, pin, tags)) is not None
        )
        wheels = [there.wheels[number] for _, number in ranked]
        found[pin] = tuple(
            replace(_source(pin, wheel.filename, wheel.digests[0], wheel), taken=True)
            for wheel in wheels
        )
    return found


def resolve(
    requirements: Sequence[str],
    *,
    index: IndexOptions,
    interpreter: Interpreter,
    as_of: datetime | None,
    cache: Path,
    constraints: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> Resolution:
    """Resolve build requirements to wheels as of a date; nothing is built to do so.

    :param requirements: names with specifiers (PEP 508), no URLs
    :param as_of: files uploaded later do not exist; ``None`` for all
    :param constraints: further specifiers that hold where a project is needed
    :param overrides: specifiers that hold in place of whatever else asks for a project
    :raises AsamanError: there is no solution (exit 3), or the index cannot be asked (exit 5)
    """
    lines = [_plain_requirement(requirement) for requirement in requirements]
    if not lines:
        return Resolution()
    access.check_index(index)
    client = _Client(
        index=index,
        python=interpreter.executable,
        cache=cache,
        connections=_RESOLVING_CONNECTIONS,
    )
    limits = _Limits(
        constraints=tuple(_plain_requirement(constraint) for constraint in constraints),
        overrides=tuple(_plain_requirement(override) for override in overrides),
    )
    answer, notes = _resolve_as_of(client, lines, limits, interpreter, as_of)
    if answer.code and as_of is not None:
        later, later_notes = _resolve_as_of(client, lines, limits, interpreter, as_of + GRACE)
        if later.code == 0:
            note = (
                f"no solution as of {utc(as_of)}: resolved as of a week later, {utc(as_of + GRACE)}"
            )
            answer, notes = later, (note, *later_notes)
    if answer.code:
        raise _no_solution(lines, answer, as_of)
    files = [_best_wheel(package, interpreter.tags) for package in _packages(answer.output)]
    return Resolution(files=tuple(sorted(files, key=lambda file: file.filename)), notes=notes)


def _resolve_as_of(
    client: _Client,
    lines: Sequence[str],
    limits: _Limits,
    interpreter: Interpreter,
    as_of: datetime | None,
) -> tuple[_Answer, tuple[str, ...]]:
    """Resolve; projects without upload times are freed of the cutoff, one after the other."""
    unaged: list[str] = []
    while True:
        arguments = ["--no-build", "--python-version", interpreter.minor]
        if as_of is not None:
            arguments += ["--exclude-newer", utc(as_of)]
        for name in unaged:
            arguments += ["--exclude-newer-package", f"{name}=false"]
        with (
            _lines_file(client.cache, "--constraints", limits.constraints) as constrained,
            _lines_file(client.cache, "--overrides", limits.overrides) as overridden,
        ):
            answer = client.run([*arguments, *constrained, *overridden], lines)
        found = [name for name in _without_upload_time(answer.messages) if name not in unaged]
        if answer.code == 0 or not found:
            used = {package.name for package in _packages(answer.output)} & set(unaged)
            notes = (f"{name}: no upload times, resolved without the date" for name in sorted(used))
            return answer, tuple(notes)
        unaged += found


def _direct(pin: Pin, index: IndexOptions) -> Source | AsamanError:
    """Return the source of a pin with a URL or path of its own."""
    try:
        if pin.url is not None:
            access.check_url(pin.url, index, pin.origin)
        if not pin.digests:
            raise AsamanError(str(pin), "not hashed", origin=pin.origin)
        last = unquote(urlsplit(pin.url or "").path or pin.path or "").rpartition("/")[2]
        is_wheel = last.endswith(".whl")
        filename = _checked_wheel_name(last, pin) if is_wheel else _sdist_name(pin, last)
    except AsamanError as error:
        return error
    return Source(
        pin=pin,
        filename=filename,
        digest=min(pin.digests, key=lambda digest: _ALGORITHMS.index(digest.algorithm)),
        url=None if pin.url is None else access.without_credentials(pin.url),
        taken=is_wheel,
    )


def _with_upload_times(client: _Client, found: dict[Pin, Source]) -> dict[Pin, Source]:
    """Add the upload times that an index knows to sources with a URL of their own."""
    unknown = {pin for pin, source in found.items() if pin.url and source.uploaded is None}
    if not unknown:
        return found
    times = upload_times(unknown, index=client.index, python=client.python, cache=client.cache)
    return {
        pin: replace(source, uploaded=times.get(source.digest)) if pin in unknown else source
        for pin, source in found.items()
    }


def _match_all(
    client: _Client,
    pins: Sequence[Pin],
    match: Callable[[Pin, _Listed], Source | AsamanError],
) -> dict[Pin, Source | AsamanError]:
    """Match *pins* with what the indexes list, and then with each index of several alone."""
    found: dict[Pin, Source | AsamanError] = {}
    for one in (client, *_each_alone(client)):
        left = [pin for pin in pins if not isinstance(found.get(pin), Source)]
        if not left:
            break
        listed = _list(one, [(pin.name, pin.version) for pin in left])
        for pin in left:
            there = listed[pin.name, pin.version]
            result = _at(there, pin) if isinstance(there, AsamanError) else match(pin, there)
            # The first answer tells most; a later index is asked for the file alone.
            if isinstance(result, Source) or pin not in found:
                found[pin] = result
    return found


def _at(error: AsamanError, pin: Pin) -> AsamanError:
    """Return *error* with the file and line of *pin*."""
    return AsamanError(error.what, error.why, hint=error.hint, code=error.code, origin=pin.origin)


def _each_alone(client: _Client) -> Iterator[_Client]:
    index = client.index
    registries = () if index.no_index else (index.index_url, *index.extra_index_urls)
    if len(registries) + len(index.find_links) < 2:
        return
    for url in registries:
        yield replace(
            client, index=replace(index, index_url=url, extra_index_urls=(), find_links=())
        )
    for place in index.find_links:
        yield replace(client, index=replace(index, no_index=True, find_links=(place,)))


def _list(client: _Client, keys: Sequence[_Key]) -> dict[_Key, _Listed | AsamanError]:
    """Ask for *keys* in as few calls as can be, and singly for those of a call that failed."""
    listed: dict[_Key, _Listed | AsamanError] = {}
    for group in _groups(keys):
        answer = client.run(_locating(), [f"{name}=={version}" for name, version in group])
        if answer.code == 0:
            listed.update(_by_key(group, answer))
            continue
        with ThreadPoolExecutor(_SINGLE_CALLS) as pool:
            singly = pool.map(lambda key: _list_one(client, key), group)
            listed.update(zip(group, singly, strict=True))
    return listed


def _list_one(client: _Client, key: _Key) -> _Listed | AsamanError:
    name, version = key
    # A cached page may be older than the pin.
    fresh = [] if client.index.offline else ["--refresh-package", name]
    answer = client.run([*_locating(), *fresh], [f"{name}=={version}"])
    if answer.code == 0:
        return _by_key([key], answer)[key]
    if "was not found" in answer.messages and (refusal := _refusal(client.index, name)):
        return refusal
    return _not_located(f"{name}=={version}", answer, offline=client.index.offline)


def _refusal(index: IndexOptions, name: str) -> AsamanError | None:
    """Return why an index refuses a project; the index client calls that "not found"."""
    for url in () if index.offline else access.index_urls(index):
        page = f"{url.rstrip('/')}/{name}/"
        status = None if url.startswith("file:") else download.refuses(page, index)
        if status is not None:
            return AsamanError(
                access.without_credentials(page),
                f"the index refuses access with status {status}",
                hint=download.CREDENTIALS_HINT,
                code=ExitCode.INPUT_OUTPUT,
            )
    return None


def _locating() -> list[str]:
    return ["--no-deps", "--index-strategy", "unsafe-best-match"]


def _groups(keys: Iterable[_Key]) -> Iterator[list[_Key]]:
    """Yield groups of *keys* in which no project has two versions."""
    left = list(dict.fromkeys(keys))
    while left:
        group: dict[str, _Key] = {}
        for key in left:
            group.setdefault(key[0], key)
        chosen = set(group.values())
        yield list(group.values())
        left = [key for key in left if key not in chosen]


def _by_key(keys: Sequence[_Key], answer: _Answer) -> dict[_Key, _Listed | AsamanError]:
    packages = {package.name: package for package in _packages(answer.output)}
    found: dict[_Key, _Listed | AsamanError] = {}
    for name, version in keys:
        package = packages.get(canonicalize_name(name))
        if package is None or Version(package.version) != Version(version):
            found[name, version] = AsamanError(
                f"{name}=={version}", "the index client does not answer for it"
            )
        else:
            found[name, version] = package
    return found


def _packages(output: str) -> list[_Listed]:
    """Parse a ``pylock.toml`` of the index client (PEP 751)."""
    return [
        _Listed(
            name=canonicalize_name(package["name"]),
            version=package["version"],
            sdist=_artifact(package["sdist"]) if "sdist" in package else None,
            wheels=tuple(_artifact(wheel) for wheel in package.get("wheels", ())),
        )
        for package in tomllib.loads(output).get("packages", ())
        if "version" in package
    ]


def _artifact(table: Mapping[str, Any]) -> _Artifact:
    url = table["url"] if "url" in table else Path(table["path"]).absolute().as_uri()
    uploaded = table.get("upload-time")
    if isinstance(uploaded, datetime) and uploaded.tzinfo is None:
        uploaded = uploaded.replace(tzinfo=UTC)
    return _Artifact(
        filename=table.get("name") or unquote(urlsplit(url).path).rpartition("/")[2],
        url=access.without_credentials(url),
        digests=tuple(
            Digest(algorithm=algorithm, value=table["hashes"][algorithm])
            for algorithm in _ALGORITHMS
            if algorithm in table.get("hashes", {})
        ),
        size=table.get("size"),
        uploaded=uploaded,
    )


def _match(
    pin: Pin, listed: _Listed, wheels_for: frozenset[str], tags: Sequence[str]
) -> Source | AsamanError:
    if not pin.digests:
        return AsamanError(str(pin), "not hashed", origin=pin.origin)
    if pin.name in wheels_for:
        return _match_wheel(pin, listed, tags)
    sdist = listed.sdist
    if sdist is None:
        return AsamanError(
            str(pin),
            "no sdist: the index has only wheels",
            hint=f"--only-binary {pin.name} takes the published wheel as it is",
            origin=pin.origin,
        )
    digest = _pinned(pin, sdist)
    if digest is not None:
        try:
            return _source(pin, _sdist_name(pin, sdist.filename), digest, sdist)
        except AsamanError as error:
            return error
    if any(_pinned(pin, wheel) for wheel in listed.wheels):
        return AsamanError(
            str(pin),
            "only wheels are pinned, not the sdist",
            hint="compile the file again with the sdists' hashes, or take the published wheel "
            f"with --only-binary {pin.name}",
            origin=pin.origin,
        )
    return _mismatch(pin, sdist)


def _match_wheel(pin: Pin, listed: _Listed, tags: Sequence[str]) -> Source | AsamanError:
    pinned = [(wheel, digest) for wheel in listed.wheels if (digest := _pinned(pin, wheel))]
    ranked = sorted(
        (rank, number)
        for number, (wheel, _) in enumerate(pinned)
        if (rank := _rank(wheel.filename, pin, tags)) is not None
    )
    if not ranked:
        return AsamanError(
            str(pin), "no wheel with a pinned hash fits the interpreter", origin=pin.origin
        )
    wheel, digest = pinned[ranked[0][1]]
    return replace(_source(pin, wheel.filename, digest, wheel), taken=True)


def _match_file(pin: Pin, listed: _Listed) -> Source | AsamanError:
    """Match the pin of a locked wheel, whose path is the file name."""
    for wheel in listed.wheels:
        if wheel.filename == pin.path and (digest := _pinned(pin, wheel)):
            return _source(pin, wheel.filename, digest, wheel)
    return AsamanError(
        f"locked file {pin.path}",
        f"no index has it with {pin.digests[0]}",
        hint="renew the lock with --relock, or name the index that has it",
    )


def _pin_of(file: LockedFile) -> Pin:
    name, version = _name_and_version(file.filename)
    return Pin(name=name, version=version, digests=(file.digest,), path=file.filename)


def _source(pin: Pin, filename: str, digest: Digest, artifact: _Artifact) -> Source:
    return Source(
        pin=pin,
        filename=filename,
        digest=digest,
        url=artifact.url,
        size=artifact.size,
        uploaded=artifact.uploaded,
    )


def _pinned(pin: Pin, artifact: _Artifact) -> Digest | None:
    """Return the pinned digest that *artifact* is said to have, or ``None``."""
    for digest in artifact.digests:
        if digest in pin.digests:
            return digest
    # Where the index has other algorithms, the one pinned hash decides once there are bytes.
    told = {digest.algorithm for digest in artifact.digests}
    if len(pin.digests) == 1 and pin.digests[0].algorithm not in told:
        return pin.digests[0]
    return None


def _mismatch(pin: Pin, sdist: _Artifact) -> AsamanError:
    told = ", ".join(str(digest) for digest in sdist.digests) or "no hash"
    expected = str(pin.digests[0])
    if len(pin.digests) > 1:
        expected += f" or {len(pin.digests) - 1} more"
    return AsamanError(
        str(pin),
        f"hash mismatch: pinned is {expected}, the index advertises another hash, {told}",
        origin=pin.origin,
    )


def _sdist_name(pin: Pin, filename: str) -> str:
    """Return the local name of an sdist, from the pin alone but for its suffix."""
    for suffix in _SUFFIXES:
        if filename.endswith(suffix):
            return f"{pin.name.replace('-', '_')}-{pin.version}{suffix}"
    raise AsamanError(str(pin), "the sdist is neither a .tar.gz nor a .zip file", origin=pin.origin)


def _name_and_version(filename: str) -> tuple[str, str]:
    try:
        if not _PLAIN_FILENAME.fullmatch(filename):
            raise InvalidWheelFilename(filename)
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as error:
        raise AsamanError(filename[:200], "not the file name of a wheel") from error
    return name, str(version)


def _checked_wheel_name(filename: str, pin: Pin) -> str:
    name, version = _name_and_version(filename)
    if name != pin.name or Version(version) != Version(pin.version):
        raise AsamanError(str(pin), f"{filename} is another project", origin=pin.origin)
    return filename


def _rank(filename: str, pin: Pin, tags: Sequence[str]) -> tuple[int, int, str] | None:
    """Return how well a wheel fits (less is better; a build tag counts), ``None`` if not."""
    try:
        _checked_wheel_name(filename, pin)
        _, _, build, own = parse_wheel_filename(filename)
    except AsamanError:
        return None
    names = {str(tag) for tag in own}
    best = next((rank for rank, tag in enumerate(tags) if tag in names), None)
    return None if best is None else (best, -build[0] if build else 0, filename)


def _best_wheel(package: _Listed, tags: Sequence[str]) -> ResolvedFile:
    pin = Pin(name=package.name, version=package.version)
    ranked = sorted(
        (rank, number)
        for number, wheel in enumerate(package.wheels)
        if wheel.digests and (rank := _rank(wheel.filename, pin, tags)) is not None
    )
    if not ranked:
        raise _only_sdist(pin.name, f"no wheel of {pin} fits the interpreter")
    wheel = package.wheels[ranked[0][1]]
    return ResolvedFile(
        filename=wheel.filename, digest=wheel.digests[0], url=wheel.url, size=wheel.size
    )


def _plain_requirement(text: str) -> str:
    """Return *text* as a requirement of a name and a specifier, rendered anew (PEP 508)."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise AsamanError(
            f"build requirement {text!r:.200}", "not a name with a specifier"
        ) from error
    if requirement.url is not None:
        raise AsamanError(f"build requirement {text!r:.200}", "a URL is not accepted")
    return str(requirement)


@contextmanager
def _lines_file(folder: Path, option: str, lines: Sequence[str]) -> Iterator[list[str]]:
    if not lines:
        yield []
        return
    _make_folder(folder)
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".txt") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        yield [option, file.name]


def _without_upload_time(messages: str) -> list[str]:
    """Return the projects of the files that the index client refused for want of a time."""
    names = []
    for filename in re.findall(r"`([^`]+)` is missing an upload date", messages):
        stem = re.match(r"(.+?)-\d", filename)
        if stem:
            names.append(canonicalize_name(stem[1]))
    return list(dict.fromkeys(names))


def _no_solution(lines: Sequence[str], answer: _Answer, as_of: datetime | None) -> AsamanError:
    sdist_only = re.findall(r"Wheels are required for `([^`]+)`", answer.messages)
    if sdist_only:
        return _only_sdist(sdist_only[0], "the index has only an sdist of it, no wheel")
    when = "" if as_of is None else f" as of {utc(as_of)}"
    wanted = ", ".join(lines)
    return AsamanError(
        f"build requirements {wanted:.120}",
        f"no solution{when}: {_reason(answer.messages)}",
        hint="" if as_of is None else "another date is set with --as-of DATE|now",
        code=ExitCode.BUILD_FAILED,
    )


def _only_sdist(name: str, why: str) -> AsamanError:
    return AsamanError(
        f"build requirement {name}",
        why,
        hint=f"provide a wheel of {name} with --find-links",
        code=ExitCode.BUILD_FAILED,
    )


def _not_located(what: str, answer: _Answer, *, offline: bool) -> AsamanError:
    if offline:
        return AsamanError(
            what,
            "not known from earlier runs, and the network is not asked",
            hint="run once without --offline",
            code=ExitCode.INPUT_OUTPUT,
        )
    for pattern, why in _NOT_FOUND:
        if re.search(pattern, answer.messages):
            return AsamanError(what, why)
    return AsamanError(what, _reason(answer.messages))


def _reason(messages: str) -> str:
    """Return what the index client says is the cause, as one line."""
    after = messages.partition("cause:")[2] or messages.partition("error:")[2] or messages
    text = " ".join(after.partition("\nhint:")[0].split())
    return re.sub(r",? we can conclude that your requirements are unsatisfiable\.?$", "", text)


def _broken(answer: _Answer) -> AsamanError:
    """Return the error for an index that could not be asked."""
    causes = [" ".join(cause.split()) for cause in answer.messages.split("cause:")[1:]]
    first = re.search(r"(?m)^error: (.*)", answer.messages)
    url = re.search(r"(?:https?|file)://[^\s`)]+", answer.messages)
    what = access.without_credentials(url[0]) if url else "package index"
    why = causes[-1].partition(" hint:")[0] if causes else first[1] if first else "no answer"
    if url is None and first is not None and first[1] != why:
        return AsamanError("package index", f"{first[1]}: {why}", code=ExitCode.INPUT_OUTPUT)
    return AsamanError(
        what,
        why,
        hint="check the network and the index's URL; what the store has needs none (--offline)",
        code=ExitCode.INPUT_OUTPUT,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise AsamanError(
            str(folder), error.strerror or str(error), code=ExitCode.INPUT_OUTPUT
        ) from error


def _index_arguments(index: IndexOptions) -> list[str]:
    arguments = ["--no-index"] if index.no_index else []
    for host in index.trusted_hosts:
        arguments += ["--allow-insecure-host", host]
    return [*arguments, "--offline"] if index.offline else arguments


def _environment(index: IndexOptions) -> dict[str, str]:
    """Return the whole environment of the index client.

    URLs are in it, since others can read a command line, and URLs may hold credentials.
    """
    environment = {
        name: value
        for name, value in index.environment
        if name in _ACCESS_VARIABLES or _INDEX_VARIABLE.fullmatch(name)
    }
    if index.index_url is not None and not index.no_index:
        environment["UV_DEFAULT_INDEX"] = index.index_url
    if index.extra_index_urls and not index.no_index:
        environment["UV_INDEX"] = " ".join(index.extra_index_urls)
    if index.find_links:
        places = (
            place if access.is_url(place) else Path(place).absolute().as_uri()
            for place in index.find_links
        )
        environment["UV_FIND_LINKS"] = ",".join(place.replace(",", "%2C") for place in places)
    return environment


def _find_uv() -> str:
    import uv

    try:
        return str(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise AsamanError(
            "uv", "the index client is missing", hint="install uv", code=ExitCode.NOT_AVAILABLE
        ) from error
