"""A dask scheduler and workers on the loopback interface, each a process with its own cache."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LIAR = Path(__file__).with_name("liar.py")
_PATIENCE = 60.0


@dataclass
class Cluster:
    """A running scheduler; workers are added one by one."""

    folder: Path
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, *arguments: str, name: str, lie: str = "", path: Path | None = None
    ) -> subprocess.Popen[bytes]:
        variables = {**os.environ, "XDG_CACHE_HOME": str(self.folder / name), "LIE": lie}
        if path is not None:
            variables["PYTHONPATH"] = str(path)
        variables["DASK_TEMPORARY_DIRECTORY"] = str(self.folder)
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def add_worker(
        self, name: str, *, threads: int = 1, lie: str = "", path: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker without a nanny, so that to kill it is to lose it.

        :param path: a folder with packages that it imports before those that are installed
        """
        preload = ("--preload", str(LIAR)) if lie else ()
        process = self.start(
            *("worker", self.address, "--no-nanny", "--no-dashboard", "--name", name),
            *("--nthreads", str(threads), "--host", "127.0.0.1", "--memory-limit", "0"),
            *("--local-directory", str(self.folder / f"{name}-local"), *preload),
            name=name,
            lie=lie,
            path=path,
        )
        self.wait_for(name, "Registered to")
        return process

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def wait_for(self, name: str, text: str) -> None:
        end = time.monotonic() + _PATIENCE
        while text not in self.log(name):
            assert time.monotonic() < end, self.log(name)
            time.sleep(0.05)


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Start a scheduler; end all that was started with the block."""
    folder.mkdir(exist_ok=True)
    cluster = Cluster(folder)
    scheduler = folder / "scheduler.json"
    try:
        cluster.start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(scheduler)),
            name="scheduler",
        )
        cluster.wait_for("scheduler", "Scheduler at:")
        line = next(
            line for line in cluster.log("scheduler").splitlines() if "Scheduler at" in line
        )
        cluster.address = line.split()[-1]
        yield cluster
    finally:
        for process in cluster.processes:
            process.kill()
            process.wait()
