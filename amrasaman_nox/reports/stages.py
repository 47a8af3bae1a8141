"""How build requirements came to be built from source, in words, for every report format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Bootstrap, Report, Stage


def lines(report: Report) -> tuple[tuple[str, str], ...]:
    """Return what there is to tell, as pairs of a label and a text, unescaped."""
    several = len(report.build.bootstraps) > 1
    return tuple(pair for each in report.build.bootstraps for pair in _lines(each, named=several))


def _lines(bootstrap: Bootstrap, *, named: bool) -> Iterator[tuple[str, str]]:
    if named:
        yield "python", bootstrap.interpreter.key
    for stage in bootstrap.stages:
        yield f"stage {stage.number}", _stage(stage)
    if bootstrap.pins:
        yield "pins", f"{bootstrap.pins} built with stage {bootstrap.stages[-1].number}"
    yield "trusted", " · ".join(_trusted(bootstrap))


def _stage(stage: Stage) -> str:
    if not stage.count:
        return "no build requirements"
    if not stage.number:
        return f"{stage.count} build requirements as published"
    built = f"{stage.count} built from source with stage {stage.number - 1}"
    if stage.kept:
        built += f" ({stage.kept} in the store)"
    if stage.same is None:
        return built
    return f"{built}: {stage.same} identical{'. Fixed point.' if stage.repeats else ''}"


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
    }
