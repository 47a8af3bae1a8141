"""Run one harness under atheris; a failing input is kept below build/fuzz."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["amrasaman_nox"]):
    from .harnesses import HARNESSES, attempt


def main() -> None:
    name, *options = sys.argv[1:]
    artifacts = Path("build/fuzz").absolute()
    artifacts.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        start = Path(made) / "start"
        start.mkdir()
        for number, data in enumerate(HARNESSES[name][1]):
            (start / str(number)).write_bytes(data)
        tempfile.tempdir = made
        own = (f"-artifact_prefix={artifacts}/{name}-", "-max_len=20000", "-print_final_stats=1")

        def one(data: bytes) -> None:
            attempt(name, data)

        atheris.Setup([name, str(start), *own, *options], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
