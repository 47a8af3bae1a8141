"""The command that shows what a machine can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.machine import doctor as room
from amrasaman_nox.machine.doctor import doctor
from amrasaman_nox.machine.parts import Machine, Part
from amrasaman_nox.model import Fact
from amrasaman_nox.verification.acceptance import exit_code

if TYPE_CHECKING:
    from collections.abc import Iterator


def _good(_: Machine) -> Iterator[Fact]:
    yield Fact(name="good", value="1.0")


def _refused(_: Machine) -> Iterator[Fact]:
    raise AsamanError("a thing", "is not there", hint="get one")
    yield


def _broken(_: Machine) -> Iterator[Fact]:
    raise PermissionError(13, "Permission denied")
    yield


@pytest.fixture(autouse=True)
def _three_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"good": _good, "refused": _refused, "broken": _broken}
    monkeypatch.setattr(room, "PARTS", tuple(Part(name, look) for name, look in rows.items()))


def test_what_cannot_be_looked_at_is_a_fact_as_well() -> None:
    good, refused, broken = doctor(Config(), notify=lambda _: None).facts
    assert good.works
    assert (refused.value, refused.works, refused.fix) == (
        "a thing: is not there",
        False,
        "get one",
    )
    assert (broken.value, broken.works) == ("Permission denied", False)


@pytest.mark.parametrize(
    ("required", "code"),
    [((), ExitCode.DONE), (("good",), ExitCode.DONE), (("broken",), ExitCode.NOT_AVAILABLE)],
)
def test_only_what_is_required_must_work(required: tuple[str, ...], code: ExitCode) -> None:
    assert exit_code(doctor(Config(require=required), notify=lambda _: None)) is code


def test_a_part_that_there_is_not_cannot_be_required() -> None:
    with pytest.raises(AsamanError, match="--require bad: no such part") as caught:
        doctor(Config(require=("bad",)), notify=lambda _: None)
    assert (caught.value.code, caught.value.hint) == (
        ExitCode.BAD_INPUT,
        "known: broken, good, refused",
    )
