from __future__ import annotations

import io
import threading
import time
from itertools import count
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import Event
from amrasaman_nox.reports import progress
from amrasaman_nox.reports.progress import Display, Lines, Live, Silence, Stage
from amrasaman_nox.reports.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def events(stage: str, total: int, *, state: str = "done") -> Iterable[Event]:
    yield Event(stage=stage, state="total", count=total)
    for number in range(total):
        yield Event(stage=stage, state="start", name=f"p{number}==1")
        yield Event(stage=stage, state=state, name=f"p{number}==1")


def lines(events: Iterable[Event], *, verbose: bool = False) -> list[str]:
    buffer = io.StringIO()
    display = Display(Lines(Stream(buffer), verbose=verbose))
    for event in events:
        display.notify(event)
    display.close()
    return buffer.getvalue().splitlines()


def test_each_build_is_told_while_there_are_few() -> None:
    assert lines(events("build", 2)) == [
        "built 1 of 2: p0==1",
        "built 2 of 2: p1==1",
        "built 2",
    ]


@pytest.mark.parametrize("stage", ["locate", "fetch", "crates", "lock", "compile"])
def test_of_other_stages_only_the_end_is_told(stage: str) -> None:
    assert lines(events(stage, 3)) == [f"{progress.STAGES[stage][1]} 3"]


def test_two_thousand_builds_are_a_screen_of_lines() -> None:
    told = lines(events("build", 2000))
    assert len(told) == 21
    assert told[0] == "built 100 of 2000: p99==1"
    assert told[-1] == "built 2000"


def test_verbose_tells_every_item() -> None:
    assert len(lines(events("fetch", 200), verbose=True)) == 201


def test_a_failure_is_always_told() -> None:
    told = lines(events("build", 2000, state="failed"))
    assert told.count("building failed: p0==1") == 1
    assert told[-1] == "built 0, failed 2000"


def test_what_is_kept_is_counted_and_not_listed() -> None:
    assert lines(events("build", 30, state="kept")) == ["built 0, kept 30"]


def test_totals_of_several_interpreters_add_up() -> None:
    told = lines([*events("build", 1), *events("build", 1)])
    assert told == ["built 1 of 1: p0==1", "built 1", "built 2 of 2: p0==1", "built 2"]


def test_a_note_is_printed_and_is_no_stage() -> None:
    told = lines([Event(stage="note", state="note", note="mind\x1b[31m this")])
    assert told == ["note: mind\\x1b[31m this"]


def test_names_are_escaped() -> None:
    told = lines([Event(stage="build", state="done", name="\x1b]52;c;x")])
    assert "\x1b" not in "".join(told)


def test_a_stage_of_an_unknown_name_is_shown_as_it_is() -> None:
    assert lines(events("polish", 1)) == ["polish 1"]


def test_the_names_under_way_fit_a_line() -> None:
    stage = Stage(name="build")
    for number in range(2000):
        stage.take(Event(stage="build", state="start", name=f"p{number}"), 1.0)
    assert stage.names(8.4) == "p0 (0:07), p1 (0:07), p2 (0:07) and 1997 more"
    long = Stage(name="build", running={"x" * 500: progress.UnderWay(since=0.0)})
    assert len(long.names(1.0)) == 78


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.9, "0:00"), (59.9, "0:59"), (60, "1:00"), (3599, "59:59"), (2 * 3600 + 65, "2:01:05")],
)
def test_how_long_something_takes_is_shown_as_a_clock_does(seconds: float, shown: str) -> None:
    assert progress.UnderWay(since=10.0).told("a==1", 10.0 + seconds) == f"a==1 ({shown})"


class Waited:
    """Lines at a clock that is set by hand."""

    def __init__(self, *, verbose: bool = False) -> None:
        self.now = 100.0
        self.buffer = io.StringIO()
        view = Lines(Stream(self.buffer), verbose=verbose)
        self.display = Display(view, clock=lambda: self.now)

    def notify(self, state: str, name: str = "", note: str = "", *, stage: str = "build") -> None:
        self.display.notify(Event(stage=stage, state=state, name=name, count=2, note=note))

    def wait(self, seconds: int) -> list[str]:
        """Return what is said while nothing happens."""
        self.buffer.truncate(self.buffer.seek(0))
        for _ in range(seconds):
            self.now += 1
            self.display.wait()
        return self.buffer.getvalue().splitlines()


def test_while_nothing_is_finished_lines_say_what_is_built_and_for_how_long() -> None:
    waited = Waited()
    waited.notify("total")
    waited.notify("start", "numpy==2")
    waited.now += 5
    waited.notify("start", "lxml==5")
    assert waited.wait(29) == []
    assert waited.wait(1) == ["still building: numpy==2 (0:35), lxml==5 (0:30)"]
    # More and more rarely: after 1, 2, 4 and then each 5 minutes.
    assert waited.wait(60) == ["still building: numpy==2 (1:35), lxml==5 (1:30)"]
    assert len(waited.wait(3600)) == 1 + 1 + 10
    waited.notify("done", "lxml==5")
    assert waited.wait(30) == ["still building: numpy==2 (1:02:05)"]


def test_a_build_is_under_way_for_as_long_as_its_crates_are_compiled() -> None:
    waited = Waited()
    waited.notify("start", "rpds-py==1")
    said = []
    for number in range(4):
        waited.notify("start", f"crate{number} v1", stage="compile")
        said += waited.wait(8)
        waited.notify("done", f"crate{number} v1", stage="compile")
    assert said == ["still building: rpds-py==1 (0:30)", "still compiling: crate3 v1 (0:06)"]


def test_how_much_came_is_said_with_the_number_of_files() -> None:
    told = lines(
        [
            Event(stage="crates", state="total", count=2),
            Event(stage="crates", state="done", name="a-1.0.0.crate", size=1_500_000),
            Event(stage="crates", state="done", name="b-1.0.0.crate", size=200_000),
        ]
    )
    assert told == ["fetched crates 2 (1.7 MB)"]
    stage = Stage(name="crates", size=2_340_000)
    assert stage.names(1.0) == "2.3 MB"


def test_nothing_is_said_of_waiting_where_nothing_is_under_way() -> None:
    waited = Waited()
    assert waited.wait(1000) == []
    for state in ("total", "start", "done"):
        waited.notify(state, "a==1")
    assert waited.wait(1000) == []


def test_a_step_is_said_of_what_takes_long() -> None:
    waited = Waited()
    waited.notify("start", "numpy==2", stage="rebuild")
    waited.notify("step", "numpy==2", "searching the cause: build 1 of about 6", stage="rebuild")
    assert waited.wait(30)[-1:] == [
        "still rebuilding: numpy==2 (0:30, searching the cause: build 1 of about 6)"
    ]
    waited.notify("step", "numpy==2", "searching the cause: build 2 of about 6", stage="rebuild")
    assert waited.buffer.getvalue().splitlines()[-1] == (
        "numpy==2: searching the cause: build 2 of about 6"
    )


def test_a_step_of_what_is_quick_is_said_with_verbose_only() -> None:
    for verbose in (False, True):
        waited = Waited(verbose=verbose)
        waited.notify("start", "a==1", stage="rebuild")
        waited.notify("step", "a==1", "build 1 of about 6", stage="rebuild")
        assert ("a==1: build 1 of about 6" in waited.buffer.getvalue()) is verbose


def test_a_run_says_what_is_under_way_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LOOK", 0.01)
    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    buffer = io.StringIO()
    with progress.shown(Stream(buffer)) as display:
        display.notify(Event(stage="build", state="start", name="numpy==2"))
        limit = time.monotonic() + 10
        while "still" not in buffer.getvalue() and time.monotonic() < limit:
            time.sleep(0.01)
    assert "still building: numpy==2 (0:00)\n" in buffer.getvalue()


def test_times_are_those_between_the_first_and_the_last_event() -> None:
    ticks = count(10)
    display = Display(Silence(Stream(None)), clock=lambda: float(next(ticks)))
    for event in events("build", 1):
        display.notify(event)
    assert display.times() == ["built 1: 2.0 s"]


def test_events_may_come_from_many_threads() -> None:
    buffer = io.StringIO()
    display = Display(Lines(Stream(buffer), verbose=True))
    display.notify(Event(stage="build", state="total", count=400))

    def work() -> None:
        for event in list(events("build", 50))[1:]:
            display.notify(event)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = buffer.getvalue().splitlines()
    assert told[-1] == "built 400"
    assert sum(line.startswith("built ") and " of 400: " in line for line in told) == 400


@pytest.mark.parametrize(
    ("stream", "quiet", "verbose", "term", "view"),
    [
        (io.StringIO(), False, False, "xterm", Lines),
        (io.StringIO(), True, False, "xterm", Silence),
        (Terminal(), False, False, "xterm", Live),
        (Terminal(), False, True, "xterm", Lines),
        (Terminal(), True, False, "xterm", Silence),
        (Terminal(), False, False, "dumb", Lines),
        (None, False, False, "xterm", Lines),
    ],
)
def test_the_view_follows_the_stream_and_the_options(
    stream: io.StringIO | None,
    quiet: bool,
    verbose: bool,
    term: str,
    view: type,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", term)
    with progress.shown(Stream(stream), quiet=quiet, verbose=verbose) as display:
        assert isinstance(display._view, view)


def test_a_terminal_shows_a_row_a_stage_and_is_clean_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    with progress.shown(Stream(terminal)) as display:
        for event in (*events("fetch", 2000), *list(events("build", 2000))[:50]):
            display.notify(event)
        display.notify(Event(stage="build", state="failed", name="[bold]bad[/bold]"))
        display.notify(Event(stage="note", state="note", note="a [red]note[/red]"))
        display.notify(Event(stage="build", state="start", name="numpy==2"))
        display._view._progress.refresh()  # type: ignore[union-attr]
    shown = terminal.getvalue()
    assert "numpy==2 (0:00)" in shown
    assert "fetching" in shown
    assert "2000/2000" in shown
    assert "locating" not in shown
    assert shown.rindex("fetching ") < shown.rindex("building ")
    assert "building failed: [bold]bad[/bold]\n" in shown
    assert "note: a [red]note[/red]\n" in shown
    assert shown.rindex("\x1b[?25h") < shown.rindex("\x1b[2K")


def test_no_color_is_followed_in_the_live_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with progress.shown(Stream(terminal), color="never") as display:
        for event in events("build", 3):
            display.notify(event)
    assert "\x1b[3" not in terminal.getvalue()


@pytest.mark.parametrize(
    ("stream", "quiet", "color", "coloured"),
    [
        (io.StringIO(), False, "auto", False),
        (io.StringIO(), True, "auto", False),
        (io.StringIO(), True, "always", True),
        (Terminal(), True, "auto", True),
        (Terminal(), True, "never", False),
        (Terminal(), False, "auto", True),
    ],
)
def test_a_warning_is_shown_once_however_quiet_a_run_is(
    stream: io.StringIO,
    quiet: bool,
    color: str,
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with progress.shown(Stream(stream), quiet=quiet, color=color) as display:
        for _ in range(2):
            display.notify(Event(stage="warning", state="warning", note="mind [this]"))
    (line,) = [line for line in stream.getvalue().splitlines() if "warning" in line]
    assert "warning: mind [this]" in line
    assert ("\x1b[1;33m" in line) == coloured
