"""Wheels are built again from nothing but their records, and compared with them."""

from __future__ import annotations

import dataclasses
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox import records
from amrasaman_nox.agreement import envelopes
from amrasaman_nox.agreement.seals import KeySeal
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.packages import Archive, Package
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import Digest, Event, LockedFile, Report, SystemPackage, Verdict
from amrasaman_nox.record_files import read_file
from amrasaman_nox.runs.build import build_wheels
from amrasaman_nox.verification.acceptance import exit_code
from amrasaman_nox.verification.from_record import rebuild_records

from ..support import miniatures
from ..support.rebuilders import rebuilder
from .running import unheard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from amrasaman_nox.model import BuildRecord

    from ..support.index import LocalIndex

    Rebuild = Callable[..., Report]
    Change = Callable[[BuildRecord], BuildRecord]

WHEEL = "mini_flit-1.0-py2.py3-none-any.whl"


@pytest.fixture(scope="module")
def made(miniature_index: LocalIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of mini-flit and its record, as another user has built them."""
    folder = tmp_path_factory.mktemp("theirs")
    given = {"variables": (("COLOUR", "blue"),), "sde": 1_500_000_000}
    return build(folder, miniature_index, **given)


def build(folder: Path, index: LocalIndex, **given: Any) -> Path:
    """Build mini-flit into the folder ``wheels`` in *folder*, and return that."""
    (folder / "r.txt").write_text(miniatures.pin("mini-flit") + "\n")
    options = {
        "requirement": folder / "r.txt",
        "output": folder / "wheels",
        "cache_dir": folder / "cache",
        "index_url": index.url,
        **given,
    }
    build_wheels(Config(**options), notify=unheard)
    return folder / "wheels"


@pytest.fixture
def record(made: Path, tmp_path: Path) -> Path:
    """A record alone, without its wheel."""
    path = tmp_path / f"{WHEEL}{records.SUFFIX}"
    shutil.copy(made / path.name, path)
    return path


@pytest.fixture
def rebuild(tmp_path: Path, miniature_index: LocalIndex, made: Path) -> Rebuild:
    def rebuilt(*paths: Path, heard: Callable[[Event], None] = unheard, **given: Any) -> Report:
        options = {
            "output": tmp_path / "out",
            # What was fetched is shared; the wheel is built again in any case.
            "cache_dir": made.parent / "cache",
            "index_url": miniature_index.url,
            **given,
        }
        return rebuild_records(Config(records=paths, **options), notify=heard)

    return rebuilt


def edit(path: Path, change: Change) -> None:
    path.write_text(records.render(change(read_file(path).record)))


def test_a_wheel_is_the_same_from_its_record_alone(
    record: Path, made: Path, rebuild: Rebuild, tmp_path: Path
) -> None:
    report = rebuild(record, cache_dir=tmp_path / "cache")
    (found,) = report.comparisons
    assert (found.verdict, exit_code(report)) == (Verdict.IDENTICAL, ExitCode.DONE)
    assert (tmp_path / "out" / WHEEL).read_bytes() == (made / WHEEL).read_bytes()
    ours = read_file(tmp_path / "out" / record.name).record
    theirs = read_file(record).record
    assert (ours.key, ours.environment) == (theirs.key, theirs.environment)
    # Again, with the wheel and in the folder of the record: what is there stays as it is.
    before = record.read_bytes()
    shutil.copy(made / WHEEL, tmp_path)
    assert rebuild(tmp_path, output=tmp_path).comparisons[0].verdict is Verdict.IDENTICAL
    assert record.read_bytes() == before


def test_a_wheel_with_an_sbom_in_it_is_made_again(
    miniature_index: LocalIndex, rebuild: Rebuild, made: Path, tmp_path: Path
) -> None:
    cache = made.parent / "cache"
    wheels = build(tmp_path, miniature_index, cache_dir=cache, embed_sbom=True)
    with zipfile.ZipFile(wheels / WHEEL) as archive:
        (name,) = (each for each in archive.namelist() if "/sboms/" in each)
        content = json.loads(archive.read(name))
    assert content["metadata"]["component"]["name"] == "mini-flit"
    report = rebuild(wheels / f"{WHEEL}{records.SUFFIX}")
    assert [one.verdict for one in report.comparisons] == [Verdict.IDENTICAL]


def test_a_signed_statement_alone_is_a_record(made: Path, rebuild: Rebuild, tmp_path: Path) -> None:
    signed = tmp_path / f"{WHEEL}{envelopes.SUFFIX}"
    payload = (made / f"{WHEEL}{records.SUFFIX}").read_bytes()
    envelopes.put(signed, payload, KeySeal(rebuilder(tmp_path, "theirs").key))
    report = rebuild(signed)
    assert [one.verdict for one in report.comparisons] == [Verdict.IDENTICAL]
    assert (tmp_path / "out" / WHEEL).is_file()


def test_signatures_of_another_wheel_are_one_line(
    made: Path, rebuild: Rebuild, tmp_path: Path
) -> None:
    signed = tmp_path / f"other-1.0-py3-none-any.whl{envelopes.SUFFIX}"
    payload = (made / f"{WHEEL}{records.SUFFIX}").read_bytes()
    envelopes.put(signed, payload, KeySeal(rebuilder(tmp_path, "theirs").key))
    with pytest.raises(AsamanError, match="it is signed for mini_flit"):
        rebuild(signed)
    signed.write_bytes(b"\n")
    with pytest.raises(AsamanError, match="no signature"):
        rebuild(signed)


def test_a_record_of_another_wheel_is_different_and_both_are_compared(
    record: Path, made: Path, rebuild: Rebuild, tmp_path: Path
) -> None:
    poisoned = b"poisoned"
    edit(record, lambda own: dataclasses.replace(
        own, wheel=dataclasses.replace(own.wheel, digest=Digest.of(poisoned),
                                       content_digest=Digest.of(poisoned)),
    ))  # fmt: skip
    report = rebuild(record)
    (found,) = report.comparisons
    assert (found.verdict, exit_code(report)) == (Verdict.DIFFERENT, ExitCode.DIFFERENT)
    assert found.reason == "from the same inputs"
    assert not (tmp_path / "out" / WHEEL).exists()


def test_another_archive_of_the_same_content_counts_as_the_user_says(
    record: Path, rebuild: Rebuild
) -> None:
    edit(
        record,
        lambda own: dataclasses.replace(
            own, wheel=dataclasses.replace(own.wheel, digest=Digest.of(b"another zlib"))
        ),
    )
    report = rebuild(record)
    assert report.comparisons[0].verdict is Verdict.EQUIVALENT
    assert exit_code(report) is ExitCode.DONE
    strict = dataclasses.replace(report, allowed=Verdict.IDENTICAL)
    assert exit_code(strict) is ExitCode.DIFFERENT
    assert rebuild(record, allow="identical").allowed is Verdict.IDENTICAL


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda own: dataclasses.replace(
                own,
                requirements=(
                    LockedFile(filename=own.requirements[0].filename, digest=Digest.of(b"evil")),
                ),
            ),
            "flit_core",
        ),
        (
            lambda own: dataclasses.replace(
                own, source=dataclasses.replace(own.source, digest=Digest.of(b"evil"),
                                                pin=dataclasses.replace(
                                                    own.source.pin,
                                                    digests=(Digest.of(b"evil"),))),
            ),
            "mini-flit==1.0",
        ),
        (
            lambda own: dataclasses.replace(
                own, interpreter=dataclasses.replace(own.interpreter, version="3.99.0")
            ),
            "it was built by cpython 3.99.0 on linux-x86_64, here cpython",
        ),
    ],
    ids=["requirement", "source", "interpreter"],
)  # fmt: skip
def test_what_is_not_to_be_had_is_that_record_s_failure(
    change: Change, said: str, record: Path, rebuild: Rebuild
) -> None:
    edit(record, change)
    report = rebuild(record)
    (failure,) = report.build.failures
    assert said in f"{failure.name}=={failure.version}: {failure.reason}"
    assert str(failure.origin) == str(record)
    assert exit_code(report) in (ExitCode.BAD_INPUT, ExitCode.NOT_AVAILABLE, ExitCode.INPUT_OUTPUT)


def test_other_inputs_than_those_of_the_wheel_are_told_by_another_wheel(
    record: Path, rebuild: Rebuild
) -> None:
    def change(own: BuildRecord) -> BuildRecord:
        assert own.environment is not None
        epoch = {"source_date_epoch": 1_600_000_000, "source_times": 1_600_000_000}
        world = dataclasses.replace(own.environment, **epoch)  # type: ignore[arg-type]
        missing = SystemPackage(
            kind="deb", name="libssl-dev", version="3.0.15", architecture="amd64",
            files=(("/usr/include/openssl/no-such.h", Digest.of(b"h")),),
        )  # fmt: skip
        return dataclasses.replace(own, environment=world, system=(missing,))

    edit(record, change)
    (found,) = rebuild(record).comparisons
    assert found.verdict in (Verdict.DIFFERENT, Verdict.EQUIVALENT)
    assert "its key is not that of its inputs" in found.reason


def test_a_wheel_that_has_another_name_here_is_different(record: Path, rebuild: Rebuild) -> None:
    name = "mini_flit-1.0-py3-none-any.whl"
    edit(
        record,
        lambda own: dataclasses.replace(own, wheel=dataclasses.replace(own.wheel, filename=name)),
    )
    (found,) = rebuild(record).comparisons
    assert found.verdict is Verdict.DIFFERENT
    assert found.reason.startswith(f"it is {WHEEL} here; ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a provenance file"),
        ("[" * 10_000, "deeper than 32 levels"),
        ("{}", "not a provenance file"),
        ('{"predicate": {"buildDefinition": {"buildType": "x"}}}', "schema x is not supported"),
    ],
)
def test_what_is_no_record_is_one_line_and_nothing_is_built(
    text: str, why: str, record: Path, rebuild: Rebuild, tmp_path: Path
) -> None:
    bad = tmp_path / f"bad-1-py3-none-any.whl{records.SUFFIX}"
    bad.write_text(text)
    with pytest.raises(AsamanError) as caught:
        rebuild(record, bad)
    assert [line for line in caught.value.lines() if line.startswith("error: ")] == [
        line for line in caught.value.lines() if str(bad) in line and why in line
    ]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("internalParameters.environment.build_path", "/etc"),
        ("internalParameters.environment.uid", 0),
        ("resolvedDependencies.0.name", "../../x.tar.gz"),
        ("resolvedDependencies.1.digest", {"md5": "0" * 32}),
        ("externalParameters.version", "2.0"),
        ("externalParameters.variables", {"A": 1}),
    ],
)
def test_a_hostile_record_is_one_line_and_nothing_is_built(
    path: str, value: object, record: Path, rebuild: Rebuild, tmp_path: Path
) -> None:
    document = json.loads(record.read_text())
    *way, last = path.split(".")
    at = document["predicate"]["buildDefinition"]
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at[key]
    at[last] = value
    record.write_text(json.dumps(document))
    with pytest.raises(AsamanError) as caught:
        rebuild(record)
    assert len([line for line in caught.value.lines() if line.startswith("error: ")]) == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_without_records_and_a_missing_file_are_named(
    rebuild: Rebuild, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(AsamanError) as caught:
        rebuild(tmp_path / "empty", tmp_path / WHEEL)
    assert any("it contains no record" in line for line in caught.value.lines())
    assert any(f"{WHEEL}{records.SUFFIX}" in line for line in caught.value.lines())
    assert caught.value.code is ExitCode.BAD_INPUT


def test_a_record_does_not_choose_to_have_no_sandbox(record: Path, rebuild: Rebuild) -> None:
    edit(record, lambda own: dataclasses.replace(own, isolation="none"))
    said: list[str] = []
    report = rebuild(record, heard=lambda event: said.append(event.note))
    assert report.isolation != "none"
    assert (
        f"mini-flit==1.0: not as in its record: isolation rung none, here {report.isolation}"
        in said
    )


def test_a_wheel_that_was_used_as_published_is_fetched_again_by_its_hash(
    miniature_index: LocalIndex, rebuild: Rebuild, tmp_path: Path
) -> None:
    (wheel,) = (
        file for name, file in miniature_index.files.items() if name.startswith("flit_core-")
    )
    version = wheel.filename.split("-")[1]
    line = f"flit-core=={version} --hash={Digest.of(wheel.data)}\n"
    (tmp_path / "r.txt").write_text(line)
    config = Config(
        requirement=tmp_path / "r.txt",
        output=tmp_path / "wheels",
        cache_dir=tmp_path / "cache",
        index_url=miniature_index.url,
        only_binary=("flit-core",),
    )
    build_wheels(config, notify=unheard)
    report = rebuild(tmp_path / "wheels", cache_dir=tmp_path / "other")
    assert report.build.failures == ()
    assert [one.verdict for one in report.comparisons] == [Verdict.IDENTICAL]
    assert (tmp_path / "out" / wheel.filename).read_bytes() == wheel.data


def test_a_modified_source_is_made_again_or_named(
    rebuild: Rebuild, miniature_index: LocalIndex, tmp_path: Path
) -> None:
    text = "--- /dev/null\n+++ b/added.txt\n@@ -0,0 +1 @@\n+added\n"
    (tmp_path / "new.patch").write_text(text)
    patch = Archive(str(tmp_path / "new.patch"), Digest.of(text.encode()).value)
    packages = (Package(name="mini-flit", patches=(patch,)),)
    wheels = build(tmp_path, miniature_index, packages=packages, keep_sources=True)
    record = wheels / f"{WHEEL}{records.SUFFIX}"
    for given in ({}, {"packages": packages}):
        # The source is beside the record, then it is made again.
        report = rebuild(record, **given)
        assert [one.verdict for one in report.comparisons] == [Verdict.IDENTICAL], report
        (wheels / "mini_flit-1.0.tar.gz").unlink(missing_ok=True)
    (failure,) = rebuild(record).build.failures
    assert failure.reason == "its record has a modified source: patched with new.patch"
    assert "--keep-sources" in failure.hint
