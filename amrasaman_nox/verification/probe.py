"""Which variations a build really sees: a small source is built with and without them.

Nothing is varied that was not seen to be: a library that does not load or a limit of a container
would otherwise make a rebuild green that never happened.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.builds.jobs import environment_of
from amrasaman_nox.model import BuildFailure, Digest, Pin, Source
from amrasaman_nox.sandbox.inside import probe
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.verification.variations import CLOCK, VARIATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from amrasaman_nox.model import BuildEnvironment, Interpreter
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.sources.store import Store
    from amrasaman_nox.verification.variations import Plan, Variation

    _Seen = Mapping[str, list[Any]]

_NAME: Final = "amrasaman-probe"
_FILENAME: Final = f"{_NAME}-1.0.tar.gz"
_PROJECT: Final = """\
[build-system]
requires = []
build-backend = "probe"
backend-path = ["."]

[project]
name = "amrasaman-probe"
version = "1.0"
"""
_METADATA: Final = f"Metadata-Version: 2.1\nName: {_NAME}\nVersion: 1.0\n"


def proved(run: Run, plan: Plan) -> Plan:
    """Return *plan* without the variations that a build does not see, each with the reason.

    Each interpreter of the run is asked, where its builds run.
    """
    source = _source(run.site.store)
    usual = environment_of(run.config)
    reasons: dict[str, str] = {}
    for interpreter in run.all_interpreters:

        def built(
            world: BuildEnvironment, interpreter: Interpreter = interpreter
        ) -> _Seen | BuildFailure:
            return _look(run, source, interpreter, world)

        for name, reason in unseen(plan, usual, built).items():
            reasons.setdefault(name, reason)
    return plan.without(reasons)


def unseen(
    plan: Plan, world: BuildEnvironment, look: Callable[[BuildEnvironment], _Seen | BuildFailure]
) -> dict[str, str]:
    """Return the variations of *plan* that builds do not see, by name, each with the reason.

    The clock is looked at wherever it can be changed: the search for causes holds it still.

    :param look: returns what a build sees in an environment, or how it fails there
    """
    wanted = [*plan.variations]
    if plan.machine.fake_clock and CLOCK not in plan.names:
        wanted += [each for each in VARIATIONS if each.name == CLOCK]
    usual = look(world)
    if isinstance(usual, BuildFailure):
        return {each.name: _fails(usual) for each in wanted}
    varied = look(plan.varied(world, wanted))
    if isinstance(varied, BuildFailure):
        # One of them is in the way: each has to show itself alone.
        return _unseen_alone(plan, world, wanted, usual, look)
    return _unchanged(usual, varied, wanted)


def _unseen_alone(
    plan: Plan,
    world: BuildEnvironment,
    wanted: Iterable[Variation],
    usual: _Seen,
    look: Callable[[BuildEnvironment], _Seen | BuildFailure],
) -> dict[str, str]:
    reasons = {}
    for variation in wanted:
        seen = look(plan.varied(world, [variation]))
        if isinstance(seen, BuildFailure):
            reasons[variation.name] = _fails(seen)
        else:
            reasons.update(_unchanged(usual, seen, [variation]))
    return reasons


def _unchanged(usual: _Seen, varied: _Seen, wanted: Sequence[Variation]) -> dict[str, str]:
    """Return the variations of which a build sees a value that is the usual one."""
    return {
        each.name: f"builds still see {_shown(usual[each.name])}"
        for each in wanted
        if any(a == b for a, b in zip(usual[each.name], varied[each.name], strict=True))
    }


def _shown(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)[:100]


def _fails(failure: BuildFailure) -> str:
    return f"a test build fails with it: {failure.reason}"


def _look(
    run: Run, source: Source, interpreter: Interpreter, world: BuildEnvironment
) -> _Seen | BuildFailure:
    job = dataclasses.replace(run.job(source, interpreter), environment=world, config_settings=())
    result = run.build(job)
    if isinstance(result, BuildFailure):
        return result
    with (
        fetched(result.wheel.digest, result.wheel.filename, run.site.store) as file,
        zipfile.ZipFile(file) as wheel,
    ):
        seen: _Seen = json.loads(wheel.read(probe.SEEN))
        return seen


def _source(store: Store) -> Source:
    """Put the sdist of the probe into the store."""
    content = _sdist()
    digest = Digest.of(content)
    if not store.has(digest):
        store.add((content,), digest)
    pin = Pin(name=_NAME, version="1.0", digests=(digest,))
    return Source(pin=pin, filename=_FILENAME, digest=digest, size=len(content))


def _sdist() -> bytes:
    members = {
        "PKG-INFO": _METADATA,
        "pyproject.toml": _PROJECT,
        "probe.py": Path(probe.__file__).read_text(encoding="utf-8"),
        **{f"{probe.LISTED}/{letter}": letter for letter in "abcdefgh"},
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"{_NAME.replace('-', '_')}-1.0/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(made.getvalue(), mtime=0)
