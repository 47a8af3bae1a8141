"""Environments that are made of wheels that are made in a test."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrasaman_nox.environments import environments
from amrasaman_nox.model import Digest, LockedFile

from ..support.bytecode import forged
from ..support.projects import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.environments.environments import Environment
    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes environments of wheels that are made here."""

    store: Store
    isolation: Isolation
    interpreter: Interpreter

    def wheel(
        self, name: str, files: dict[str, bytes | str] | None = None, version: str = "1.0"
    ) -> LockedFile:
        content = make_wheel(name, version, files)
        digest = Digest.of(content)
        self.store.add([content], digest)
        return LockedFile(filename=f"{name}-{version}-py3-none-any.whl", digest=digest)

    def make(self, *files: LockedFile, inside: str = "/build/env") -> Environment:
        return environments.prepare(
            files, self.interpreter, store=self.store, isolation=self.isolation, inside=inside
        )

    def site(self, environment: Environment) -> Path:
        (site,) = environment.host.glob("lib/python*/site-packages")
        return site


SCRIPTED: dict[str, bytes | str] = {
    "scripted.py": "def main():\n    print('ran')\n",
    "scripted-1.0.dist-info/entry_points.txt": "[console_scripts]\nscripted = scripted:main\n",
    "scripted-1.0.data/data/share/thing.txt": "thing\n",
}


HELPER = b"VALUE = 'source'\n"


def forging(kind: str, modified: int) -> dict[str, bytes | str]:
    """Return a wheel's files, of which bytecode says otherwise than the source."""
    name = f"helper.{sys.implementation.cache_tag}"
    bytecode = forged(kind, "VALUE = 'forged'", HELPER, modified)
    return {
        "helper.py": HELPER,
        f"__pycache__/{name}.pyc": bytecode,
        f"__pycache__/{name}.opt-1.pyc": bytecode,
        "legacy.pyc": bytecode,
        "legacy.pyo": bytecode,
        "evil-1.0.data/data/share/__pycache__/any.txt": "x",
        "evil-1.0.data/data/share/deep/data.pyc": bytecode,
        "evil-1.0.data/scripts/tool.pyc": bytecode,
        f"evil-1.0.data/purelib/__pycache__/sitecustomize.{name}.pyc": bytecode,
    }


def value_in(maker: Maker, environment: Environment) -> str:
    """Return what a build finds in ``helper``, and whether it finds ``legacy``."""
    program = "import helper, importlib.util as u; print(helper.VALUE, u.find_spec('legacy'))"
    done = subprocess.run(
        [maker.interpreter.executable, "-B", "-c", program],
        env={"PYTHONPATH": str(maker.site(environment))},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
