"""What a source requires: what the lock says, or what its backend is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.build_lock.requirements import Known, known_of
from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildLock, Digest, Pin, Prepared
from amrasaman_nox.runs.asked import whole_entry
from amrasaman_nox.runs.run import opened
from amrasaman_nox.sources.prepare import prepare

from ..support import miniatures

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.index import LocalIndex


@pytest.mark.parametrize(
    ("name", "build", "built"),
    [("mini-flit", True, True), ("mini-flit", False, False), ("mini-dynamic", True, False)],
)
def test_a_backend_is_asked_once_and_builds_at_once_if_it_may(
    miniature_index: LocalIndex, tmp_path: Path, name: str, *, build: bool, built: bool
) -> None:
    config = Config(cache_dir=tmp_path / "cache", index_url=miniature_index.url, jobs=1)
    digest = Digest.of(miniatures.MINIATURES[name]("1.0"))
    with opened(config, lambda _: None) as run:
        pin = Pin(name=name, version="1.0", digests=(digest,))
        (prepared,) = prepare(run.site, [pin], run.interpreters[0])
        assert isinstance(prepared, Prepared)
        known = known_of(run.site, prepared, BuildLock())
        entry, asked = whole_entry(run, prepared, known, build=build)
        wanted = ("wheel>=0.40",) if name == "mini-dynamic" else ()
        assert (entry.dynamic, asked.requirements) == (wanted, wanted)
        assert (asked.record is not None) is (built and run.isolation.filtered)
        again = whole_entry(run, prepared, Known(entry=entry, whole=True))
        assert again[0] == entry
        assert again[1].requirements == ()
