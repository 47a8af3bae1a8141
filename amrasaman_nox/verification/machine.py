"""What this machine has of what a record names: interpreter, toolchain, packages of the system."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from packaging.tags import parse_tag

from amrasaman_nox.agreement.inputs import differing_inputs, short
from amrasaman_nox.builds import distribution, system_files, tools
from amrasaman_nox.errors import AsamanError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from amrasaman_nox.agreement.inputs import DifferingInput
    from amrasaman_nox.model import BuildRecord, Interpreter, RustToolchain
    from amrasaman_nox.sources.store import Store

_PURE: Final = "-none-any.whl"
#: Inputs that a machine has; what only a compiler reads cannot change a pure wheel.
_OF_ALL: Final = ("interpreter", "isolation")
_OF_COMPILED: Final = (
    *_OF_ALL, "Rust toolchain", "compiler", "build tool", "distribution", "system package",
    "system file",
)  # fmt: skip
#: Kinds whose names say what they are.
_NAMED: Final = ("compiler", "build tool", "system package", "system file")
_MOST: Final = 12


def interpreter_for(
    record: BuildRecord, requests: Iterable[str], inspect: Callable[[str], Interpreter]
) -> Interpreter:
    """Return the interpreter here that is most like the one in *record*.

    The path in a record is not followed: a record must not choose which program is run.

    :param requests: where to look, as of ``--python``
    :raises AsamanError: none has the same implementation, minor version and platform (exit 4)
    """
    wanted = record.interpreter
    if wanted is None:
        raise ValueError(record)
    found = []
    for request in requests:
        try:
            found.append(inspect(request))
        except AsamanError:
            continue
    # A record of an older version does not say whether its interpreter is free-threaded.
    fitting = [
        one
        for one in found
        if wanted.key in (one.key, dataclasses.replace(one, free_threaded=False).key)
        and _takes(one, record.wheel.filename)
    ]
    if not fitting:
        here = ", ".join(dict.fromkeys(f"{one.implementation} {one.version}" for one in found))
        raise AsamanError(
            f"{record.name}=={record.version}",
            f"it was built by {wanted.implementation} {short(wanted.version)} on "
            f"{short(wanted.platform)}, here {here or 'none'}",
            hint="give an interpreter like that with --python",
            code=ExitCode.NOT_AVAILABLE,
        )
    return max(
        fitting, key=lambda one: (one.digest == wanted.digest, one.version == wanted.version)
    )


def _takes(interpreter: Interpreter, filename: str) -> bool:
    """Tell whether an interpreter takes a wheel that it is to build (PEP 425)."""
    tag = "-".join(filename.removesuffix(".whl").split("-")[-3:])
    return not {str(one) for one in parse_tag(tag)}.isdisjoint(interpreter.tags)


def here(
    record: BuildRecord,
    interpreter: Interpreter,
    toolchain: RustToolchain | None,
    isolation: str,
    store: Store,
) -> BuildRecord:
    """Return *record* with what this machine has in the place of what it names."""
    paths = [path for package in record.system for path, _ in package.files]
    return dataclasses.replace(
        record,
        interpreter=interpreter,
        rust=toolchain,
        isolation=isolation,
        tools=tools.reachable(),
        distribution=distribution.release() if record.distribution else "",
        system=system_files.present(paths, store),
    )


def lacking(record: BuildRecord, found: BuildRecord) -> tuple[str, ...]:
    """Return a line for each thing in *record* that is not the same *found* here.

    Such as ``libssl-dev 3.0.15, here 3.0.17``. What is here only is not listed.
    """
    kinds = _OF_ALL if record.wheel.filename.endswith(_PURE) else _OF_COMPILED
    unlike = (one for one in differing_inputs(record, found) if one.kind in kinds and one.ours)
    lines = [_line(one) for one in unlike]
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return (*lines[:_MOST], *more)


def _line(one: DifferingInput) -> str:
    what = one.name if one.kind in _NAMED else one.label
    return f"{short(what)} {short(one.ours)}, here {short(one.theirs) or 'none'}"


def requests(record: BuildRecord, given: tuple[str, ...]) -> Iterator[str]:
    """Yield where to look for the interpreter of *record*: where the user says, else by version."""
    yield from given
    if not given and record.interpreter is not None:
        yield ""
        if record.interpreter.minor.replace(".", "").isdigit():
            yield record.interpreter.minor
