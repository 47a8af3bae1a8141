"""Where builds can run, in one table: an executor is one function and one row here.

The option, its help and its checks follow from the row. The function is named here and imported
when it is called, so that ``--help`` stays fast.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Executor(NamedTuple):
    """An executor.

    ``name`` is what ``--executor`` calls it, and ``where`` says where builds run. ``opens`` names
    the function that opens it, as ``MODULE:NAME``; it takes the configuration and returns a context
    manager of :class:`amrasaman_nox.runs.workers.Workers`. With ``scheduler`` it takes the address
    of ``--scheduler``.
    """

    name: str
    where: str
    opens: str
    scheduler: bool = False


EXECUTORS: Final[tuple[Executor, ...]] = (
    Executor(name="local", where="here", opens="runs.executors:local_workers"),
    Executor(
        name="dask",
        where="on the workers of a dask cluster",
        opens="runs.cluster:dask_workers",
        scheduler=True,
    ),
)

NAMES: Final = tuple(each.name for each in EXECUTORS)
WITH_SCHEDULER: Final = tuple(each.name for each in EXECUTORS if each.scheduler)


def by_name(name: str) -> Executor:
    """Return the executor of that name."""
    return next(executor for executor in EXECUTORS if executor.name == name)
