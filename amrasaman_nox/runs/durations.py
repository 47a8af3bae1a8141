"""How long builds took, and how long they will take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from amrasaman_nox.model import BuildRecord, Prepared
    from amrasaman_nox.sources.store import Store


#: What a build takes of which nothing is known: seconds, and bytes of its sdist a second; first
#: where files are copied only, then where there is something to compile.
_UNKNOWN: Final = ((0.5, 4_000_000), (10.0, 400_000))
#: The value of the store that keeps how long builds took.
_KIND: Final = "durations"
_KEY: Final = "by-name"


def estimator(store: Store) -> Callable[[Prepared], float]:
    """Return what estimates how long the build of a source will take, in seconds.

    It is what its last build took, and where there was none, it follows from the sdist's size and
    from whether there is something to compile.
    """
    known = _durations(store)

    def estimate(item: Prepared) -> float:
        seconds, bytes_per_second = _UNKNOWN[item.native]
        guess = seconds + (item.source.size or 0) / bytes_per_second
        return known.get(item.source.name, guess)

    return estimate


def remember(records: Iterable[BuildRecord], store: Store) -> None:
    """Keep in *store* how long the builds of *records* took.

    Of runs that end at the same time one is remembered; nothing but the order depends on it.
    """
    took = {record.name: seconds(record) for record in records if seconds(record)}
    if took:
        content = json.dumps({**_durations(store), **took}, sort_keys=True)
        store.put_value(_KIND, _KEY, content.encode())


def seconds(record: BuildRecord) -> float:
    """Return how long the build of *record* took, to hundredths; 0 where nobody knows."""
    if record.started is None or record.finished is None:
        return 0.0
    return round((record.finished - record.started).total_seconds(), 2)


def _durations(store: Store) -> dict[str, float]:
    content = store.get_value(_KIND, _KEY)
    return {} if content is None else json.loads(content)
