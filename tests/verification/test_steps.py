"""What is told of the builds of a search, and what an interrupted one knows."""

from __future__ import annotations

from amrasaman_nox.model import Cause, Comparison, Difference, Event, Verdict
from amrasaman_nox.verification.steps import Steps, teller

KNOWN = Comparison(name="a", version="1", wheel="a.whl", verdict=Verdict.DIFFERENT)
CAUSE = Cause(variation="home", explanation="home-folder", difference=Difference(kind="text"))


class Told:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.known: list[Comparison | None] = []

    def __call__(self, step: str, known: Comparison | None) -> None:
        self.told.append(step)
        self.known.append(known)


def test_builds_before_the_search_are_no_steps() -> None:
    told = Told()
    Steps(told).next()
    assert told.told == []


def test_each_build_of_a_search_is_told_with_about_how_many_there_will_be() -> None:
    told = Told()
    steps = Steps(told)
    steps.begin("searching for the cause")
    steps.expect(2)
    steps.next()
    steps.expect(5)
    steps.next()
    assert told.told == [
        "searching for the cause: build 1 of about 2",
        "searching for the cause: build 2 of about 6",
    ]


def test_there_are_never_fewer_builds_than_there_were() -> None:
    told = Told()
    steps = Steps(told)
    steps.begin("searching for the cause")
    steps.expect(1)
    for _ in range(3):
        steps.next()
    assert told.told[-1] == "searching for the cause: build 3 of about 3"


def test_what_is_known_grows_and_says_where_it_was_interrupted() -> None:
    told = Told()
    steps = Steps(told)
    steps.begin("searching for the cause", KNOWN)
    steps.expect(4)
    steps.next()
    steps.found((CAUSE,))
    steps.next()
    first, second = told.known
    assert first is not None
    assert second is not None
    assert (first.verdict, first.causes) == ("different", ())
    assert second.causes == (CAUSE,)
    assert second.reason == "interrupted while searching for the cause, in build 2 of about 4"


def test_displays_are_told_of_the_pin_and_reports_of_what_is_known() -> None:
    events: list[Event] = []
    tell = teller(events.append, "a==1")
    tell("searching: build 1 of about 2", None)
    tell("searching: build 2 of about 2", KNOWN)
    assert [(one.stage, one.state, one.name) for one in events] == [("rebuild", "step", "a==1")] * 2
    assert [one.results for one in events] == [(), (KNOWN,)]
