"""What a run is doing: a live display on a terminal, plain lines elsewhere.

Both stay readable with thousands of sources: a terminal shows one row a stage, plain lines are
thinned out. Both say what is under way and for how long while nothing is finished.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from amrasaman_nox.model import Event
    from amrasaman_nox.reports.stream import Stream


#: The stage of what cargo compiles: parts of builds, of which none is finished by that.
COMPILING: Final = "compile"
#: stage: what it does, what it did
STAGES: Final = {
    "locate": ("locating", "located"),
    "fetch": ("fetching", "fetched"),
    "crates": ("fetching crates", "fetched crates"),
    "lock": ("locking build requirements", "locked build requirements"),
    "build": ("building", "built"),
    "rebuild": ("rebuilding", "rebuilt"),
    COMPILING: ("compiling", "compiled"),
}
#: Stages whose every item is worth a plain line, as long as there are not too many.
_TOLD: Final = frozenset({"build", "rebuild"})
_MANY: Final = 50
_STEPS: Final = 20
_SHOWN_NAMES: Final = 3
_WIDTH_OF_NAMES: Final = 78
#: How long nothing is finished before plain lines say what is under way, then twice as long each
#: time, up to the most, in seconds; and how often is looked.
_PATIENCE: Final = 30.0
_MOST_PATIENCE: Final = 300.0
_LOOK: Final = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class UnderWay:
    """Something that began at a time of a monotonic clock, and what it is about by now."""

    since: float
    step: str = ""

    def told(self, name: str, now: float) -> str:
        """Return *name* with how long it has taken, such as ``numpy==2.2.6 (1:30)``."""
        took = duration(now - self.since)
        return f"{printable(name)} ({took}{self.step and f', {printable(self.step)}'})"


def duration(seconds: float) -> str:
    """Return a duration in seconds as minutes and seconds, and hours if there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


@dataclass(kw_only=True, slots=True)
class Stage:
    """How far one stage has come; times are of a monotonic clock, in seconds."""

    name: str
    total: int = 0
    done: int = 0
    kept: int = 0
    failed: int = 0
    size: int = 0
    running: dict[str, UnderWay] = field(default_factory=dict)
    began: float = 0.0
    ended: float = 0.0
    told: bool = False

    @property
    def finished(self) -> int:
        """How many are through, in whatever way."""
        return self.done + self.kept + self.failed

    def take(self, event: Event, now: float) -> None:
        """Count *event*."""
        self.began = self.began or now
        self.ended = now
        self.size += event.size
        if event.state == "total":
            self.total += event.count
            self.told = False
        elif event.state == "start":
            self.running[event.name] = UnderWay(since=now)
        elif event.state == "step":
            began = self.running.get(event.name, UnderWay(since=now))
            self.running[event.name] = replace(began, step=event.note)
        elif event.state in {"done", "kept", "failed"}:
            self.running.pop(event.name, None)
            setattr(self, event.state, getattr(self, event.state) + 1)

    def names(self, now: float) -> str:
        """Return what is under way and for how long, or how much came, in one short line."""
        if self.size and not self.running:
            return _megabytes(self.size)
        under_way = list(self.running.items())
        shown = [one.told(name, now) for name, one in under_way[:_SHOWN_NAMES]]
        rest = len(under_way) - len(shown)
        line = ", ".join(shown)
        if len(line) > _WIDTH_OF_NAMES:
            line = line[: _WIDTH_OF_NAMES - 1] + "…"
        return f"{line} and {rest} more" if rest else line

    def summary(self) -> str:
        """Return what came of the stage, such as ``built 17, kept 12, failed 1``."""
        past = STAGES.get(self.name, (self.name, self.name))[1]
        counts = (("kept", self.kept), ("failed", self.failed))
        more = [f", {word} {count}" for word, count in counts if count]
        size = f" ({_megabytes(self.size)})" if self.size else ""
        return "".join((f"{past} {self.done}{size}", *more))


class Lines:
    """Plain lines on a stream that is not a terminal.

    :param verbose: a line for every item, and where the time went
    """

    def __init__(self, stream: Stream, *, verbose: bool = False, color: str = "never") -> None:
        self._stream = stream
        self._verbose = verbose
        self._color = color
        self._last = self._due = 0.0
        self._patience = _PATIENCE

    def update(self, stage: Stage, event: Event) -> None:
        """Print what is worth a line."""
        present, past = STAGES.get(stage.name, (stage.name, stage.name))
        if event.state == "failed":
            self.say(f"{present} failed: {event.name}")
        elif event.state == "step" and (self._verbose or self._long(stage, event.name)):
            self.say(f"{event.name}: {event.note}")
        elif event.state == "done" and self._worth_a_line(stage):
            of = f" of {stage.total}" if stage.total else ""
            self.say(f"{past} {stage.finished}{of}: {event.name}")
        if stage.total and stage.finished >= stage.total and not stage.told:
            stage.told = True
            self.say(stage.summary())

    def say(self, line: str) -> None:
        """Print one line."""
        self._stream.line(printable(line))

    def warn(self, line: str) -> None:
        """Print a warning."""
        self._stream.warn(line, color=self._color)

    def close(self) -> None:
        """Nothing is left to be done."""

    def wait(self, stages: Collection[Stage], now: float) -> None:
        """Say what is under way if nothing has been finished for some time.

        :param now: as the clock of the stages has it, in seconds
        """
        finishing = (stage.ended for stage in stages if stage.name != COMPILING)
        last = max(finishing, default=now)
        if last != self._last:
            self._last, self._patience = last, _PATIENCE
            self._due = last + _PATIENCE
        if now < self._due:
            return
        self._patience = min(2 * self._patience, _MOST_PATIENCE)
        self._due = now + self._patience
        for stage in stages:
            if stage.running:
                present, _ = STAGES.get(stage.name, (stage.name, ""))
                self.say(f"still {present}: {stage.names(now)}")

    def _long(self, stage: Stage, name: str) -> bool:
        return stage.ended - stage.running[name].since >= _PATIENCE

    def _worth_a_line(self, stage: Stage) -> bool:
        if self._verbose:
            return True
        if stage.name not in _TOLD:
            return False
        return stage.total <= _MANY or stage.finished % max(1, stage.total // _STEPS) == 0


class _Names:
    """What is under way in a stage, at the time of each refresh."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __str__(self) -> str:
        return self._stage.names(time.monotonic())


class Live:
    """One row a stage on a terminal, gone when the run is through."""

    def __init__(self, stream: Stream, *, color: bool) -> None:
        # Slow to import, and only needed on a terminal.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        self._console = Console(file=stream, no_color=not color, force_terminal=True)  # type: ignore[arg-type]
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(
                "{task.fields[names]}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis"),
            ),
            console=self._console,
            transient=True,
            refresh_per_second=6,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        # In the order of the work, whichever is heard of first; shown when it is heard of.
        self._tasks: dict[str, Any] = {
            name: self._progress.add_task(present, total=None, visible=False, names="")
            for name, (present, _) in STAGES.items()
        }

    @property
    def possible(self) -> bool:
        """Whether the terminal can move its cursor."""
        return not self._console.is_dumb_terminal

    def start(self) -> None:
        """Show the rows from now on."""
        self._progress.start()

    def update(self, stage: Stage, event: Event) -> None:
        """Show how far the stage is."""
        if stage.name not in self._tasks:
            self._tasks[stage.name] = self._progress.add_task(stage.name, total=None, names="")
        self._progress.update(
            self._tasks[stage.name],
            visible=True,
            total=stage.total or None,
            completed=stage.finished,
            names=_Names(stage),
        )
        if event.state == "failed":
            self.say(f"{STAGES.get(stage.name, (stage.name, ''))[0]} failed: {event.name}")

    def wait(self, stages: Collection[Stage], now: float) -> None:
        """Show nothing more: the rows say what is under way."""

    def say(self, line: str) -> None:
        """Print one line above the rows."""
        self._print(line)

    def warn(self, line: str) -> None:
        """Print a warning above the rows."""
        self._print(f"warning: {line}", style="bold yellow")

    def _print(self, line: str, style: str | None = None) -> None:
        text = printable(line)
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Take the rows away."""
        self._progress.stop()


class Silence:
    """Nothing but warnings."""

    def __init__(self, stream: Stream, *, color: str = "never") -> None:
        self._stream = stream
        self._color = color

    def update(self, stage: Stage, event: Event) -> None:
        """Show nothing."""

    def wait(self, stages: Collection[Stage], now: float) -> None:
        """Show nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""

    def warn(self, line: str) -> None:
        """Print a warning."""
        self._stream.warn(line, color=self._color)

    def close(self) -> None:
        """Nothing is left to be done."""


class Display:
    """Takes the events of a run, from any thread, and shows them.

    :param clock: gives seconds; only differences are shown, and nothing else depends on it
    """

    def __init__(
        self, view: Lines | Live | Silence, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._view = view
        self._clock = clock
        self._lock = threading.Lock()
        self._stages: dict[str, Stage] = {}
        self._warnings: set[str] = set()

    def notify(self, event: Event) -> None:
        """Show *event*; a warning once."""
        with self._lock:
            if event.state == "warning":
                if event.note not in self._warnings:
                    self._warnings.add(event.note)
                    self._view.warn(event.note)
                return
            if event.note and event.state != "step":
                self._view.say(f"note: {event.note}")
            if event.state == "note":
                return
            stage = self._stages.setdefault(event.stage, Stage(name=event.stage))
            stage.take(event, self._clock())
            self._view.update(stage, event)

    def wait(self) -> None:
        """Show what is under way, if nothing has happened for some time."""
        with self._lock:
            self._view.wait(self._stages.values(), self._clock())

    def times(self) -> list[str]:
        """Return where the time went, a line a stage; stages overlap, so it is not a sum."""
        with self._lock:
            return [
                f"{stage.summary()}: {stage.ended - stage.began:.1f} s"
                for stage in self._stages.values()
            ]

    def close(self) -> None:
        """End the display; errors and results come after it."""
        with self._lock:
            self._view.close()


@contextlib.contextmanager
def shown(
    stream: Stream, *, quiet: bool = False, verbose: bool = False, color: str = "auto"
) -> Iterator[Display]:
    """Show the events of a run on *stream* for as long as the block lasts.

    :param color: ``auto``, ``always`` or ``never``; where it is ``never`` on a terminal, the live
        display has no colour
    """
    began = time.monotonic()
    display = Display(_view(stream, quiet=quiet, verbose=verbose, color=color))
    try:
        with _waiting(display):
            yield display
    finally:
        display.close()
        if verbose:
            for line in display.times():
                stream.line(printable(line))
            stream.line(f"total: {time.monotonic() - began:.1f} s")


@contextlib.contextmanager
def _waiting(display: Display) -> Iterator[None]:
    """Look now and then, in a thread, whether what is under way is to be said."""
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(_LOOK):
            display.wait()

    thread = threading.Thread(target=look, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _view(stream: Stream, *, quiet: bool, verbose: bool, color: str) -> Lines | Live | Silence:
    if quiet:
        return Silence(stream, color=color)
    if stream.isatty() and not verbose:
        live = Live(stream, color=color != "never")
        if live.possible:
            live.start()
            return live
    return Lines(stream, verbose=verbose, color=color)
