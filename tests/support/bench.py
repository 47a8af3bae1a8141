"""A folder of its own for a run of the installed commands, and what they leave there."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .index import LocalIndex

#: The folder of the installed commands.
BIN = Path(sys.executable).parent

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")

Snapshot = dict[str, tuple[object, ...]]


@dataclass
class Bench:
    """A working folder with an index and a cache; every call is a process of its own.

    Without an ``index_url`` the real index is asked.
    """

    folder: Path
    index_url: str
    cache: Path
    index: LocalIndex | None = None
    #: Seconds that a call may take.
    patience: float = 180.0
    variables: dict[str, str] = field(default_factory=dict)
    #: Where the commands are, and what is put in front of their command lines.
    programs: Path = BIN
    before: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    @property
    def wheels(self) -> Path:
        return self.folder / "wheels"

    def write(self, *lines: str, name: str = "requirements.txt") -> str:
        """Write lines to a file of the folder; return its name."""
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))
        return name

    def environment(self) -> dict[str, str]:
        """The variables of a call: few, so that this machine's have no say."""
        access = () if self.index_url else ("SSL_CERT_FILE", "SSL_CERT_DIR", *_PROXIES)
        kept = (*access, "PATH", "PYTHONPATH", "COVERAGE_PROCESS_START", "UV_PYTHON_DOWNLOADS")
        inherited = {name: os.environ[name] for name in kept if name in os.environ}
        return {**inherited, "HOME": str(self.folder / "home"), **self.variables}

    def asaman(self, *arguments: str, **changes: Any) -> subprocess.CompletedProcess[str]:
        """Run ``asaman`` with the bench's index and cache."""
        index = ("--index-url", self.index_url) if self.index_url else ()
        return self.run("asaman", *arguments, *index, "--cache-dir", str(self.cache), **changes)

    def lock(self, *arguments: str, **changes: Any) -> subprocess.CompletedProcess[str]:
        """Run ``asaman lock`` with the bench's index and cache."""
        return self.asaman("lock", *arguments, **changes)

    def generate(self, *arguments: str, **changes: Any) -> subprocess.CompletedProcess[str]:
        """Run ``asaman-generate``."""
        return self.run("asaman-generate", *arguments, **changes)

    def run(
        self,
        program: str,
        *arguments: str,
        cwd: Path | None = None,
        preexec: Callable[[], object] | None = None,
        **variables: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run an installed command; *variables* are added to its environment."""
        return subprocess.run(
            [*self.before, str(self.programs / program), *arguments],
            cwd=cwd or self.folder,
            env={**self.environment(), **variables},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="backslashreplace",
            timeout=self.patience,
            check=False,
            preexec_fn=preexec,
        )

    def hashes(self, folder: Path | None = None) -> dict[str, str]:
        """The wheels of a folder, each with its sha256."""
        found = sorted((folder or self.wheels).glob("*.whl"))
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}

    def record(self, wheel: str) -> dict[str, Any]:
        """The provenance file of a wheel."""
        found: dict[str, Any] = json.loads((self.wheels / f"{wheel}.provenance.json").read_text())
        return found

    def snapshot(self) -> Snapshot:
        """What must not change where nothing is done: the folder and the cache's own entries."""
        found = snapshot(self.folder)
        if self.cache.exists():
            found |= snapshot(self.cache, "files", "values", "environments-2", "quarantine")
        return found


def snapshot(folder: Path, *only: str) -> Snapshot:
    """Return path, size, mode, times and sha256 of all that is below *folder*."""
    found: Snapshot = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if only and inside.parts[0] not in only:
            continue
        facts = path.lstat()
        plain = path.is_file() and not path.is_symlink()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if plain else ""
        moment = facts.st_mtime_ns if plain else 0
        found[str(path)] = (facts.st_size if plain else 0, facts.st_mode, moment, digest)
    return found
