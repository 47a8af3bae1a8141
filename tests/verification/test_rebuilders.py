"""Another rebuilder's wheels and records, compared with ours."""

from __future__ import annotations

import dataclasses
import os
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, Report, Tool, Verdict
from amrasaman_nox.record_files import read_file
from amrasaman_nox.verification.acceptance import exit_code
from tests.verification.running import verdicts

from ..test_records import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.model import BuildRecord

    Run = Callable[..., Report]


# --- rebuild -------------------------------------------------------------------------------------


@pytest.fixture
def theirs(run: Run, tmp_path: Path) -> Path:
    """A folder with another rebuilder's wheel and record of clean-pure."""
    run("clean-pure", vary=("umask",))
    folder = tmp_path / "theirs"
    folder.mkdir()
    for path in (tmp_path / "wheels").glob("*.whl*"):
        shutil.copy(path, folder)
    return folder


WHEEL = "clean_pure-1.0-py3-none-any.whl"
RECORD = f"{WHEEL}.provenance.json"


def edit(path: Path, change: Callable[[BuildRecord], BuildRecord]) -> None:
    path.write_text(records.render(change(read_file(path).record)))


@pytest.mark.parametrize("kept", [(WHEEL, RECORD), (WHEEL,), (RECORD,)])
def test_the_same_wheel_is_identical_by_file_and_by_record(
    kept: tuple[str, ...], run: Run, theirs: Path
) -> None:
    for path in theirs.iterdir():
        if path.name not in kept:
            path.unlink()
    assert verdicts(run("clean-pure", against=str(theirs))) == {"clean-pure": "identical"}


@pytest.mark.parametrize("name", [WHEEL, RECORD])
def test_one_file_can_be_named_alone(name: str, run: Run, theirs: Path) -> None:
    report = run("clean-pure", "clean-dated", against=str(theirs / name))
    assert verdicts(report) == {"clean-pure": "identical", "clean-dated": "unchecked"}
    assert exit_code(report) is ExitCode.DIFFERENT


def test_both_wheels_are_kept_where_another_rebuilder_s_differs(
    run: Run, theirs: Path, tmp_path: Path
) -> None:
    altered(theirs / WHEEL, b"other")
    (theirs / RECORD).unlink()
    (found,) = run("clean-pure", against=str(theirs)).comparisons
    assert found.verdict is Verdict.DIFFERENT
    for side, folder in (("ours", tmp_path / "wheels"), ("theirs", theirs)):
        assert Path(found.kept, side, WHEEL).read_bytes() == (folder / WHEEL).read_bytes()


def altered(path: Path, content: bytes) -> None:
    """Write the wheel again with other content in its text."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["example/words.txt"] = content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2001, 1, 1, 1, 1, 1)), data)


def test_a_changed_byte_in_their_wheel_is_different(run: Run, theirs: Path) -> None:
    altered(theirs / WHEEL, b"Apple\nzebra\n")
    report = run("clean-pure", against=str(theirs))
    (found,) = report.comparisons
    assert (found.verdict, exit_code(report)) == (Verdict.DIFFERENT, ExitCode.DIFFERENT)
    assert found.against == str(theirs / WHEEL)
    assert "example/words.txt" in {one.member for one in found.differences}
    assert found.causes


def test_another_archive_of_the_same_content_is_equivalent(run: Run, theirs: Path) -> None:
    with zipfile.ZipFile(theirs / WHEEL) as archive:
        content = archive.read("example/words.txt")
    altered(theirs / WHEEL, content)
    (found,) = run("clean-pure", against=str(theirs)).comparisons
    assert found.verdict is Verdict.EQUIVALENT
    assert found.normalisations


def test_where_records_differ_the_inputs_that_differ_are_named(run: Run, theirs: Path) -> None:
    (theirs / WHEEL).unlink()
    other = Digest.of(b"another wheel")

    def change(own: BuildRecord) -> BuildRecord:
        assert own.interpreter is not None
        assert own.environment is not None
        return dataclasses.replace(
            own,
            wheel=dataclasses.replace(own.wheel, digest=other, content_digest=other),
            interpreter=dataclasses.replace(own.interpreter, version="3.99.0"),
            environment=dataclasses.replace(own.environment, source_date_epoch=1_700_000_000),
            tools=(Tool(name="cc", version="cc 99"),),
        )

    edit(theirs / RECORD, change)
    (found,) = run("clean-pure", against=str(theirs)).comparisons
    assert found.verdict is Verdict.DIFFERENT
    assert found.theirs == other
    for said in ("3.99.0", "source date epoch 1309379017 → 1700000000", " → 99"):
        assert said in found.reason


@pytest.mark.parametrize("kept", [(), (WHEEL,)])
def test_a_record_that_cannot_be_read_is_named(
    kept: tuple[str, ...], run: Run, theirs: Path, tmp_path: Path
) -> None:
    (theirs / RECORD).unlink()
    os.mkfifo(theirs / RECORD)
    (theirs / f"other-1-py3-none-any.whl{records.SUFFIX}").write_text("[" * 10_000)
    if not kept:
        (theirs / WHEEL).unlink()
        with pytest.raises(AsamanError, match="no wheel and no readable record") as caught:
            run("clean-pure", against=str(theirs))
        told = caught.value.lines()
    else:
        report = run("clean-pure", against=str(theirs))
        assert verdicts(report) == {"clean-pure": "identical"}
        told = report.notes
    assert any(f"record {theirs / RECORD}: Not a regular file" in line for line in told)
    assert any("deeper than 32 levels" in line for line in told)


@pytest.mark.parametrize("text", ["{}", "", "[[[[", '{"predicate": {}}'])
def test_nothing_but_unreadable_records_is_no_success(text: str, run: Run, theirs: Path) -> None:
    (theirs / WHEEL).unlink()
    (theirs / RECORD).write_text(text)
    other = theirs / f"other-1.0-py3-none-any.whl{records.SUFFIX}"
    other.write_text(
        records.render(
            dataclasses.replace(
                record(),
                name="other",
                version="1.0",
                wheel=dataclasses.replace(record().wheel, filename="other-1.0-py3-none-any.whl"),
            )
        )
    )
    report = run("clean-pure", against=str(theirs))
    assert verdicts(report) == {"clean-pure": "unchecked"}
    assert exit_code(report) is ExitCode.DIFFERENT
    assert any(str(theirs / RECORD) in note for note in report.notes)


def test_a_named_pipe_as_a_wheel_is_no_wheel(run: Run, theirs: Path) -> None:
    for path in theirs.iterdir():
        path.unlink()
    os.mkfifo(theirs / WHEEL)
    with pytest.raises(AsamanError, match="no wheel and no readable record"):
        run("clean-pure", against=str(theirs))


def test_records_of_one_content_in_two_archives_are_equivalent(run: Run, theirs: Path) -> None:
    (theirs / WHEEL).unlink()
    edit(
        theirs / RECORD,
        lambda own: dataclasses.replace(
            own, wheel=dataclasses.replace(own.wheel, digest=Digest.of(b"another zlib"))
        ),
    )
    report = run("clean-pure", against=str(theirs), allow="identical")
    assert verdicts(report) == {"clean-pure": "equivalent"}
    assert exit_code(report) is ExitCode.DIFFERENT


def test_a_wheel_that_they_have_for_another_platform_only_is_unchecked(
    run: Run, theirs: Path
) -> None:
    (theirs / RECORD).unlink()
    (theirs / WHEEL).rename(theirs / "clean_pure-1.0-cp399-cp399-plan9_x86.whl")
    (found,) = run("clean-pure", against=str(theirs)).comparisons
    assert found.verdict is Verdict.UNCHECKED
    assert "cp399" in found.reason


@pytest.mark.parametrize(
    ("what", "why"),
    [("nowhere", "neither"), ("empty", "neither"), ("file", "is not a valid name")],
)
def test_what_holds_neither_wheel_record_nor_pins_is_refused(
    what: str, why: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("{}")
    with pytest.raises(AsamanError, match=why):
        run("clean-pure", against=str(tmp_path / what))
    assert not (tmp_path / "wheels").exists()
