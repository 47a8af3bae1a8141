"""Fixtures that all tests share."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

from amrasaman_nox.bootstrapping.command import bootstrap
from amrasaman_nox.config.config import Config
from amrasaman_nox.environments import interpreters
from amrasaman_nox.sources import uv as index_client
from amrasaman_nox.sources.store import Store

from .support import miniatures
from .support.bench import Bench
from .support.index import LocalIndex, running_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from amrasaman_nox.model import Event, IndexOptions, Interpreter, Report


# A machine that is busy with other things is no fault of an example.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("PIP_", "UV_")) and name != "UV_PYTHON_DOWNLOADS":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _loopback_only(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test connect to this machine alone, unless it is marked ``online``."""
    if request.node.get_closest_marker("online"):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {
            "127.0.0.1",
            "::1",
            "localhost",
        }:
            raise AssertionError(f"an offline test connects to {address[0]}")
        connect(self, address)

    environment = index_client._environment

    def local(options: IndexOptions) -> dict[str, str]:
        if options.index_url is None and not (options.no_index or options.offline):
            raise AssertionError("an offline test asks the default index")
        return environment(options)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(index_client, "_environment", local)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store."""
    return Store.open(tmp_path / "cache")


@pytest.fixture
def index() -> Iterator[LocalIndex]:
    """An empty package index on this machine."""
    with running_index() as running:
        yield running


@pytest.fixture(scope="session")
def interpreter() -> Interpreter:
    """The interpreter that runs the tests."""
    return interpreters.inspect()


@pytest.fixture(scope="session")
def miniature_index() -> Iterator[LocalIndex]:
    """An index with all miniature projects and their backends; not to be changed."""
    with running_index() as running:
        miniatures.fill(running)
        yield running


@pytest.fixture(scope="session")
def warm_cache(miniature_index: LocalIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache in which all miniatures were built before."""
    folder = tmp_path_factory.mktemp("warm")
    bench = Bench(folder / "work", miniature_index.url, folder / "cache")
    done = bench.asaman("-r", bench.write(*miniatures.pins()))
    assert done.returncode == 0, done.stdout + done.stderr
    return bench.cache


@pytest.fixture
def bench(miniature_index: LocalIndex, warm_cache: Path, tmp_path: Path) -> Bench:
    """A working folder; the miniatures were built before."""
    return Bench(tmp_path / "work", miniature_index.url, warm_cache)


@pytest.fixture(scope="session")
def rust_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that all builds of Rust share: the toolchain is hashed once."""
    return tmp_path_factory.mktemp("rust") / "cache"


@pytest.fixture
def rust_bench(index: LocalIndex, rust_cache: Path, tmp_path: Path) -> Bench:
    """A working folder for sources that need no build backend of an index."""
    return Bench(tmp_path / "work", index.url, rust_cache, index=index)


@pytest.fixture
def cold(index: LocalIndex, tmp_path: Path) -> Bench:
    """A working folder with an empty cache, and an index of its own that has the backends."""
    miniatures.fill(index)
    return Bench(tmp_path / "work", index.url, tmp_path / "cache", index=index)


@pytest.fixture
def boot(tmp_path: Path, index: LocalIndex) -> Callable[..., Report]:
    """Return a function that bootstraps the pins that it is given, on the lowest rung."""

    def run(
        *pins: str,
        work: Callable[..., Report] = bootstrap,
        notify: Callable[[Event], None] = lambda _: None,
        **more: object,
    ) -> Report:
        path = tmp_path / "requirements.txt"
        path.write_text("".join(f"{pin}\n" for pin in pins))
        values = {
            "requirement": path,
            "output": tmp_path / "wheels",
            "cache_dir": tmp_path / "cache",
            "index_url": index.url,
            "isolation": "none",
            **more,
        }
        return work(Config(**values), notify=notify)  # type: ignore[arg-type]

    return run
