"""What differs in the inputs of two builds of one pin, by their records; no byte is looked at.

The order of the table is that of causes: what comes first explains most of what follows.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from amrasaman_nox.model import utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from amrasaman_nox.model import BuildRecord, LockedFile

#: How many characters of a value, and how many inputs, are shown: records are anybody's.
_LONGEST: Final = 300
_MOST: Final = 12
#: What is shown of a hash.
_HASH: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52,}\b")
_COMPILERS: Final = ("cc", "c++", "ld")
_DATE: Final = "resolution date"
_REQUIREMENT: Final = "build requirement"


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferingInput:
    """An input of two builds that is not the same.

    ``kind`` is one of ``KINDS``, such as ``build requirement``, and ``name`` says which one of it,
    ``""`` where there is one only. ``ours`` and ``theirs`` are the two values, ``""`` where a build
    has none. All is unescaped.
    """

    kind: str
    name: str = ""
    ours: str = ""
    theirs: str = ""

    def __str__(self) -> str:
        values = " → ".join(short(value) or "none" for value in (self.ours, self.theirs))
        return f"{self.label} {values}"

    @property
    def label(self) -> str:
        """What it is, without its values, such as ``build requirement setuptools``."""
        return short(f"{self.kind} {self.name}".rstrip())


class _Fact(NamedTuple):
    """A value as it is shown, and what it must be equal in besides, shown if only that differs."""

    text: str
    digest: str = ""


#: What a build was given of one kind, by name.
_Facts = dict[str, _Fact]
_NOTHING: Final = _Fact("")


def differing_inputs(ours: BuildRecord, theirs: BuildRecord) -> tuple[DifferingInput, ...]:
    """Return what differs in the inputs of two builds; the first is the most likely cause.

    Empty if the same inputs gave both wheels, as far as the records say.
    """
    found = tuple(
        one for kind, facts in _INPUTS.items() for one in _unlike(kind, facts(ours), facts(theirs))
    )
    if any(one.kind == _REQUIREMENT for one in found):
        return found
    # The date of a resolution explains what it chose, and changes nothing by itself.
    return tuple(one for one in found if one.kind != _DATE)


def inputs_line(ours: BuildRecord, theirs: BuildRecord) -> str:
    """Return what differs in the inputs of two builds as one line, the most likely cause first."""
    found = differing_inputs(ours, theirs)
    if not found:
        return "from the same inputs"
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return f"other inputs: {'; '.join(map(str, found[:_MOST]))}{more}"


def _unlike(kind: str, ours: _Facts, theirs: _Facts) -> Iterator[DifferingInput]:
    for name in sorted({*ours, *theirs}):
        left, right = ours.get(name, _NOTHING), theirs.get(name, _NOTHING)
        if left == right:
            continue
        if left.text == right.text:
            left, right = (_Fact(f"{one.text} ({one.digest})") for one in (left, right))
        yield DifferingInput(kind=kind, name=name, ours=left.text, theirs=right.text)
        if not name:
            # The others are details of this one.
            return


def short(value: str) -> str:
    """Return *value* for a message, hashes shortened, at a length that no record can choose."""
    text = _HASH.sub(r"\1…", value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


# What a build was given


def _one(text: str, digest: str = "") -> _Facts:
    return {"": _Fact(text, digest)} if text else {}


def _joined(facts: Iterable[tuple[str, _Fact]]) -> _Facts:
    """Return *facts* by name; what has a name more than once is one fact."""
    by_name: dict[str, list[_Fact]] = defaultdict(list)
    for name, fact in facts:
        by_name[name].append(fact)
    return {
        name: _Fact(*(", ".join(column) for column in zip(*sorted(each), strict=True)))
        for name, each in by_name.items()
    }


def _interpreter(record: BuildRecord) -> _Facts:
    found = record.interpreter
    if found is None:
        return {}
    threads = " free-threaded" if found.free_threaded else ""
    return {
        "": _Fact(f"{found.implementation} {found.version}{threads} {found.platform}"),
        "compile flags": _Fact(found.compile_flags),
        "executable": _Fact(str(found.digest)),
    }


def _requirements(record: BuildRecord) -> _Facts:
    return _joined(map(_requirement, record.requirements))


def _requirement(file: LockedFile) -> tuple[str, _Fact]:
    try:
        name, version, _, _ = parse_wheel_filename(file.filename)
    except InvalidWheelFilename:
        return file.filename, _Fact(str(file.digest))
    return name, _Fact(str(version), f"{file.filename} {file.digest}")


def _rust(record: BuildRecord) -> _Facts:
    found = record.rust
    return _one(f"{found.version} {found.host}", str(found.digest)) if found is not None else {}


def _crates(record: BuildRecord) -> _Facts:
    return _joined(
        (crate.name, _Fact(crate.version, str(crate.digest)))
        for crate in record.source.crates or ()
    )


def _pairs(pairs: Iterable[tuple[str, str]]) -> _Facts:
    return _joined((name, _Fact(value or '""')) for name, value in pairs)


def _world(record: BuildRecord) -> Mapping[str, object]:
    return dataclasses.asdict(record.environment) if record.environment is not None else {}


def _variables(record: BuildRecord) -> _Facts:
    return _pairs(record.environment.variables if record.environment is not None else ())


def _epoch(record: BuildRecord) -> _Facts:
    if record.environment is None:
        return {}
    epoch = record.environment.source_date_epoch
    return _one("not set" if epoch is None else str(epoch))


def _environment(record: BuildRecord) -> _Facts:
    world = _world(record)
    return {
        name.replace("_", " "): _Fact(str(world[name]))
        for name in world.keys() - {"source_date_epoch", "variables"}
    }


def _tools(record: BuildRecord, compilers: bool) -> _Facts:
    return {
        tool.name: _Fact(tool.version.removeprefix(f"{tool.name} "))
        for tool in record.tools
        if (tool.name in _COMPILERS) is compilers
    }


def _packages(record: BuildRecord) -> _Facts:
    return _joined(
        (package.name, _Fact(package.version, f"{package.architecture} {_files(package.files)}"))
        for package in record.system
        if package.name
    )


def _unpacked(record: BuildRecord) -> _Facts:
    """Return files of the system that no package owns."""
    return {
        path: _Fact(str(digest))
        for package in record.system
        for path, digest in package.files
        if not package.name
    }


def _files(files: Sequence[tuple[str, object]]) -> str:
    """Return how many files of a package were read, and a hash over them."""
    text = "".join(f"{path} {digest}\n" for path, digest in files)
    found = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return f"{len(files)} files read, sha256:{found}"


def _isolation(record: BuildRecord) -> _Facts:
    if not record.isolation:
        return {}
    fixed = {True: "yes", False: "no", None: "unknown"}[record.fixed_addresses]
    return {"rung": _Fact(record.isolation), "fixed addresses": _Fact(fixed)}


#: The kinds of inputs, and what a record says of each: a row a kind, the first causes first.
_INPUTS: Final[Mapping[str, Callable[[BuildRecord], _Facts]]] = {
    "origin": lambda record: _one("published wheel" if record.as_published else "build"),
    "source": lambda record: _one(record.source.filename, str(record.source.digest)),
    "interpreter": _interpreter,
    _DATE: lambda record: _one(utc(record.as_of) if record.as_of is not None else ""),
    _REQUIREMENT: _requirements,
    "Rust toolchain": _rust,
    "crate": _crates,
    "config setting": lambda record: _pairs(record.config_settings),
    "variable": _variables,
    "source date epoch": _epoch,
    "environment": _environment,
    "compiler": lambda record: _tools(record, compilers=True),
    "build tool": lambda record: _tools(record, compilers=False),
    "distribution": lambda record: _one(record.distribution),
    "system package": _packages,
    "system file": _unpacked,
    "isolation": _isolation,
    "version of": lambda record: _pairs(record.versions),
    "backend": lambda record: _one(record.backend),
}
#: Every kind of input, the first causes first.
KINDS: Final = tuple(_INPUTS)
