"""The values and escaped texts that all report formats show."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from amrasaman_nox.config.commands import CHANGES, FILE, FINDINGS, VERDICTS, by_session
from amrasaman_nox.errors import printable, shortened
from amrasaman_nox.model import Verdict
from amrasaman_nox.records import SUFFIX
from amrasaman_nox.verification.acceptance import is_accepted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from amrasaman_nox.model import (
        BuildOutcome,
        BuildRecord,
        Cause,
        Comparison,
        Difference,
        Report,
    )

#: What became of a wheel, by its state in the JSON report.
STATES: Final = {
    "built": "built",
    "kept": "from the store",
    "taken": "published as is",
    "merged": "merged",
    "listed": "listed",
    "signed": "signed",
}

#: How many lines of a log, from its end, a report shows.
LONGEST_TAIL: Final = 40
#: A frame of a traceback in the programs that run hooks.
_FRONTEND: Final = re.compile(r'  File "[^"]*/frontend/(start|hook)\.py", line ')
#: How many characters of a line of a log a report shows.
_LONGEST_LINE: Final = 2000
#: How many differences of one wheel a report for readers shows; the JSON report has all.
MOST_DIFFERENCES: Final = 50

_VERDICTS: Final = tuple(Verdict)
#: How the sentence of a report begins, by whether it is about comparisons: all well, or not.
_SENTENCES: Final = {
    True: ("Reproducible", "Not shown to be reproducible"),
    False: ("Succeeded", "Failed"),
}
#: The folders that both files of a difference are kept in, by what was compared with.
_SIDES: Final = {"rebuild": ("first", "rebuilt"), "published": ("rebuilt", "published")}


def named(report: Report) -> Iterator[tuple[str, Comparison]]:
    """Yield each comparison with its name; with its kind where there are several of one release.

    The kind is ``sdist``, or the tags of a wheel; of one that is compared twice, with what as well.
    """
    releases = Counter((one.name, one.version) for one in report.comparisons)
    files = Counter((one.name, one.version, one.wheel) for one in report.comparisons)
    for one in report.comparisons:
        about = [_kind(one.wheel)] if releases[one.name, one.version] > 1 else []
        if files[one.name, one.version, one.wheel] > 1:
            about.append("/".join(one.against.rsplit("/", 2)[-2:-1]) or one.against)
        yield f"{one.name} ({', '.join(about)})" if about else one.name, one


def _kind(filename: str) -> str:
    if not filename.endswith(".whl"):
        return "sdist"
    return "-".join(filename.removesuffix(".whl").split("-")[-3:])


def title(report: Report) -> str:
    """Return what a report is headed with."""
    if shows_findings(report):
        return "Release check"
    if _is_about(report, CHANGES):
        return "Changes"
    return "Verification" if shows_comparisons(report) else "Wheels"


def shows_comparisons(report: Report) -> bool:
    """Tell whether the report is about comparisons."""
    return _is_about(report, VERDICTS) or bool(report.comparisons)


def shows_builds(report: Report) -> bool:
    """Tell whether the report is about builds."""
    build = report.build
    return not _is_about(report, VERDICTS) or bool(
        build.records or build.failures or build.left_out
    )


def shows_findings(report: Report) -> bool:
    """Tell whether the report is about what is not ready for a release."""
    return _is_about(report, FINDINGS)


def _is_about(report: Report, result: str) -> bool:
    return by_session(report.command).result == result


def state_of(record: BuildRecord, build: BuildOutcome) -> str:
    """Return which of :data:`STATES` a wheel is in."""
    if build.listed:
        return "listed"
    if build.signed:
        return "signed"
    if build.merged:
        return "merged"
    if record.as_published:
        return "taken"
    return "kept" if record.key in build.kept else "built"


def record_name(record: BuildRecord) -> str:
    """Return the name of the provenance file, which is beside the wheel."""
    return f"{record.wheel.filename}{SUFFIX}"


def counts(report: Report) -> tuple[tuple[str, int], ...]:
    """Return what there is how many times: verdicts, or states and failures; no zeros."""
    found: Counter[str] = Counter()
    if shows_comparisons(report):
        verdicts = Counter(one.verdict for one in report.comparisons)
        found.update({str(verdict): verdicts[verdict] for verdict in _VERDICTS})
    if shows_builds(report):
        states = Counter(state_of(one, report.build) for one in report.build.records)
        found.update({label: states[state] for state, label in STATES.items()})
        found["failed"] += len(report.build.failures)
        found["left out"] += len(report.build.left_out)
    allowed = sum(finding.allowed for finding in report.findings)
    found["to fix"] += len(report.findings) - allowed
    found["allowed"] += allowed
    works = sum(fact.works for fact in report.facts)
    found["with changes"] += len(report.changes)
    found["work"] += works
    found["missing"] += len(report.facts) - works
    if report.origins is not None:
        found["published wheels at the end"] += len(report.origins.published)
    return tuple((label, number) for label, number in found.items() if number)


def summary(report: Report) -> str:
    """Return one line such as ``2 identical, 1 different``."""
    counted = ", ".join(f"{number} {label}" for label, number in counts(report))
    return counted or by_session(report.command).nothing


def verdict(report: Report) -> str:
    """Return one sentence: whether all succeeded, or how many did not."""
    compares = shows_comparisons(report)
    shown = len(report.comparisons if compares else report.build.records)
    refused = [one for one in report.comparisons if not is_accepted(one, report.allowed)]
    failed = len(report.build.failures) + len(refused)
    total = shown + len(report.build.failures)
    if not total:
        return f"{summary(report).capitalize()}."
    good, bad = _SENTENCES[compares]
    return f"{bad}: {failed} of {total}." if failed else f"{good}: {total} of {total}."


def called(report: Report) -> Iterator[tuple[str, str]]:
    """Yield how the command was called, as labels and texts."""
    if report.called is not None:
        yield "command", report.called.command
        yield "input", ", ".join(report.called.inputs)
        yield "date", report.called.ended.strftime("%Y-%m-%d %H:%M UTC")
    yield "interpreter", ", ".join(report.interpreters)


def sides(comparison: Comparison) -> tuple[str, str]:
    """Return what the two wheels of a comparison are called, as on disk: ours, and the other."""
    return _SIDES.get(comparison.against, ("ours", "theirs"))


def circumstances(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what a run depends on as labels and texts: its isolation, the seed of varied values."""
    if report.isolation:
        yield "isolation", report.isolation
    if report.seed:
        yield "seed", report.seed


def written(report: Report) -> str:
    """Return the file that the command was asked for, ``""`` where it makes no single file."""
    return report.output if _is_about(report, FILE) else ""


def tail(log: str) -> tuple[str, ...]:
    """Return the last lines of a build log, escaped, each behind ``| `` so that it stays inert.

    The frames of the build frontend are left out of tracebacks: no fault of a project is there.
    """
    last = log.rstrip("\n").split("\n")[-10 * LONGEST_TAIL :] if log else []
    lines = list(_without_frontend(last))[-LONGEST_TAIL:]
    cut = (shortened(line, _LONGEST_LINE).expandtabs(4) for line in lines)
    return tuple(f"| {printable(line)}" for line in cut)


def _without_frontend(lines: Iterable[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        # The source of a frame is below it, further to the right.
        inside = bool(_FRONTEND.match(line)) or (inside and line.startswith("    "))
        if not inside:
            yield line


def clean_block(text: str) -> str:
    """Return a text of several lines with each line escaped."""
    return "\n".join(printable(line) for line in text.split("\n"))


def explained(comparison: Comparison) -> Iterator[tuple[Difference, Cause | None]]:
    """Yield each difference with its cause; ``None`` for what merely follows from others.

    Differences with a cause come first, in the order of the causes.
    """
    causes = list(comparison.causes)
    found = [(one, _cause_of(one, causes)) for one in comparison.differences]
    found.sort(key=lambda pair: causes.index(pair[1]) if pair[1] else len(causes))
    yield from found


def _cause_of(difference: Difference, causes: Iterable[Cause]) -> Cause | None:
    """Return the cause of this very difference, else of one of its kind, else of its member.

    A cause was found in a build with one variation, so that values can differ from those here.
    """
    own = [cause for cause in causes if cause.member == difference.member]
    same = [cause for cause in own if cause.difference == difference]
    alike = [cause for cause in own if cause.difference.kind == difference.kind]
    return next(iter([*same, *alike, *own]), None)


def reason_not_varied(text: str) -> tuple[str, str]:
    """Return the name and the reason of a variation that could not be varied."""
    name, _, reason = text.partition(":")
    return name.strip(), reason.strip()
