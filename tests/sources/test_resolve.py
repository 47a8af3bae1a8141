"""Build requirements resolved to hashed wheels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import IndexOptions, ResolvedFile
from amrasaman_nox.sources import resolve as resolving
from amrasaman_nox.sources.resolve import Resolution
from tests.sources.asking import AT_ONCE, JUNE, canary

from ..support.index import UPLOADED, LocalIndex
from ..support.projects import make_sdist, make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Interpreter


def resolve(
    cache: Path,
    index: LocalIndex,
    interpreter: Interpreter,
    *requirements: str,
    as_of: datetime | None = JUNE,
    **more: Any,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = resolving.resolve(
        requirements,
        index=index.options(),
        interpreter=interpreter,
        as_of=as_of,
        cache=cache,
        **more,
    )
    return tuple(file.filename for file in found.files), found.notes


def no_resolution(
    cache: Path, index: LocalIndex, interpreter: Interpreter, *requirements: str, **more: Any
) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        resolve(cache, index, interpreter, *requirements, **more)
    return caught.value


def test_build_requirements_resolve_to_hashed_wheels(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    needed = index.add(make_wheel("needed", "1.0"), "needed-1.0-py3-none-any.whl")
    index.add(make_wheel("tool", "1.0", requires=["needed"]), "tool-1.0-py3-none-any.whl")
    found = resolving.resolve(
        ["tool>=1"], index=index.options(), interpreter=interpreter, as_of=JUNE, cache=cache
    )
    assert [file.filename for file in found.files] == [
        "needed-1.0-py3-none-any.whl",
        "tool-1.0-py3-none-any.whl",
    ]
    assert found.files[0] == ResolvedFile(
        filename=needed.filename,
        digest=needed.digest,
        url=index.file_url(needed.filename),
        size=len(needed.data),
    )
    assert found.notes == ()


def test_no_requirements_resolve_to_nothing(cache: Path, interpreter: Interpreter) -> None:
    nothing = resolving.resolve(
        [], index=IndexOptions(), interpreter=interpreter, as_of=None, cache=cache
    )
    assert nothing == Resolution()


def test_constraints_hold(index: LocalIndex, cache: Path, interpreter: Interpreter) -> None:
    for version in ("1.0", "2.0"):
        index.add(make_wheel("tool", version), f"tool-{version}-py3-none-any.whl")
    files, _ = resolve(cache, index, interpreter, "tool", constraints=["tool<2", "other==1"])
    assert files == ("tool-1.0-py3-none-any.whl",)


def test_markers_are_those_of_the_interpreter(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    files, _ = resolve(
        cache, index, interpreter, "tool; python_version>'3'", "absent; python_version<'3'"
    )
    assert files == ("tool-1.0-py3-none-any.whl",)


def test_what_was_uploaded_later_does_not_exist(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    index.add(
        make_wheel("tool", "2.0"),
        "tool-2.0-py3-none-any.whl",
        uploaded=datetime(2024, 7, 1, tzinfo=UTC),
    )
    assert resolve(cache, index, interpreter, "tool")[0] == ("tool-1.0-py3-none-any.whl",)
    now, _ = resolve(cache, index, interpreter, "tool", as_of=None)
    assert now == ("tool-2.0-py3-none-any.whl",)


def test_a_date_without_solution_takes_a_week_more_and_says_so(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    soon = datetime(2024, 6, 4, tzinfo=UTC)
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl", uploaded=soon)
    files, notes = resolve(cache, index, interpreter, "tool")
    assert files == ("tool-1.0-py3-none-any.whl",)
    assert notes == (
        "no solution as of 2024-06-01T00:00:00Z: resolved as of a week later, 2024-06-08T00:00:00Z",
    )
    late = datetime(2024, 7, 4, tzinfo=UTC)
    index.add(make_wheel("slow", "1.0"), "slow-1.0-py3-none-any.whl", uploaded=late)
    error = no_resolution(cache, index, interpreter, "slow")
    assert error.code == ExitCode.BUILD_FAILED
    assert "as of 2024-06-01T00:00:00Z" in error.why
    assert "a later date: --as-of NAME=2024-07-05, or NAME=now" in error.hint
    assert resolve(cache, index, interpreter, "slow", as_of=datetime(2024, 7, 5, tzinfo=UTC))[0]


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "html"])
def test_projects_without_upload_times_are_resolved_without_the_date(
    index: LocalIndex, cache: Path, interpreter: Interpreter, as_json: bool
) -> None:
    index.json, index.upload_times = as_json, False
    index.add(make_wheel("tool", "1.0", requires=["my-needed"]), "tool-1.0-py3-none-any.whl")
    index.add(make_wheel("my-needed", "1.0"), "my_needed-1.0-py3-none-any.whl")
    files, notes = resolve(cache, index, interpreter, "tool")
    assert files == ("my_needed-1.0-py3-none-any.whl", "tool-1.0-py3-none-any.whl")
    assert notes == (
        "my-needed: resolved without a date, since the index has no upload times",
        "tool: resolved without a date, since the index has no upload times",
    )


def test_only_the_project_without_upload_times_is_freed_of_the_date(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("old", "1.0"), "old-1.0-py3-none-any.whl", uploaded=None)
    for version, uploaded in (("1.0", UPLOADED), ("2.0", datetime(2025, 1, 1, tzinfo=UTC))):
        name = f"tool-{version}-py3-none-any.whl"
        index.add(make_wheel("tool", version, requires=["old"]), name, uploaded=uploaded)
    files, notes = resolve(cache, index, interpreter, "tool")
    assert files == ("old-1.0-py3-none-any.whl", "tool-1.0-py3-none-any.whl")
    assert notes == ("old: resolved without a date, since the index has no upload times",)


def test_the_best_wheel_for_the_interpreter_is_chosen(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    for tag in ("py3-none-any", interpreter.tags[0], interpreter.tags[5], "cp39-cp39-win32"):
        index.add(make_wheel("tool", "1.0", tag=tag), f"tool-1.0-{tag}.whl")
    files, _ = resolve(cache, index, interpreter, "tool")
    assert files == (f"tool-1.0-{interpreter.tags[0]}.whl",)


def test_a_build_requirement_that_is_only_an_sdist_is_named_and_not_run(
    index: LocalIndex, cache: Path, interpreter: Interpreter, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    index.add(canary("source", touched), "source-1.0.tar.gz")
    index.add(make_wheel("tool", "1.0", requires=["source"]), "tool-1.0-py3-none-any.whl")
    for requirement in ("source", "tool"):
        error = no_resolution(cache, index, interpreter, requirement)
        assert error.what == "build requirement source"
        assert error.code == ExitCode.BUILD_FAILED
        assert error.hint
    assert not touched.exists()
    assert not index.requested("files/source-1.0.tar.gz")


def test_the_first_index_that_has_a_project_is_kept(
    index: LocalIndex, other_index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "9.0"), "tool-9.0-py3-none-any.whl")
    other_index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    found = resolving.resolve(
        ["tool"],
        index=index.options(extra_index_urls=(other_index.url,)),
        interpreter=interpreter,
        as_of=None,
        cache=cache,
    )
    assert [file.filename for file in found.files] == ["tool-1.0-py3-none-any.whl"]


@pytest.mark.parametrize(
    "requirement",
    [
        "tool @ file:///etc/passwd",
        "tool @ git+https://example.org/tool",
        "-r /etc/passwd",
        "--index-url=http://example.org",
        "tool==1.0\n--pre",
        "../tool",
    ],
)
def test_a_requirement_that_is_no_name_with_a_specifier_is_refused(
    index: LocalIndex, cache: Path, interpreter: Interpreter, requirement: str
) -> None:
    error = no_resolution(cache, index, interpreter, requirement)
    assert error.code == ExitCode.BAD_INPUT
    assert len("".join(error.lines())) < 600
    assert not index.requests


def test_a_project_can_be_exempt_from_the_date(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    late = datetime(2024, 9, 4, tzinfo=UTC)
    for name in ("tool", "other"):
        for version, uploaded in (("1.0", UPLOADED), ("2.0", late)):
            wheel = make_wheel(name, version)
            index.add(wheel, f"{name}-{version}-py3-none-any.whl", uploaded=uploaded)
    files, notes = resolve(
        cache, index, interpreter, "tool", "other", overrides=["tool==2.0"], undated=["tool"]
    )
    assert files == ("other-1.0-py3-none-any.whl", "tool-2.0-py3-none-any.whl")
    assert notes == ()


def test_wheels_that_came_later_are_not_denied(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_sdist("tool", "1.0"), "tool-1.0.tar.gz", uploaded=UPLOADED)
    late = datetime(2024, 7, 4, tzinfo=UTC)
    index.add(make_wheel("tool", "1.1"), "tool-1.1-py3-none-any.whl", uploaded=late)
    error = no_resolution(cache, index, interpreter, "tool")
    assert error.why == (
        "no solution as of 2024-06-01T00:00:00Z: of tool there was no wheel that fits, only "
        "later ones"
    )
    assert error.hint == "resolve them as of a later date: --as-of NAME=2024-07-05, or NAME=now"


def test_contradicting_requirements_are_one_line(
    index: LocalIndex, cache: Path, interpreter: Interpreter
) -> None:
    index.add(make_wheel("tool", "1.0"), "tool-1.0-py3-none-any.whl")
    error = no_resolution(cache, index, interpreter, "tool<1", "tool>=1")
    assert error.code == ExitCode.BUILD_FAILED
    assert "tool" in error.why
    assert "\n" not in error.lines()[0]


def test_an_index_that_is_down_while_resolving_is_an_input_output_error(
    cache: Path, interpreter: Interpreter
) -> None:
    with pytest.raises(AsamanError) as caught:
        resolving.resolve(
            ["tool"],
            index=IndexOptions(index_url="http://127.0.0.1:9/", environment=AT_ONCE),
            interpreter=interpreter,
            as_of=JUNE,
            cache=cache,
        )
    assert caught.value.code == ExitCode.INPUT_OUTPUT
