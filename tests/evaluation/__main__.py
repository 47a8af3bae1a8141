"""What verification finds and reproduces, as one page; ``nox -s evaluation`` prints it.

``python -m tests.evaluation [REQUIREMENTS …] [--write FILE]``: each requirements file is built cold
and verified under all variations, then come the seeded defects and clean projects, then published
wheels and tampered ones. Ends with 1 where a figure is missed. It asks the real index.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox.model import Verdict

from . import defects, pages, published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The most that building and verifying may cost, in wall times of building alone.
_COST = 1.3


class Page(io.StringIO):
    """Keeps what is printed, and shows it as it comes."""

    def write(self, text: str) -> int:
        """Keep *text* and show it."""
        sys.stderr.write(text)
        return super().write(text)


def run(folder: Path, *arguments: str) -> tuple[int, float]:
    """Run our own command; return its exit status and its wall time in seconds."""
    program = Path(sys.executable).with_name("asaman")
    started = time.perf_counter()
    done = subprocess.run(
        [str(program), *arguments, "-q", "--cache-dir", str(folder / "cache")],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, time.perf_counter() - started


def verified(files: list[Path]) -> bool:
    """Build each file's sources cold, verify them, and print a row each."""
    print("| pins | wheels | identical | built cold, s | verified, s | ratio (goal: 1.3) |")
    print("|---|---:|---:|---:|---:|---:|")
    good = True
    for file in files:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            built, cold = run(folder, "-r", str(file.absolute()), "--lock", "lock.toml")
            options = ("-r", str(file.absolute()), "--lock", "lock.toml", "--json", "report.json")
            code, wall = run(folder, "verify", *options)
            report = json.loads((folder / "report.json").read_text())
        verdicts = Counter(one["verdict"] for one in report["comparisons"])
        count, same = verdicts.total(), verdicts[Verdict.IDENTICAL]
        ratio = wall / cold
        print(f"| {file.name} | {count} | {same} | {cold:.1f} | {wall:.1f} | {ratio:.2f} |")
        good &= built == code == 0 and same == count and ratio <= _COST
    return good


def published_ones() -> bool:
    """Compare with published wheels and tampered ones, and print the tables."""
    with tempfile.TemporaryDirectory() as folder:
        return published.main([folder, "--tamper"]) == 0


@contextlib.contextmanager
def part(title: str, page: Page) -> Iterator[None]:
    """Print a heading, and collect what is printed below it."""
    with contextlib.redirect_stdout(page):
        print(f"## {title}\n")
        yield
        print()


def main() -> int:
    """Print the page, write it where asked, and tell whether all figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", type=Path, nargs="*")
    parser.add_argument("--write", type=Path, help="the page with a place for what is found")
    given = parser.parse_args()
    parts: dict[str, Callable[[], bool]] = {
        "Real pins under all variations": lambda: verified(given.requirements),
        "Seeded defects, and clean projects": lambda: defects.main() == 0,
        "Published wheels": published_ones,
    }
    if not given.requirements:
        parts.pop("Real pins under all variations")
    page, missed = Page(), []
    for title, action in parts.items():
        with part(title, page):
            if not action():
                missed.append(title)
    if given.write:
        pages.renew(given.write, "found", page.getvalue())
    print("\n".join(f"missed: {title}" for title in missed) or "all figures reached")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
