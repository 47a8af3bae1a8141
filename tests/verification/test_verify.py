"""The verify command as a function: what is built, what it is held against, what is kept."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Comparison, Digest, Report, Verdict
from amrasaman_nox.reports import facts
from amrasaman_nox.sandbox import clock
from amrasaman_nox.verification import verify
from amrasaman_nox.verification.acceptance import exit_code, is_accepted
from tests.verification.running import snapshot, unheard, verdicts

from ..support import defects
from ..support.projects import make_wheel, zip_wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import Event

    from ..support.index import LocalIndex

    Run = Callable[..., Report]


# --- rebuild -------------------------------------------------------------------------------------


@pytest.fixture
def _no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide every libfaketime of this machine; the index of the tests has none."""
    for way in ("_packaged", "_of_system"):
        monkeypatch.setattr(clock, way, lambda: ())


@pytest.mark.usefixtures("_no_clock")
def test_without_libfaketime_the_clock_is_not_varied_and_that_is_said(run: Run) -> None:
    notes: list[str] = []
    report = run("clean-pure", notify=lambda event: notes.append(event.note))
    (comparison,) = report.comparisons
    assert comparison.verdict is Verdict.IDENTICAL
    assert comparison.not_varied == ("clock: libfaketime is not installed",)
    assert "clock" not in comparison.varied
    assert exit_code(report) is ExitCode.DONE
    assert any(note.startswith("libfaketime is not compiled: ") for note in notes)


@pytest.mark.slow
@pytest.mark.usefixtures("_no_clock")
@pytest.mark.parametrize("required", [("clock",), ("all",)])
def test_a_required_variation_that_could_not_be_varied_is_no_success(
    required: tuple[str, ...], run: Run
) -> None:
    report = run("clean-pure", require_variations=required)
    assert exit_code(report) is ExitCode.DIFFERENT
    assert "--require-variations clock: not varied for clean-pure 1.0" in report.notes


def test_what_is_required_and_was_varied_is_a_success(run: Run) -> None:
    report = run("clean-pure", vary=("umask", "hash-seed"), require_variations=("umask",))
    assert exit_code(report) is ExitCode.DONE
    assert report.required == ("umask",)


def test_a_required_variation_that_is_unknown_is_refused_before_anything_is_built(
    run: Run, tmp_path: Path
) -> None:
    with pytest.raises(AsamanError, match='unknown variation: "moon-phase"'):
        run("clean-pure", require_variations=("moon-phase",))
    assert not (tmp_path / "wheels").exists()


def test_what_is_unbuilt_is_built_first_and_then_rebuilt(run: Run, tmp_path: Path) -> None:
    report = run("clean-pure", "clean-dated")
    assert verdicts(report) == {"clean-pure": "identical", "clean-dated": "identical"}
    assert exit_code(report) is ExitCode.DONE
    assert report.command == "verify"
    assert sorted(path.name for path in (tmp_path / "wheels").iterdir()) == [
        "clean_dated-1.0-py3-none-any.whl",
        "clean_dated-1.0-py3-none-any.whl.provenance.json",
        "clean_pure-1.0-py3-none-any.whl",
        "clean_pure-1.0-py3-none-any.whl.provenance.json",
    ]
    (first, _) = report.comparisons
    assert first.ours == first.theirs
    assert first.against == "rebuild"


@pytest.mark.slow
def test_what_is_built_is_rebuilt_even_with_another_cache(run: Run, tmp_path: Path) -> None:
    run("clean-pure")
    before = snapshot(tmp_path / "wheels")
    shutil.rmtree(tmp_path / "cache")
    report = run("clean-pure")
    assert verdicts(report) == {"clean-pure": "identical"}
    assert snapshot(tmp_path / "wheels") == before


@pytest.mark.slow
def test_what_took_longest_to_build_is_rebuilt_first(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    took = {"clean-dated": 1.0, "clean-pure": 2.0, "umask-modes": 3.0}
    monkeypatch.setattr(verify, "seconds", lambda record: took[record.name])
    events: list[Event] = []
    run(*took, notify=events.append)
    begun = [event.name for event in events if (event.stage, event.state) == ("rebuild", "start")]
    assert [name.partition("==")[0] for name in begun] == sorted(took, key=took.get, reverse=True)


def test_a_seed_is_printed_and_recorded_and_repeats_the_varied_values(run: Run) -> None:
    notes: list[str] = []
    fresh = run("clean-pure", vary=("user", "umask"), notify=lambda event: notes.append(event.note))
    note = f"to repeat this with the same varied values: --seed {fresh.seed}"
    assert note in notes
    assert dict(facts.circumstances(fresh))["seed"] == fresh.seed
    again = run("clean-pure", vary=("user", "umask"), seed=fresh.seed)
    other = run("clean-pure", vary=("user", "umask"))
    values = [dict(report.comparisons[0].values) for report in (fresh, again, other)]
    assert values[0] == values[1] != values[2]
    assert set(values[0]) == {"user", "uid", "umask"}
    assert len({fresh.seed, other.seed}) == 2


def test_a_difference_is_named_and_both_wheels_are_kept(run: Run, tmp_path: Path) -> None:
    report = run("hash-order", "clean-pure", vary=("hash-seed", "umask"))
    assert verdicts(report) == {"clean-pure": "identical", "hash-order": "different"}
    assert exit_code(report) is ExitCode.DIFFERENT
    found = next(one for one in report.comparisons if one.verdict is Verdict.DIFFERENT)
    assert [(one.variation, one.explanation) for one in found.causes] == [
        ("hash-seed", "hash-order")
    ]
    assert found.varied == ("umask", "hash-seed")
    folder = tmp_path / "wheels" / "different" / "hash-order-1.0" / "wheel"
    assert found.kept == str(folder)
    first, rebuilt = (
        (folder / side / "hash_order-1.0-py3-none-any.whl").read_bytes()
        for side in ("first", "rebuilt")
    )
    assert first == (tmp_path / "wheels" / "hash_order-1.0-py3-none-any.whl").read_bytes()
    assert Digest.of(first) == found.ours
    assert Digest.of(rebuilt) == found.theirs
    assert found.ours != found.theirs


@pytest.fixture
def diffoscope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a stand-in for diffoscope in front of PATH."""
    program = tmp_path / "bin" / "diffoscope"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    def write(body: str) -> None:
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    return write


@pytest.mark.slow
def test_diffoscope_describes_what_differs_beside_both_wheels(
    run: Run, tmp_path: Path, diffoscope: Callable[[str], None]
) -> None:
    diffoscope(
        'while [ "$1" != -- ]; do shift; done; printf "%s\\n%s\\n\\033[31m" "$2" "$3"; exit 1'
    )
    report = run("hash-order", "clean-pure", vary=("hash-seed",), diffoscope=True)
    folder = tmp_path / "wheels" / "different" / "hash-order-1.0" / "wheel"
    name = "hash_order-1.0-py3-none-any.whl"
    text = (folder / f"{name}.diffoscope.txt").read_text()
    assert text == f"first/{name}\nrebuilt/{name}\n\\x1b[31m"
    assert exit_code(report) is ExitCode.DIFFERENT
    run("hash-order", vary=("umask",))
    assert not (tmp_path / "wheels" / "different").exists()


def test_a_diffoscope_that_fails_is_told_and_changes_no_verdict(
    run: Run, diffoscope: Callable[[str], None]
) -> None:
    diffoscope("echo no memory >&2; exit 9")
    (found,) = run("hash-order", vary=("hash-seed",), diffoscope=True).comparisons
    assert (found.verdict, found.reason) == (Verdict.DIFFERENT, "diffoscope: exit 9: no memory")


def test_a_diffoscope_that_is_missing_is_told_before_anything_is_built(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AsamanError, match="diffoscope is not installed") as caught:
        run("clean-pure", diffoscope=True)
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert not (tmp_path / "wheels").exists()


@pytest.mark.skipif(shutil.which("diffoscope") is None, reason="diffoscope is not installed")
def test_the_real_diffoscope_names_the_member(run: Run, tmp_path: Path) -> None:
    run("hash-order", vary=("hash-seed",), diffoscope=True)
    (path,) = (tmp_path / "wheels").rglob("*.diffoscope.txt")
    assert "example.py" in path.read_text()


def test_a_difference_leaves_wheel_and_record_as_they_were(run: Run, tmp_path: Path) -> None:
    run("hash-order", vary=("umask",))
    before = snapshot(tmp_path / "wheels")
    assert verdicts(run("hash-order", vary=("hash-seed",))) == {"hash-order": "different"}
    assert snapshot(tmp_path / "wheels") == before


def test_what_was_kept_goes_when_nothing_differs_any_more(run: Run, tmp_path: Path) -> None:
    run("hash-order", vary=("hash-seed",))
    assert (tmp_path / "wheels" / "different").is_dir()
    run("hash-order", vary=("umask",))
    assert not (tmp_path / "wheels" / "different").exists()


def test_a_rebuild_that_fails_under_a_variation_is_compared_without(run: Run) -> None:
    report = run("fails-elsewhere", vary=("build-path", "umask"), isolation="auto")
    (found,) = report.comparisons
    assert (found.verdict, exit_code(report)) == (Verdict.IDENTICAL, ExitCode.DONE)
    assert found.varied == ("umask",)
    (reason,) = found.not_varied
    assert reason.startswith("build-path: the build fails when it is varied: ")
    assert "this folder is too deep for me" in reason


@pytest.mark.slow
def test_a_wheel_that_was_changed_meanwhile_is_built_again(run: Run, tmp_path: Path) -> None:
    run("clean-pure")
    wheel = tmp_path / "wheels" / "clean_pure-1.0-py3-none-any.whl"
    good = wheel.read_bytes()
    wheel.write_bytes(good + b"x")
    report = run("clean-pure", force=True)
    assert verdicts(report) == {"clean-pure": "identical"}
    assert wheel.read_bytes() == good


def test_an_unknown_variation_is_refused_before_anything_is_built(run: Run, tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match='unknown variation: "moon"'):
        run("clean-pure", vary=("moon",))
    assert not (tmp_path / "wheels").exists()


@pytest.mark.slow
def test_a_build_that_fails_at_first_is_a_failure_of_the_report(run: Run) -> None:
    report = run("fails-elsewhere", "clean-pure", isolation="none")
    assert [failure.name for failure in report.build.failures] == ["fails-elsewhere"]
    assert verdicts(report) == {"clean-pure": "identical"}
    assert exit_code(report) is ExitCode.BUILD_FAILED


def test_a_wheel_that_was_taken_is_unchecked(run: Run, index: LocalIndex, tmp_path: Path) -> None:
    data = make_wheel("mini-taken", "1.0")
    index.add(data, "mini_taken-1.0-py3-none-any.whl")
    pins = tmp_path / "requirements.txt"
    pins.write_text(f"mini-taken==1.0 --hash={Digest.of(data)}\n")
    report = run(requirement=pins, only_binary=("mini-taken",))
    (found,) = report.comparisons
    assert (found.verdict, exit_code(report)) == (Verdict.UNCHECKED, ExitCode.DIFFERENT)
    assert "not rebuilt" in found.reason
    assert is_accepted(found, Verdict.IDENTICAL)


@pytest.mark.parametrize(
    ("verdict", "allow", "code"),
    [
        ("identical", "identical", ExitCode.DONE),
        ("equivalent", "equivalent", ExitCode.DONE),
        ("equivalent", "identical", ExitCode.DIFFERENT),
        ("different", "equivalent", ExitCode.DIFFERENT),
        ("unchecked", "equivalent", ExitCode.DIFFERENT),
        ("failed", "equivalent", ExitCode.BUILD_FAILED),
    ],
)
def test_what_counts_as_the_same_is_up_to_the_user(
    verdict: str, allow: str, code: ExitCode
) -> None:
    found = Comparison(name="a", version="1", wheel="a.whl", verdict=Verdict(verdict))
    report = Report(command="verify", comparisons=(found,), allowed=Verdict(allow))
    assert exit_code(report) is code


def test_the_report_says_what_is_allowed(run: Run) -> None:
    assert run("clean-pure", allow="identical", vary=("umask",)).allowed is Verdict.IDENTICAL


# --- distributions that were just made -----------------------------------------------------------


@pytest.fixture
def check(tmp_path: Path, index: LocalIndex) -> Callable[..., Report]:
    def checked(*paths: Path, **given: Any) -> Report:
        config = Config(
            **{
                "output": tmp_path / "wheels",
                "cache_dir": tmp_path / "cache",
                "index_url": index.url,
                "jobs": 1,
                "vary": ("hash-seed", "umask"),
                **given,
            }
        )
        return verify.check_distributions(paths, config, notify=unheard)

    return checked


def dist(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0.tar.gz"
    path.write_bytes(defects.sdist_of(name))
    return path


def wheel_of(path: Path, content: str) -> Path:
    """Write a wheel of clean-pure as another frontend would make it."""
    name = path.name.partition("-1.0")[0].replace("-", "_")
    info = f"{name}-1.0.dist-info"
    files = {
        "example/__init__.py": "NAMES = ['alpha.part', 'beta.part']\n",
        "example/words.txt": content,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: clean-pure\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: miniature\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    made = path.with_name(f"{name}-1.0-py3-none-any.whl")
    made.write_bytes(zip_wheel(files, info))
    return made


def test_an_sdist_and_the_wheel_beside_it_are_checked(
    check: Callable[..., Report], tmp_path: Path
) -> None:
    sdist = dist(tmp_path / "dist", "clean-pure")
    wheel = wheel_of(sdist, "Apple\nzebra\näpfel\n")
    report = check(sdist, wheel)
    assert [(one.against, str(one.verdict)) for one in report.comparisons] == [
        ("rebuild", "identical"),
        (str(wheel), "equivalent"),
    ]
    assert exit_code(report) is ExitCode.DONE
    assert not (tmp_path / "wheels").exists()


def test_a_wheel_that_its_sdist_does_not_give_is_different(
    check: Callable[..., Report], tmp_path: Path
) -> None:
    sdist = dist(tmp_path / "dist", "clean-pure")
    report = check(sdist, wheel_of(sdist, "something else\n"))
    assert [str(one.verdict) for one in report.comparisons] == ["identical", "different"]
    assert exit_code(report) is ExitCode.DIFFERENT


def test_a_wheel_that_no_sdist_gives_is_not_accepted(
    check: Callable[..., Report], tmp_path: Path
) -> None:
    sdist = dist(tmp_path / "dist", "clean-pure")
    wheel = sdist.with_name("other-1.0-py3-none-any.whl")
    wheel.write_bytes(make_wheel("other", "1.0"))
    report = check(sdist, wheel)
    assert verdicts(report) == {"clean-pure": "identical", "other": "unchecked"}
    assert exit_code(report) is ExitCode.DIFFERENT


def test_all_distributions_of_the_project_are_checked_by_default(
    check: Callable[..., Report], tmp_path: Path
) -> None:
    dist(tmp_path / "dist", "clean-pure")
    dist(tmp_path / "dist", "hash-order")
    report = check(project=tmp_path)
    assert verdicts(report) == {"clean-pure": "identical", "hash-order": "different"}
    different = next(one for one in report.comparisons if one.verdict is Verdict.DIFFERENT)
    folder = tmp_path / "wheels" / "different" / "hash-order-1.0" / "wheel"
    assert different.kept == str(folder)
    assert (folder / "first" / "hash_order-1.0-py3-none-any.whl").is_file()


def test_without_an_sdist_there_is_nothing_to_rebuild(
    check: Callable[..., Report], tmp_path: Path
) -> None:
    (tmp_path / "dist").mkdir()
    with pytest.raises(AsamanError, match="no sdist"):
        check(project=tmp_path)
