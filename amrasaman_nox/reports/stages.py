"""How build requirements were built from source, in words, for every report format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Bootstrap, Diverse, Report, Stage


def lines(report: Report) -> tuple[tuple[str, str], ...]:
    """Return what there is to tell, as pairs of a label and a text, unescaped."""
    several = len(report.build.bootstraps) > 1
    return tuple(pair for each in report.build.bootstraps for pair in _lines(each, named=several))


def _lines(bootstrap: Bootstrap, *, named: bool) -> Iterator[tuple[str, str]]:
    if named:
        yield "python", bootstrap.interpreter.key
    for stage in bootstrap.stages:
        yield f"stage {stage.number}", _stage(stage)
    if bootstrap.diverse:
        yield "diverse", "; ".join(_diverse(bootstrap, bootstrap.diverse))
    if bootstrap.pins:
        yield "pins", f"{bootstrap.pins} built with stage {bootstrap.stages[-1].number}"
    yield "trusted", " · ".join(_trusted(bootstrap))


def _stage(stage: Stage) -> str:
    if not stage.count:
        return "no build requirements"
    if not stage.number:
        return f"{stage.count} build requirements as published"
    built = f"{stage.count} built from source with stage {stage.number - 1}"
    if stage.kept == stage.count:
        built += " (by an earlier run)"
    if stage.same is None:
        return built
    return f"{built}: {stage.same} identical{'. Fixed point.' if stage.repeats else ''}"


def _diverse(bootstrap: Bootstrap, diverse: Diverse) -> Iterator[str]:
    count = bootstrap.stages[0].count
    same = count - len(diverse.differences)
    ended = f"{same} of {count} wheels are the same" if diverse.stages else "not compared"
    yield (
        f"stage 0 ({diverse.seeds}) and {diverse.count} published wheels as of {diverse.date} "
        f"({diverse.others}): {ended}"
    )
    if diverse.waited:
        yield f"built in a further step: {', '.join(diverse.waited)}"
    if diverse.shared:
        yield f"in both: {', '.join(file.filename for file in diverse.shared)}"


def _trusted(bootstrap: Bootstrap) -> Iterator[str]:
    interpreter = bootstrap.interpreter
    yield f"python {interpreter.version}"
    if bootstrap.compiler:
        yield bootstrap.compiler
    yield from (f"{file.filename} as published" for file in bootstrap.seeds)
    if not bootstrap.seeds:
        yield "no published wheel"


def document(bootstrap: Bootstrap) -> dict[str, Any]:
    """Return *bootstrap* as a value for the JSON report."""
    return {
        "interpreter": bootstrap.interpreter.key,
        "python": bootstrap.interpreter.version,
        "compiler": bootstrap.compiler,
        "stages": [
            {"stage": one.number, "wheels": one.count, "kept": one.kept, "identical": one.same}
            for one in bootstrap.stages
        ],
        "fixed": bootstrap.fixed,
        "seeds": [{"wheel": file.filename, "hash": str(file.digest)} for file in bootstrap.seeds],
        "pins": bootstrap.pins,
        "diverse": _diverse_document(bootstrap.diverse) if bootstrap.diverse else None,
    }


def _diverse_document(diverse: Diverse) -> dict[str, Any]:
    return {
        "date": diverse.date,
        "seeds": str(diverse.seeds),
        "others": str(diverse.others),
        "wheels": diverse.count,
        "shared": [file.filename for file in diverse.shared],
        "further_steps": list(diverse.waited),
        "different": [one.wheel for one in diverse.differences],
    }
