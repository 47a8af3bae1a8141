"""The command that shows what a machine can do, before anything is built."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.errors import AsamanError, system_reason
from amrasaman_nox.machine.parts import PARTS, Machine
from amrasaman_nox.model import Fact, Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.machine.parts import Part
    from amrasaman_nox.model import Notify


def doctor(config: Config, *, notify: Notify) -> Report:
    """Look at each part of this machine, whether wheels can be built on it or not.

    :param notify: not used: nothing here takes long
    :raises AsamanError: an unknown part is required (exit 2)
    """
    del notify
    machine = Machine(config=config)
    facts = tuple(fact for part in PARTS for fact in _looked_at(machine, part))
    known = {fact.name for fact in facts}
    if unknown := [name for name in config.require if name not in known]:
        raise AsamanError(
            f"--require {unknown[0]}", "no such part", hint=f"known: {', '.join(sorted(known))}"
        )
    facts = tuple(dataclasses.replace(one, required=one.name in config.require) for one in facts)
    return Report(command="doctor", facts=facts)


def _looked_at(machine: Machine, part: Part) -> Iterator[Fact]:
    """Yield the facts of a part; that it cannot be looked at is one as well."""
    try:
        yield from part.look(machine)
    except AsamanError as error:
        yield Fact(name=part.name, value=f"{error.what}: {error.why}", works=False, fix=error.hint)
    except OSError as error:
        yield Fact(name=part.name, value=system_reason(error), works=False)
