"""Fixtures that all tests share."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.builds import interpreters
from amrasaman_nox.sources import index as index_client
from amrasaman_nox.sources.store import Store

from .support.index import LocalIndex, running_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from amrasaman_nox.model import IndexOptions, Interpreter


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
