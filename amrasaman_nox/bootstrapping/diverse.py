"""The same build requirements from other published wheels; both ways must end in the same bytes.

What a published build tool puts into what it builds comes only from that tool. Two sets of them
that end in the same bytes have put nothing there, unless both have (diverse double-compiling).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from amrasaman_nox.bootstrapping.differences import compared
from amrasaman_nox.build_lock.bootstrap import release_of
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildFailure, Digest, Diverse, LockedFile, Stage
from amrasaman_nox.runs.stages import Stages, build_stage, staged, wheels_of
from amrasaman_nox.sources import download
from amrasaman_nox.sources.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from amrasaman_nox.build_lock.bootstrap import Release
    from amrasaman_nox.model import BuildRecord
    from amrasaman_nox.runs.run import Run
    from amrasaman_nox.runs.stages import Tool


def built_diversely(
    run: Run, tools: Sequence[Tool], done: Stages, date: str
) -> tuple[Diverse, tuple[BuildFailure, ...]]:
    """Build *tools* from the published wheels as of *date*, and compare with the fixed point.

    :param done: the stages that led to the fixed point
    :param date: a moment in ISO 8601, or ``now``
    :raises AsamanError: an index cannot be asked, or the disk is at fault (exit 5)
    """
    search = _Search(run=run, tools=tools, date=date)
    search.resolve()
    search.build()
    seeds = {file for tool in tools for file in tool.entry.files}
    others = {file for files in search.others.values() for file in files}
    told = Diverse(
        date=date,
        seeds=_digest(seeds),
        others=_digest(others),
        count=len(others),
        shared=tuple(sorted(seeds & others)),
        waited=tuple(f"{name}=={version}" for name, version in search.waited),
    )
    failures = search.failures()
    if failures:
        return told, failures
    first = Stage(number=1, count=len(tools))
    begun = Stages(stages=(Stage(number=0, count=len(tools)), first), records=search.built)
    theirs = staged(run, tools, run.config.stages, begun)
    if theirs.failures:
        return told, theirs.failures
    found = tuple(
        compared(run, record, theirs.records[release], f"published wheels as of {date}")
        for release, record in done.records.items()
        if theirs.records[release].wheel.digest != record.wheel.digest
    )
    return dataclasses.replace(told, stages=theirs.stages, differences=found), ()


def _digest(files: Iterable[LockedFile]) -> Digest:
    """Return the sha256 of a set of wheels: of a line for each, its hash and its name, sorted."""
    lines = sorted(f"{file.digest}  {file.filename}\n" for file in files)
    return Digest.of("".join(lines).encode())


@dataclass(kw_only=True, slots=True)
class _Search:
    """How the other published wheels come to build everything, some of it in further steps.

    ``others`` are the published wheels of each tool, ``built`` what was built by now, ``waited``
    what took a further step, ``reasons`` why a tool is not built yet.
    """

    run: Run
    tools: Sequence[Tool]
    date: str
    others: dict[Release, tuple[LockedFile, ...]] = field(default_factory=dict)
    built: dict[Release, BuildRecord] = field(default_factory=dict)
    waited: list[Release] = field(default_factory=list)
    reasons: dict[Release, str] = field(default_factory=dict)

    @property
    def waiting(self) -> list[Tool]:
        """What is not built yet."""
        return [tool for tool in self.tools if tool.release not in self.built]

    def resolve(self) -> None:
        """Find the published wheels of the date for each tool, where there are any."""
        for tool in self.tools:
            try:
                self.others[tool.release] = self._resolved(tool)
            except AsamanError as error:
                if error.code is not ExitCode.BUILD_FAILED:
                    raise
                self.reasons[tool.release] = error.why

    def _resolved(self, tool: Tool) -> tuple[LockedFile, ...]:
        now = datetime.now(UTC).replace(microsecond=0)
        resolution = resolve(
            (*tool.entry.static, *tool.entry.dynamic),
            index=self.run.site.index,
            interpreter=tool.prepared.interpreter,
            as_of=now if self.date == "now" else datetime.fromisoformat(self.date),
            cache=self.run.site.index_cache,
        )
        download.fetch_all(resolution.files, self.run.site)
        return tuple(
            LockedFile(filename=file.filename, digest=file.digest) for file in resolution.files
        )

    def build(self) -> None:
        """Build what the other wheels can build, then with that what is left, step by step."""
        self._step([tool for tool in self.tools if tool.release in self.others], self.others)
        self.waited = [tool.release for tool in self.waiting]
        while True:
            before = len(self.built)
            wheels = wheels_of(self.built)
            possible = {
                tool.release: tuple(wheels[release_of(file)] for file in tool.entry.files)
                for tool in self.waiting
                if all(release_of(file) in wheels for file in tool.entry.files)
            }
            self._step([tool for tool in self.waiting if tool.release in possible], possible)
            if len(self.built) == before:
                return

    def _step(self, tools: Sequence[Tool], files: dict[Release, tuple[LockedFile, ...]]) -> None:
        found = build_stage(self.run, tools, lambda tool: files[tool.release])
        for tool, item in zip(tools, found, strict=True):
            if item.record is not None:
                self.built[tool.release] = item.record
            elif item.failure is not None:
                self.reasons[tool.release] = item.failure.reason

    def failures(self) -> tuple[BuildFailure, ...]:
        """Return why some tools could not be built at all."""
        return tuple(
            BuildFailure.of(
                tool.prepared.source.pin,
                stage="bootstrap",
                reason=f"published wheels as of {self.date} cannot build it: "
                f"{self.reasons.get(tool.release, 'its build requirements are not built either')}",
                hint="choose another date: --diverse DATE",
            )
            for tool in self.waiting
        )
