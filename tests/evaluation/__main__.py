"""What verification finds and reproduces, as one page; ``nox -s evaluation`` prints it.

``python -m tests.evaluation [FILE[@PYTHON] …] [--write FILE]``: each requirements file goes through
one command that builds it and verifies it under all variations, then come the seeded defects and
clean projects, then published wheels and tampered ones; ``--only-files`` ends after the files. Ends
with 1 where a figure is missed. It asks the real index.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import defects, files, pages, published

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Page(io.StringIO):
    """Keeps what is printed, and shows it as it comes."""

    def write(self, text: str) -> int:
        """Keep *text* and show it."""
        sys.stderr.write(text)
        return super().write(text)


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


def real_files(given: argparse.Namespace) -> bool:
    """Build and verify real files, print the table, and write it to its own part of the page."""
    found = files.measure(given.files or files.DEFAULT, given.keep)
    text = files.table(found)
    print(text)
    if given.write:
        pages.renew(given.write, "files", text)
    return files.reached(found)


def main() -> int:
    """Print the page, write it where asked, and tell whether all figures were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="files of your own; without any, those here")
    parser.add_argument("--only-files", action="store_true", help="measure nothing but the files")
    parser.add_argument("--keep", type=Path, help="a folder for the files, to go on from")
    parser.add_argument("--write", type=Path, help="the page with a place for what is found")
    given = parser.parse_args()
    missed = [] if real_files(given) else ["real files"]
    if not given.only_files:
        missed += others(given.write)
    print("\n".join(f"missed: {title}" for title in missed) or "all figures reached")
    return 1 if missed else 0


def others(write: Path | None) -> list[str]:
    """Measure defects and published wheels; return the titles of what was missed."""
    parts: dict[str, Callable[[], bool]] = {
        "Seeded defects, and clean projects": lambda: defects.main() == 0,
        "Published wheels": published_ones,
    }
    page, missed = Page(), []
    for title, action in parts.items():
        with part(title, page):
            if not action():
                missed.append(title)
    if write:
        pages.renew(write, "found", page.getvalue())
    return missed


if __name__ == "__main__":
    raise SystemExit(main())
