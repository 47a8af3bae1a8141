"""Wall times beside the peers', as their users call them; ``nox -s benchmark`` prints the table.

Everything is measured in one run on one machine, each command as a whole process, the median of
several rounds. The peers are installed into environments of their own first. Without pins of one's
own, it is one of the sets beside this file, and the table goes into the documents.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.variables import snapshot
from amrasaman_nox.sources.locate import locate

from . import counted, pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .counted import Counted

PAGE: Final = counted.ROOT / "docs/explanation/scale.md"
#: What is installed for a row, into an environment of its own.
PEERS = {"asaman_021": "asaman==0.2.1", "pip_wheel": "pip", "uv_build": "uv"}
# A ratio that is worse than its recorded one by more than this fails the smaller run.
SLACK = 4 / 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pins:
    """What is measured, and what is to be reached with it.

    ``overhead`` is our own CPU time over that of the sandboxed processes, where nothing but they is
    to be done. ``rows`` are measured, or all if there are none.
    """

    file: str
    overhead: float
    rows: tuple[str, ...] = ()


#: By the place in the page that has the table. asaman 0.2.1 does not build Rust sources offline.
SETS: Final = {
    "beside": Pins(file="benchmark-29.txt", overhead=0.25),
    "rust": Pins(
        file="benchmark-rust.txt",
        overhead=0.05,
        rows=("pip_wheel", "uv_build", "cold", "rebuild", "verify"),
    ),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """What one command cost: seconds of wall time and of CPU, and its exit status.

    ``counted`` is how our CPU time divides; ``build`` is how long the one build
    of a run took, in seconds.
    """

    wall: float
    cpu: float
    code: int
    counted: Counted | None = None
    build: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bench:
    """Where a benchmark works, and on what."""

    folder: Path
    requirement: Path
    sdists: tuple[Path, ...]
    index: str

    def command(self, name: str) -> str:
        """Return the program of a peer's own environment."""
        return str(self.folder / "peers" / name / "bin" / name)

    def fresh(self, name: str) -> Path:
        """Return an empty folder; what was in it is elsewhere, until the end of all rounds.

        There are file systems on which to make files costs more for minutes after others were
        removed: a round would pay for the last one.
        """
        path = self.folder / name
        if path.exists():
            path.rename(Path(tempfile.mkdtemp(prefix=f"former-{name}-", dir=self.folder)) / name)
        path.mkdir(parents=True)
        return path


def measure(arguments: list[str], cwd: Path, **variables: str) -> Measured:
    """Run a command to its end and return what it cost."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(
        arguments,
        cwd=cwd,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        print(done.stdout.decode(errors="replace")[-2000:], file=sys.stderr)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(wall=wall, cpu=cpu, code=done.returncode)


def ours(bench: Bench, *arguments: str) -> list[str]:
    """Return our own options for the bench's pins, store, lock and output folder."""
    return [
        *(*arguments, "-r", str(bench.requirement), "-o", str(bench.folder / "ours" / "wheels")),
        *("--lock", str(bench.folder / "ours" / "lock.toml")),
        *("--cache-dir", str(bench.folder / "ours" / "cache"), "-q"),
    ]


def script() -> str:
    """Return the console script beside the interpreter that measures."""
    return str(Path(sys.executable).with_name("asaman"))


def counting(bench: Bench, *arguments: str) -> Measured:
    """Run our command in a process that counts what its sandboxes use."""
    facts = bench.folder / "facts"
    measured = measure(counted.command(facts, *ours(bench, *arguments)), counted.ROOT)
    return dataclasses.replace(measured, counted=counted.read(facts))


def cold(bench: Bench) -> Measured:
    """Build from nothing: no lock, an empty store, an empty cache of the index client."""
    bench.fresh("ours")
    return counting(bench)


def rebuild(bench: Bench) -> Measured:
    """Build all again, lock and environments present."""
    return counting(bench, "--rebuild")


def verify(bench: Bench) -> Measured:
    """Rebuild all under variations and compare."""
    return measure([script(), *ours(bench, "verify")], bench.folder)


def nothing(bench: Bench) -> Measured:
    """Run again with nothing to do."""
    return measure([script(), *ours(bench)], bench.folder)


def bumped(bench: Bench) -> Measured:
    """Build one pin that changed: its wheel, record and lock entry are not there yet."""
    name = re.search(r"^([a-z0-9-]+)==", bench.requirement.read_text(), re.MULTILINE)
    assert name is not None
    stem = name[1].replace("-", "_")
    for path in (bench.folder / "ours" / "wheels").glob(f"{stem}-*"):
        path.unlink()
    records = bench.folder / "ours" / "cache" / "values" / "records"
    shutil.rmtree(records, ignore_errors=True)
    lock = bench.folder / "ours" / "lock.toml"
    head, *entries = lock.read_text().split("[[sources]]")
    kept = [entry for entry in entries if f'name = "{name[1]}"\n' not in entry]
    lock.write_text("[[sources]]".join([head, *kept]))
    measured = measure([script(), *ours(bench)], bench.folder)
    durations = bench.folder / "ours" / "cache" / "values" / "durations" / "by-name"
    _, took = durations.read_text().splitlines()
    return dataclasses.replace(measured, build=json.loads(took)[name[1]])


def help_text(bench: Bench) -> Measured:
    """Print the help."""
    return measure([script(), "--help"], bench.folder)


def uv_build(bench: Bench) -> Measured:
    """``uv build --wheel ARCHIVE`` for each sdist, with one cache that is empty at first."""
    cache, out = bench.fresh("uv-cache"), bench.fresh("uv-out")
    parts = [
        measure(
            [bench.command("uv"), "build", "-q", "--wheel", "-o", str(out), str(sdist)],
            bench.folder,
            UV_CACHE_DIR=str(cache),
        )
        for sdist in bench.sdists
    ]
    return Measured(
        wall=sum(part.wall for part in parts),
        cpu=sum(part.cpu for part in parts),
        code=max(part.code for part in parts),
    )


def pip_wheel(bench: Bench) -> Measured:
    """``pip wheel --no-deps --no-binary NAMES --no-cache-dir -r FILE``."""
    names = re.findall(r"^([a-z0-9-]+)==", bench.requirement.read_text(), re.MULTILINE)
    return measure(
        [
            *(bench.command("pip"), "wheel", "-q", "--no-deps", "--no-cache-dir"),
            *("--no-binary", ",".join(names), "-w", str(bench.fresh("pip-out"))),
            *("-r", str(bench.requirement)),
        ],
        bench.folder,
    )


def asaman_021(bench: Bench) -> Measured:
    """``asaman -r FILE --with-index INDEX``, the original."""
    index = bench.index or default_index(bench)
    programs = f"{Path(bench.command('asaman')).parent}:{os.environ['PATH']}"
    shutil.rmtree("/tmp/pip-wheel-build", ignore_errors=True)
    return measure(
        [
            *(bench.command("asaman"), "-r", str(bench.requirement)),
            *("--with-index", index, "-o", str(bench.fresh("asaman-out"))),
        ],
        bench.folder,
        PATH=programs,
    )


def default_index(bench: Bench) -> str:
    """Return the index that pip asks, since the original needs its URL."""
    program = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
    python = str(bench.folder / "peers" / "asaman" / "bin" / "python")
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """What is measured, by what, and what is to be reached.

    ``ratios`` are those of its wall time to peers', ``seconds`` is an upper bound beside the time
    of its own build.
    """

    title: str
    action: Callable[[Bench], Measured]
    ratios: tuple[tuple[str, float], ...] = ()
    seconds: float | None = None


ROWS: Final = (
    Row(title="asaman 0.2.1, as its users call it", action=asaman_021),
    Row(title="pip wheel, as its users call it", action=pip_wheel),
    Row(title="uv build, once a source", action=uv_build),
    Row(
        title="everything cold",
        action=cold,
        ratios=(("asaman_021", 1 / 8), ("uv_build", 1 / 2), ("pip_wheel", 1.0)),
    ),
    Row(
        title="rebuild all, lock and environments present",
        action=rebuild,
        ratios=(("uv_build", 1 / 4),),
    ),
    Row(title="verify all", action=verify, ratios=(("uv_build", 1.0),)),
    Row(title="nothing to do", action=nothing, seconds=0.5),
    Row(title="one pin bumped", action=bumped, seconds=1.0),
    Row(title="asaman --help", action=help_text, seconds=0.15),
)


def peers(folder: Path, rows: list[str]) -> None:
    """Install what *rows* measure, or all if there are none, each into its own environment."""
    for row, requirement in PEERS.items():
        if rows and row not in rows:
            continue
        place = folder / "peers" / requirement.partition("==")[0]
        venv.create(place, with_pip=True)
        subprocess.run(
            [str(place / "bin" / "python"), "-m", "pip", "install", "-q", "-U", requirement],
            check=True,
        )


def fetched_sdists(requirement: Path, folder: Path) -> tuple[Path, ...]:
    """Fetch the pinned sdists with our own reader and downloader."""
    from amrasaman_nox.config import layers
    from amrasaman_nox.environments import interpreters
    from amrasaman_nox.inputs.requirements import read_requirements
    from amrasaman_nox.model import Source
    from amrasaman_nox.sources import download
    from amrasaman_nox.sources.site import Site
    from amrasaman_nox.sources.store import Store

    loaded = layers.load({}, folder=folder, invoked_from=folder, environ=snapshot())
    located = locate(
        read_requirements(requirement).pins,
        index=loaded.index,
        python=interpreters.inspect().executable,
        cache=folder / "locate-cache",
    )
    found = [source for source in located if isinstance(source, Source)]
    assert len(found) == len(located), located
    store = Store.open(folder / "fetched")
    download.fetch_all(found, Site(store=store, index=loaded.index))
    (folder / "sdists").mkdir()
    for source in found:
        shutil.copy(store.path(source.digest), folder / "sdists" / source.filename)
    return tuple(sorted((folder / "sdists").iterdir()))


def run(bench: Bench, rounds: int, names: list[str]) -> dict[str, Measured]:
    """Measure all rows in turn, several rounds; return of each the one with the median time."""
    found: dict[str, list[Measured]] = {}
    for _ in range(rounds):
        for row in ROWS:
            name = row.action.__name__
            if not names or name in names:
                measured = row.action(bench)
                print(f"{name:12} {measured.wall:8.2f} s", file=sys.stderr, flush=True)
                found.setdefault(name, []).append(measured)
    return {
        name: dataclasses.replace(
            sorted(items, key=lambda item: item.wall)[len(items) // 2],
            code=max(item.code for item in items),
        )
        for name, items in found.items()
    }


def reached(row: Row, found: dict[str, Measured]) -> str:
    """Return what a row came to beside what is to be reached."""
    measured = found[row.action.__name__]
    parts = [
        f"{measured.wall / found[peer].wall:.3f} of {peer} (to reach: {target:.3f})"
        for peer, target in row.ratios
        if peer in found
    ]
    if row.seconds is not None:
        own = f"its build, {measured.build:.2f} s, and " if measured.build else ""
        parts.append(f"to reach: {own}{row.seconds:g} s")
    return "; ".join(parts)


def table(found: dict[str, Measured], count: int, rounds: int, overhead: float) -> str:
    """Return the Markdown tables, with each figure beside the one to reach."""
    lines = [
        f"{count} sources, medians of {rounds}, {len(os.sched_getaffinity(0))} processors.",
        "",
        "| work | wall, s | CPU, s | |",
        "|---|---:|---:|---|",
    ]
    for row in ROWS:
        measured = found.get(row.action.__name__)
        if measured is not None:
            failed = f" (exit {measured.code})" if measured.code else ""
            lines.append(
                f"| {row.title}{failed} | {measured.wall:.2f} | {measured.cpu:.2f} "
                f"| {reached(row, found)} |"
            )
    return "\n".join([*lines, "", *_accounts(found, overhead)]) + "\n"


def _accounts(found: dict[str, Measured], overhead: float) -> Iterator[str]:
    """Yield the table of where our CPU time goes."""
    yield (
        "| CPU time of asaman, s | sandboxed | our own process | other programs | our own memory |"
    )
    yield "|---|---:|---:|---:|---:|"
    for row in ROWS:
        one = found[row.action.__name__].counted if row.action.__name__ in found else None
        if one is not None:
            over = f"{one.own / one.sandboxed:.0%} over what is sandboxed"
            if row.action is rebuild:
                over += f" (to reach: {overhead:.0%})"
            yield (
                f"| {row.title}: {over} | {one.sandboxed:.2f} | {one.process:.2f} "
                f"| {one.others:.2f} | {one.memory * 1.048576:.0f} MB |"
            )


def fallen_back(found: dict[str, Measured], baseline: Path) -> list[str]:
    """Return the ratios to ``uv build`` that are worse than the recorded ones by a third."""
    recorded = json.loads(baseline.read_text())
    ratios = {name: found[name].wall / found["uv_build"].wall for name in recorded}
    return [
        f"{name}: {ratios[name]:.2f} of uv_build, recorded {former:.2f}"
        for name, former in recorded.items()
        if ratios[name] > former * SLACK
    ]


def main() -> int:
    """Measure, print the table, write it where asked, and compare with a recorded run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirement", type=Path, nargs="?")
    parser.add_argument(
        "--set", choices=SETS, default="beside", help="of the pins beside this file"
    )
    parser.add_argument("--index", default="", help="the index that asaman 0.2.1 is told to use")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], metavar="ROW")
    parser.add_argument("--write", type=Path, help="the page with a place for the table")
    parser.add_argument("--baseline", type=Path, help="ratios that must not fall back by a third")
    options = parser.parse_args()
    pins = SETS[options.set]
    if options.requirement is None:
        options.requirement = Path(__file__).with_name(pins.file)
        options.write, options.only = options.write or PAGE, options.only or list(pins.rows)
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    try:
        peers(folder, options.only)
        sdists = fetched_sdists(options.requirement, folder)
        bench = Bench(
            folder=folder,
            requirement=options.requirement.resolve(),
            sdists=sdists,
            index=options.index,
        )
        found = run(bench, options.rounds, options.only)
        text = table(found, len(sdists), options.rounds, pins.overhead)
        print(text)
        if options.write:
            pages.renew(options.write, options.set, text)
        worse = fallen_back(found, options.baseline) if options.baseline else []
        print("\n".join(worse), file=sys.stderr)
        return 1 if worse or any(item.code for item in found.values()) else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
