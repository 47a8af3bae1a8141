"""A policy: which rebuilders count, how many of them must agree, and what is let through.

It is a small TOML file; ``docs/reference/policy.md`` describes it and has its JSON schema. It is
read strictly: what is unknown, contradicts itself or could never be met is an error.
"""

from __future__ import annotations

import enum
import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from amrasaman_nox import strict_toml
from amrasaman_nox.agreement import identities, keys
from amrasaman_nox.agreement.identities import Identity
from amrasaman_nox.errors import AsamanError, system_reason
from amrasaman_nox.files import open_regular, read_regular
from amrasaman_nox.strict_json import Malformed, Value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from securesystemslib.signer import SSlibKey

    from amrasaman_nox.model import BuildRecord, Publisher

VERSION: Final = 1
_LARGEST: Final = 1 << 20
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_PROJECT: Final = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*(/[A-Za-z0-9._-]+)*")
_WORKFLOW: Final = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_PEM: Final = "-----BEGIN"
_KEYS: Final = (
    *("version", "threshold", "equal", "only-binary"),
    *("rebuilders", "exceptions", "publishers"),
)
_Choice = TypeVar("_Choice", bound=enum.StrEnum)


class Equal(enum.StrEnum):
    """What must be the same for a vote: the file, or its content in whatever archive."""

    WHEEL = "wheel"
    CONTENT = "content"


class OnlyBinary(enum.StrEnum):
    """What becomes of a published wheel that is used as it is: it is in no vote, or needs some."""

    REFUSE = "refuse"
    ALLOW = "allow"
    VOTE = "vote"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rebuilder:
    """Somebody who rebuilds; all of one *group* have one vote together.

    Both dates are days in UTC and belong to the time in which the keys count; ``None`` is open.
    """

    name: str
    group: str
    keys: tuple[SSlibKey, ...] = ()
    identities: tuple[Identity, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None

    def invalid(self, today: date) -> str:
        """Return why this rebuilder does not count *today*, or ``""``."""
        if self.valid_from is not None and today < self.valid_from:
            return f"valid from {self.valid_from}"
        if self.valid_until is not None and today > self.valid_until:
            return f"expired, valid until {self.valid_until}"
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exempt:
    """A project, or one version of it, that needs no votes up to and including a day in UTC."""

    name: str
    reason: str
    until: date
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """From where the sdists of a project must have been published (PEP 740).

    Without a ``workflow`` any one of the ``repository`` will do.
    """

    name: str
    repository: str
    workflow: str = ""

    def unmet(self, publisher: Publisher | None) -> str:
        """Return why *publisher* is not who is demanded, or ``""``."""
        if publisher is None:
            return f"no attestation says that its source was published from {self.repository}"
        wanted = self.workflow or publisher.workflow
        if (publisher.repository, publisher.workflow) == (self.repository, wanted):
            return ""
        which = f"{self.repository} {self.workflow}".rstrip()
        return f"its source was published by {publisher}, and not from {which}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What must hold for a wheel. ``threshold`` is how many groups must agree on it."""

    path: str
    threshold: int
    rebuilders: tuple[Rebuilder, ...]
    equal: Equal = Equal.WHEEL
    only_binary: OnlyBinary = OnlyBinary.REFUSE
    exceptions: tuple[Exempt, ...] = ()
    publishers: tuple[Demand, ...] = ()
    digest: str = ""

    def exception(self, name: str, version: str, today: date) -> Exempt | None:
        """Return what lets the release through without votes *today*, ``None`` for nothing."""
        for each in self.exceptions:
            of_it = each.name == name and each.version in ("", version)
            if of_it and today <= each.until:
                return each
        return None

    def expired(self, name: str, version: str, today: date) -> Exempt | None:
        """Return an exception that let the release through until a day before *today*."""
        found = (each for each in self.exceptions if each.name == name)
        return next(
            (each for each in found if each.version in ("", version) and today > each.until), None
        )

    def unpublished(self, record: BuildRecord) -> str:
        """Return why the source of *record* was not published as demanded, or ``""``.

        :param record: one of the caller's own: who published a source is verified by its builder
        """
        found = (
            each.unmet(record.publisher) for each in self.publishers if each.name == record.name
        )
        return next(filter(None, found), "")

    def check_reachable(self, today: date) -> None:
        """Check that the rebuilders that are valid *today* can reach the threshold.

        :raises AsamanError: they cannot (exit 2)
        """
        groups = {each.group for each in self.rebuilders if not each.invalid(today)}
        if len(groups) < self.threshold:
            out = ", ".join(
                f"{each.name} ({why})" for each in self.rebuilders if (why := each.invalid(today))
            )
            why = f"{self.threshold} groups must agree, and only {len(groups)} are valid today"
            raise AsamanError(f"policy {self.path}", f"{why}: {out}")


def read(path: Path) -> Policy:
    """Return the policy in the file *path*; paths of keys in it count from its folder.

    :raises AsamanError: it cannot be read, or says something else than a policy can (exit 2); a
        library for signatures is missing (exit 4)
    """
    keys.needs_library()
    content = read_regular(path, _LARGEST, f"policy {path}")
    try:
        return _policy(Value(strict_toml.parse(content)), path, content)
    except strict_toml.NotToml as error:
        raise AsamanError(f"policy {path}", f"not TOML: {error}") from None
    except Malformed as malformed:
        raise AsamanError(f"policy {path}", str(malformed)) from None


def _policy(table: Value, path: Path, content: bytes) -> Policy:
    _known(table, _KEYS)
    if table["version"].whole() != VERSION:
        raise table["version"].malformed(f"{VERSION} is required")
    rebuilders = tuple(_rebuilder(each, path) for each in _tables(table, "rebuilders"))
    _check_distinct(rebuilders)
    threshold = table["threshold"]
    groups = {each.group for each in rebuilders}
    if not 1 <= threshold.whole() <= len(groups):
        why = f"{threshold.raw} is out of range: there are {len(groups)} groups of rebuilders"
        raise threshold.malformed(why)
    return Policy(
        path=str(path),
        threshold=threshold.whole(),
        rebuilders=rebuilders,
        equal=_choice(table, "equal", Equal.WHEEL),
        only_binary=_choice(table, "only-binary", OnlyBinary.REFUSE),
        exceptions=_exceptions(_tables(table, "exceptions")),
        publishers=_demands(_tables(table, "publishers")),
        digest=hashlib.sha256(content).hexdigest(),
    )


def _rebuilder(table: Value, path: Path) -> Rebuilder:
    _known(table, ("name", "group", "keys", "identities", "valid-from", "valid-until"))
    name = _matching(table["name"], _NAME, "name")
    group = table.get("group")
    found = table.get("keys")
    rebuilder = Rebuilder(
        name=name,
        group=name if group is None else _matching(group, _NAME, "name"),
        keys=tuple(_key(each, path) for each in (found.items() if found is not None else ())),
        identities=_identities(_tables(table, "identities")),
        valid_from=_day(table.get("valid-from")),
        valid_until=_day(table.get("valid-until")),
    )
    if not (rebuilder.keys or rebuilder.identities):
        raise table.malformed("keys or identities are required")
    first, last = rebuilder.valid_from, rebuilder.valid_until
    if first is not None and last is not None and first > last:
        raise table.malformed(f"valid-from {first} is after valid-until {last}")
    return rebuilder


def _key(value: Value, path: Path) -> SSlibKey:
    text = value.text()
    if text.lstrip().startswith(_PEM):
        pem = text.encode()
    else:
        try:
            with open_regular(path.parent / text) as file:
                pem = file.read(_LARGEST)
        except (OSError, ValueError) as error:
            raise value.malformed(f"{text[:200]}: {system_reason(error)}") from None
    try:
        return keys.public_key(pem, value.place)
    except AsamanError as error:
        raise value.malformed(error.why) from None


def _identities(tables: tuple[Value, ...]) -> tuple[Identity, ...]:
    if tables:
        identities.needs_library()
    return tuple(map(_identity, tables))


def _identity(table: Value) -> Identity:
    _known(table, ("issuer", "identity"))
    issuer, identity = table["issuer"].text(), table["identity"].text()
    if not issuer.startswith("https://"):
        raise table["issuer"].malformed("an https URL is required")
    if not identity:
        raise table["identity"].malformed("must not be empty")
    return Identity(issuer=issuer, identity=identity)


def _check_distinct(rebuilders: Iterable[Rebuilder]) -> None:
    """Check that no name, key or identity is there twice: its vote would count twice."""
    seen: dict[object, str] = {}
    for each in rebuilders:
        facts: list[tuple[object, str]] = [(each.name, "the name")]
        facts += [(_material(key), f"the key {key.keyid[:16]}…") for key in each.keys]
        facts += [(identity, f"the identity {identity}") for identity in each.identities]
        for fact, label in facts:
            if fact in seen:
                raise Malformed(f"rebuilders: {label} of {each.name} is there twice ({seen[fact]})")
            seen[fact] = each.name


def _material(key: SSlibKey) -> tuple[str, str]:
    return key.keytype, str(key.keyval["public"])


def _exceptions(tables: Iterable[Value]) -> tuple[Exempt, ...]:
    found: dict[tuple[str, str], Exempt] = {}
    for table in tables:
        _known(table, ("name", "version", "reason", "until"))
        version = table.get("version")
        until = _day(table["until"])
        each = Exempt(
            name=canonicalize_name(_matching(table["name"], _PROJECT, "project name")),
            version="" if version is None else _version(version),
            reason=table["reason"].text().strip(),
            until=until or date.min,
        )
        if not each.reason:
            raise table["reason"].malformed("a reason is required")
        if found.setdefault((each.name, each.version), each) is not each:
            raise table.malformed(f"a second exception for {each.name} {each.version}".rstrip())
    return tuple(found.values())


def _demands(tables: Iterable[Value]) -> tuple[Demand, ...]:
    found: dict[str, Demand] = {}
    for table in tables:
        _known(table, ("name", "repository", "workflow"))
        workflow = table.get("workflow")
        each = Demand(
            name=canonicalize_name(_matching(table["name"], _PROJECT, "project name")),
            repository=_matching(table["repository"], _REPOSITORY, "repository"),
            workflow="" if workflow is None else _matching(workflow, _WORKFLOW, "workflow"),
        )
        if found.setdefault(each.name, each) is not each:
            raise table.malformed(f"a second publisher of {each.name}")
    return tuple(found.values())


# --- values ----------------------------------------------------------------------------------


def _known(table: Value, names: tuple[str, ...]) -> None:
    for key, value in table.members():
        if key not in names:
            raise value.malformed(f"unknown key (known are {', '.join(names)})")


def _tables(table: Value, name: str) -> tuple[Value, ...]:
    found = table.get(name)
    return found.items() if found is not None else ()


def _choice(table: Value, name: str, default: _Choice) -> _Choice:
    found = table.get(name)
    if found is None:
        return default
    kind = type(default)
    try:
        return kind(found.text())
    except ValueError:
        raise found.malformed(f"one of {', '.join(kind)} is required") from None


def _matching(value: Value, pattern: re.Pattern[str], what: str) -> str:
    text = value.text()
    if not pattern.fullmatch(text):
        raise value.malformed(f"{text[:80]!a} is not a valid {what}")
    return text


def _version(value: Value) -> str:
    try:
        return str(Version(value.text()))
    except InvalidVersion:
        raise value.malformed("a version is required") from None


def _day(value: Value | None) -> date | None:
    if value is None:
        return None
    found: Any = value.raw
    if not isinstance(found, date) or isinstance(found, datetime):
        raise value.malformed("a date such as 2026-12-31 is required, without quotes")
    return found
