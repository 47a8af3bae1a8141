"""For which interpreters and platforms there are wheels, and which releases lack one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from packaging import tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from amrasaman_nox.model import BuildRecord, Interpreter

#: The part of a platform's tag that a C library stands for (PEP 600, PEP 656).
_LIBRARY: Final = re.compile(r"(many|musl)linux(1|2010|2014|_\d+_\d+)_")
_VERSION: Final = re.compile(r"(\d{1,2})\.(\d{1,3})(?:\.(\d{1,4}))?(?:(?:a|b|rc)\d{1,3})?")
#: The markers that follow from the beginning of a platform's name (PEP 508).
_SYSTEMS: Final = (
    ("linux", {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}),
    ("macosx", {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"}),
    ("win", {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"}),
)
_UNKNOWN: Final = (
    "os_name", "sys_platform", "platform_system", "platform_release", "platform_version",
)  # fmt: skip
_IMPLEMENTATIONS: Final = {"cpython": "CPython", "pypy": "PyPy"}


def order(interpreter: Interpreter | None) -> tuple[object, ...]:
    """Return what interpreters are sorted by: the lowest version first, what is unknown before."""
    if interpreter is None:
        return ()
    return _numbers(interpreter), interpreter.key, interpreter.version


def key_of(record: BuildRecord) -> str:
    """Return the interpreter that a wheel was built for, ``""`` for a published wheel."""
    return record.interpreter.key if record.interpreter is not None else ""


def platforms(records: Iterable[BuildRecord]) -> tuple[Interpreter, ...]:
    """Return the interpreters that wheels were built for, one of each key, the lowest first.

    Records are anybody's: what has no version does not count.
    """
    found = (record.interpreter for record in records if record.interpreter is not None)
    known = (one for one in found if _VERSION.fullmatch(one.version))
    by_key = {one.key: one for one in sorted(known, key=order, reverse=True)}
    return tuple(sorted(by_key.values(), key=order))


def lacking(
    releases: Mapping[str, Sequence[BuildRecord]],
    interpreters: Iterable[Interpreter],
    applies: Callable[[str, Interpreter], bool] = lambda release, interpreter: True,
) -> tuple[str, ...]:
    """Return a line for each of *releases* that has no wheel for one of *interpreters*.

    :param releases: the records of the wheels of each release
    :param applies: says whether a release is wanted for an interpreter
    """
    wanted = tuple(interpreters)
    lines = []
    for release, found in releases.items():
        served = frozenset(tag for record in found for tag in _tags_of(record.wheel.filename))
        keys = {key_of(record) for record in found}
        missing = [
            one.key
            for one in wanted
            if one.key not in keys and applies(release, one) and not served & _compatible(one)
        ]
        if missing:
            lines.append(f"{release} has no wheel for {', '.join(missing)}")
    return tuple(lines)


def markers(interpreter: Interpreter) -> dict[str, str]:
    """Return the environment markers (PEP 508) of an interpreter as far as a record tells them.

    What a record does not tell, such as the release of the kernel, is empty.
    """
    system = next((each for name, each in _SYSTEMS if interpreter.platform.startswith(name)), {})
    machine = interpreter.platform.rpartition("-")[2]
    return {
        **dict.fromkeys(_UNKNOWN, ""),
        **system,
        "implementation_name": interpreter.implementation,
        "implementation_version": interpreter.version,
        "platform_machine": machine.upper() if machine == "amd64" else machine,
        "platform_python_implementation": _IMPLEMENTATIONS.get(interpreter.implementation, ""),
        "python_full_version": interpreter.version,
        "python_version": interpreter.minor,
    }


def _numbers(interpreter: Interpreter) -> tuple[int, int, int]:
    found = _VERSION.fullmatch(interpreter.version)
    major, minor, micro = found.groups("0") if found is not None else "000"
    return int(major), int(minor), int(micro)


def _tags_of(filename: str) -> frozenset[str]:
    try:
        found = parse_wheel_filename(filename)[3]
    except InvalidWheelFilename:
        return frozenset()
    return frozenset(
        f"{tag.interpreter}-{tag.abi}-{_LIBRARY.sub('linux_', tag.platform)}" for tag in found
    )


def _compatible(interpreter: Interpreter) -> frozenset[str]:
    """Return the tags of the wheels that an interpreter takes (PEP 425), by a record alone."""
    version = _numbers(interpreter)[:2]
    name = f"{'cp' if interpreter.implementation == 'cpython' else 'py'}{version[0]}{version[1]}"
    places = _places(interpreter.platform)
    found = list(tags.compatible_tags(version, name, places))
    if interpreter.implementation == "cpython":
        # A record of an older version does not say whether its interpreter is free-threaded.
        abis = [f"{name}t"] if interpreter.free_threaded else [name, f"{name}t"]
        found += tags.cpython_tags(version, abis, places)
    return frozenset(map(str, found))


def _places(platform: str) -> list[str]:
    mac = re.fullmatch(r"macosx-(\d{1,3})\.(\d{1,3})-(\w{1,20})", platform)
    if mac is not None:
        return list(tags.mac_platforms((int(mac[1]), int(mac[2])), mac[3]))
    return [re.sub(r"[-.]", "_", platform)]
