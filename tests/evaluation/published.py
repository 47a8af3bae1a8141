"""How many published wheels a rebuild reproduces: prints the figures as a table.

``python -m tests.evaluation.published CACHE [--json FILE] [--only NAME,…] [--tamper]`` asks the
real index.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.inputs.requirements import read_requirements
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import Comparison, Digest, Pin, Prepared, Source, Verdict
from amrasaman_nox.reports.wording import difference_line
from amrasaman_nox.runs.run import opened
from amrasaman_nox.runs.schedule import in_parallel
from amrasaman_nox.sources import prepare
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.verification import published
from amrasaman_nox.verification.recipe import Recipe
from tests.support.tampering import TAMPERINGS, tampered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amrasaman_nox.model import BuildJob
    from amrasaman_nox.runs.run import Run

HERE = Path(__file__).parent
#: What stands in the table: the pins, and the share that is to be the same, in percent.
SETS = (
    ("newer", HERE / "published-newer.txt", 95),
    ("older", HERE / "published-older.txt", 90),
)
PROVEN = 90
SAME = (Verdict.IDENTICAL, Verdict.EQUIVALENT)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--tamper", action="store_true")
    parser.add_argument("--pins", type=Path, action="append", help="other pins than the table's")
    given = parser.parse_args(arguments)
    names = frozenset(given.only.split(",")) - {""}
    found: dict[str, tuple[Compared, ...]] = {}
    paths = {path.stem: path for path in given.pins or ()} or {one[0]: one[1] for one in SETS}
    for name, path in paths.items():
        found[name] = compare(given.cache, path, names, tamper=given.tamper)
    print(table(found))
    if given.json:
        given.json.write_text(json.dumps(plain(found), indent=1, default=str))
    return 0 if reached(found) else 1


def reached(found: dict[str, tuple[Compared, ...]]) -> bool:
    """Tell whether the shares of the table are reached, and every tampered wheel was seen."""
    every = [one for done in found.values() for one in done]
    same = [one.comparison for one in every if one.comparison.verdict in SAME]
    proven = [one for one in same if one.verdict is Verdict.IDENTICAL or one.proof]
    shares = [
        (sum(one.comparison.verdict in SAME for one in found[name]), len(found[name]), goal)
        for name, _, goal in SETS
        if name in found
    ]
    shares.append((len(proven), len(same), PROVEN))
    enough = all(100 * part >= goal * whole for part, whole, goal in shares)
    return enough and not any(one.missed for one in every)


@dataclass(frozen=True)
class Compared:
    """A comparison, and how many tampered wheels were tried and not seen beside it."""

    comparison: Comparison
    tampered: int = 0
    missed: tuple[str, ...] = ()


def compare(
    cache: Path, path: Path, names: frozenset[str] = frozenset(), *, tamper: bool = False
) -> tuple[Compared, ...]:
    access = tuple((name, os.environ[name]) for name in _ACCESS if name in os.environ)
    config = Config(requirement=path, cache_dir=cache, environment=access)
    with opened(config, lambda event: None) as run:
        pins, _ = select(read_requirements(path), dict(run.interpreters[0].markers))
        pins = tuple(pin for pin in pins if not names or pin.name in names)
        done = in_parallel(run.workers, pins, lambda pin: _compare(run, pin, tamper))
    return tuple(done)


_ACCESS = ("SSL_CERT_FILE", "HOME", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")


def _compare(run: Run, pin: Pin, tamper: bool) -> Compared:
    started = time.monotonic()
    missed: tuple[str, ...] = ()
    tried = 0
    try:
        (item,) = prepare.prepare(run.site, [pin], run.interpreters[0])
        (comparison,) = published.compare_published(
            item, _job(run, item), site=run.site, isolation=run.isolation
        )
        if tamper and comparison.verdict in SAME:
            tried, missed = _tamper(run, item, comparison)
    except AsamanError as error:
        comparison = Comparison(
            name=pin.name,
            version=pin.version,
            wheel="",
            verdict=Verdict.FAILED,
            reason=str(error),
        )
    seconds = time.monotonic() - started
    first = comparison.differences[0] if comparison.differences else None
    why = comparison.reason or (f"{first.member} {difference_line(first)}"[:150] if first else "")
    proof = "proven" if comparison.proof else ""
    print(
        f"{comparison.name} {comparison.version} {comparison.verdict} {proof} {why} {seconds:.1f}s",
        file=sys.stderr,
        flush=True,
    )
    return Compared(comparison=comparison, tampered=tried, missed=missed)


def _job(run: Run, item: Prepared) -> BuildJob:
    return run.job(item.source, item.interpreter)


def _tamper(run: Run, item: Prepared, comparison: Comparison) -> tuple[int, tuple[str, ...]]:
    """Tamper with the published wheel; return how often, and what was not seen."""
    assert comparison.theirs is not None
    recipe = Recipe.parse(comparison.recipe)
    with fetched(comparison.theirs, comparison.wheel, run.site.store) as file:
        wheel = file.read()
    tried, missed = 0, []
    for mend in (True, False):
        for name, change in TAMPERINGS.items():
            data = tampered(wheel, change, mend=mend)
            digest = Digest.of(data)
            run.site.store.add([data], digest)
            source = Source(
                pin=item.source.pin, filename=comparison.wheel, digest=digest, as_published=True
            )
            tried += 1
            found = published.compare_wheel(
                item,
                _job(run, item),
                source,
                site=run.site,
                isolation=run.isolation,
                recipe=recipe,
            )
            if found.verdict is not Verdict.DIFFERENT:
                missed.append(f"{comparison.name}: {name}: {found.verdict}")
    return tried, tuple(missed)


def table(found: dict[str, tuple[Compared, ...]]) -> str:
    tried = sum(one.tampered for done in found.values() for one in done)
    missed = [text for done in found.values() for one in done for text in one.missed]
    text = _table({name: tuple(one.comparison for one in done) for name, done in found.items()})
    if tried:
        text += f"\n\nTampered wheels: {tried - len(missed)} of {tried} found different."
        text += "".join(f"\n- missed: {one}" for one in missed)
    return text


def _table(found: dict[str, tuple[Comparison, ...]]) -> str:
    lines = [
        "| releases | wheels | identical | proven | equivalent | different | failed | "
        "same | goal |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    goals = {name: f"{goal} %" for name, _, goal in SETS}
    for name, comparisons in found.items():
        verdicts = Counter(one.verdict for one in comparisons)
        proven = sum(bool(one.proof) for one in comparisons)
        same = sum(verdicts[verdict] for verdict in SAME)
        lines.append(
            f"| {name} | {len(comparisons)} | {verdicts[Verdict.IDENTICAL]} | {proven} | "
            f"{verdicts[Verdict.EQUIVALENT] - proven} | {verdicts[Verdict.DIFFERENT]} | "
            f"{verdicts[Verdict.FAILED] + verdicts[Verdict.UNCHECKED]} | "
            f"{_percent(same, len(comparisons))} | {goals.get(name, '-')} |"
        )
    every = [one for comparisons in found.values() for one in comparisons]
    same_ones = [one for one in every if one.verdict in SAME]
    proven = sum(one.verdict is Verdict.IDENTICAL or bool(one.proof) for one in same_ones)
    lines += [
        "",
        f"Published sha256 reproduced: {proven} of {len(same_ones)} that are the same, "
        f"{_percent(proven, len(same_ones))} (goal: {PROVEN} %).",
        "",
        "| not the same | verdict | why |",
        "|---|---|---|",
    ]
    lines += [
        f"| {one.name} {one.version} | {one.verdict} | {_why(one)} |"
        for one in every
        if one.verdict not in SAME
    ]
    return "\n".join(lines)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "-"


def _why(comparison: Comparison) -> str:
    unlike = [one for one in comparison.differences if one.normalisation is None]
    shown = [f"{one.member.rpartition('/')[2]}: {difference_line(one)}" for one in unlike[:2]]
    return (comparison.reason or "; ".join(shown)).replace("|", "\\|")[:200]


def plain(found: dict[str, tuple[Compared, ...]]) -> dict[str, list[dict[str, object]]]:
    return {
        name: [dataclasses.asdict(one.comparison) for one in comparisons]
        for name, comparisons in found.items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
