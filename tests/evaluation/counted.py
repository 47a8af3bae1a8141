"""Our own command with what it cost: ``python -m tests.evaluation.counted FACTS ARGUMENT …``."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Counted:
    """What a run cost: seconds, but for ``memory``, the peak of our own process in MiB.

    ``process`` is the CPU time of our own process, ``sandboxed`` that of sandboxed ones, and
    ``others`` that of all other children: the index client, and what isolates.
    """

    wall: float
    process: float
    sandboxed: float
    others: float
    memory: float

    @property
    def own(self) -> float:
        """All CPU time but that of sandboxed processes."""
        return self.process + self.others


def command(facts: Path, *arguments: str) -> list[str]:
    """Return what runs ``asaman`` with *arguments* in :data:`ROOT`; the cost goes into *facts*."""
    return [sys.executable, "-m", __name__, str(facts), *arguments]


def read(facts: Path) -> Counted:
    """Return what :func:`command` wrote."""
    return Counted(**json.loads(facts.read_text()))


def _cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def _run(facts: Path, arguments: Sequence[str]) -> int:
    """Run the command in this process and write down what it cost."""
    from amrasaman_nox import cli
    from amrasaman_nox.sandbox import process as sandbox

    sandboxed, lock, run = [0.0], threading.Lock(), sandbox.run

    def counted(*given: Any, **named: Any) -> Any:
        done = run(*given, **named)
        with lock:
            sandboxed[0] += done.cpu_seconds
        return done

    sandbox.run = counted
    started = time.perf_counter()
    code = cli.run(arguments)
    cost = Counted(
        wall=time.perf_counter() - started,
        process=_cpu(resource.RUSAGE_SELF),
        sandboxed=sandboxed[0],
        others=_cpu(resource.RUSAGE_CHILDREN) - sandboxed[0],
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )
    facts.write_text(json.dumps(dataclasses.asdict(cost)))
    return code


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    raise SystemExit(_run(Path(sys.argv[1]), sys.argv[2:]))
