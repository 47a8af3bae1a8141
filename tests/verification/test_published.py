"""Published wheels, rebuilt and compared; the index and all backends are local."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.build_lock import requirements
from amrasaman_nox.builds import builder
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildLock, BuildRecord, Comparison, Digest, Pin, Source, Verdict
from amrasaman_nox.runs.run import opened
from amrasaman_nox.sources import prepare
from amrasaman_nox.sources.store import fetched
from amrasaman_nox.verification import published, recipe
from amrasaman_nox.verification.recipe import Recipe

from ..support.index import LocalIndex, running_index
from ..support.projects import make_sdist, make_wheel
from ..support.tampering import TAMPERINGS, tampered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.model import BuildJob, Prepared
    from amrasaman_nox.runs.run import Run

EPOCH = 1700000000
UPLOADED = datetime(2024, 2, 3, tzinfo=UTC)
BACKENDS = {
    "hatchling": "hatchling.build",
    "flit_core": "flit_core.buildapi",
    "pdm-backend": "pdm.backend",
}


@dataclass
class Bench:
    """An index with real build backends, and what one run works with."""

    index: LocalIndex
    run: Run

    def prepared(self, name: str, requirement: str = "hatchling", **sdist: Any) -> Prepared:
        """Publish the sdist of a project with a module, a script and an entry point."""
        backend = BACKENDS.get(requirement.partition("<")[0], "backend")
        text = (
            f'[build-system]\nrequires = ["{requirement}"]\nbuild-backend = "{backend}"\n'
            f'[project]\nname = "{name}"\nversion = "1.0"\ndescription = "A miniature"\n'
            f'requires-python = ">=3.8"\n'
            f'[project.scripts]\n{name} = "{name}:main"\n'
        )
        module = f'"""A miniature."""\n\n__version__ = "1.0"\n\n\ndef main(): ...\n{"# x" * 999}\n'
        given = {"files": {f"{name}.py": module}, "pyproject": text, **sdist}
        data = make_sdist(name, "1.0", **given)
        self.index.add(data, f"{name}-1.0.tar.gz", uploaded=UPLOADED)
        pin = Pin(name=name, version="1.0", digests=(Digest.of(data),))
        (one,) = prepare.prepare(self.run.site, [pin], self.run.interpreters[0])
        return one

    def job(self, prepared: Prepared) -> BuildJob:
        return self.run.job(prepared.source, prepared.interpreter)

    def built(self, prepared: Prepared, epoch: int | None = EPOCH) -> bytes:
        """Build as a publisher would; return the wheel."""
        entry = requirements.known_of(self.run.site, prepared, BuildLock()).entry
        found = published.rebuild_by_recipe(
            self.job(prepared),
            Recipe(files=entry.files, source_date_epoch=epoch),
            site=self.run.site,
            isolation=self.run.isolation,
        )
        assert isinstance(found, BuildRecord), found
        with fetched(found.wheel.digest, found.wheel.filename, self.run.site.store) as file:
            return file.read()

    def publish(self, name: str, wheel: bytes, **said: Any) -> None:
        self.index.add(wheel, f"{name}-1.0-py3-none-any.whl", uploaded=UPLOADED, **said)

    def compare(self, prepared: Prepared) -> Comparison:
        (comparison,) = published.compare_published(
            prepared, self.job(prepared), site=self.run.site, isolation=self.run.isolation
        )
        assert comparison.against == "published"
        return comparison

    def compared(
        self,
        name: str,
        change: Callable[[bytes], bytes] = lambda wheel: wheel,
        requirement: str = "hatchling",
        epoch: int | None = EPOCH,
    ) -> Comparison:
        """Publish a project's wheel with *change* made to it, and compare."""
        prepared = self.prepared(name, requirement)
        self.publish(name, change(self.built(prepared, epoch)))
        return self.compare(prepared)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    cache = tmp_path_factory.mktemp("published")
    with running_index() as index:
        index.add_installed("hatchling", "flit_core", "pdm-backend")
        config = Config(index_url=index.url, cache_dir=cache, jobs=1)
        with opened(config, lambda event: None) as run:
            yield Bench(index=index, run=run)


def rezipped(
    wheel: bytes,
    *,
    spread: bool = False,
    level: int = 6,
    mode: int | None = None,
    contents: Callable[[dict[str, bytes]], dict[str, bytes]] = lambda found: found,
) -> bytes:
    """Return *wheel* packed again: with times of their own, another level, other modes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as old, zipfile.ZipFile(buffer, "w") as new:
        found = contents({name: old.read(name) for name in old.namelist()})
        for number, (name, data) in enumerate(found.items()):
            former = old.getinfo(name)
            time = (2024, 2, 2, 3, 4, number % 30 * 2) if spread else former.date_time
            info = zipfile.ZipInfo(name, time)
            info.external_attr = former.external_attr if mode is None else mode << 16
            new.writestr(info, data, zipfile.ZIP_DEFLATED, level)
    return buffer.getvalue()


def of_recipe(comparison: Comparison, name: str) -> list[str]:
    return [value for key, value in comparison.recipe if key == name]


@pytest.mark.parametrize("requirement", BACKENDS)
def test_a_wheel_that_the_recipe_gives_is_identical(bench: Bench, requirement: str) -> None:
    name = f"same{requirement.partition('_')[0].partition('-')[0]}"
    found = bench.compared(name, requirement=requirement)
    assert (found.verdict, found.reason) == (Verdict.IDENTICAL, "")
    assert found.ours == found.theirs
    assert found.proof == ""
    assert of_recipe(found, "source-date-epoch") == [str(EPOCH)]
    (override,) = of_recipe(found, "override")
    assert override.startswith(requirement.replace("_", "-") + "==")
    assert of_recipe(found, "as-of") == ["2024-02-03T00:00:00Z"]


def test_a_wheel_made_without_an_epoch_is_rebuilt_without_one(bench: Bench) -> None:
    found = bench.compared("unset", epoch=None)
    assert found.verdict is Verdict.IDENTICAL
    assert of_recipe(found, "source-date-epoch") == ["unset"]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("times", {"spread": True}),
        ("levels", {"level": 1}),
        ("modes", {"spread": True, "level": 2, "mode": 0o100664}),
    ],
)
def test_the_same_content_is_proven_under_the_published_headers(
    bench: Bench, name: str, how: dict[str, Any]
) -> None:
    found = bench.compared(name, lambda wheel: rezipped(wheel, **how), "flit_core")
    assert (found.verdict, found.proof) == (Verdict.EQUIVALENT, published.PROOF)
    assert found.normalisations
    assert of_recipe(found, "packing")


@pytest.mark.parametrize("change", TAMPERINGS)
@pytest.mark.parametrize("mend", [True, False])
def test_a_tampered_wheel_is_different(bench: Bench, change: str, mend: bool) -> None:
    name = f"evil{change.partition(' ')[0]}{mend:d}"
    found = bench.compared(name, lambda wheel: tampered(wheel, TAMPERINGS[change], mend=mend))
    assert (found.verdict, found.proof) == (Verdict.DIFFERENT, "")
    assert any(one.normalisation is None for one in found.differences) or not mend
    if not mend:
        assert "is malformed" in found.reason


def test_another_executable_bit_is_different(bench: Bench) -> None:
    found = bench.compared("bits", lambda wheel: rezipped(wheel, mode=0o100755))
    assert (found.verdict, found.proof) == (Verdict.DIFFERENT, "")


def turned_record(found: dict[str, bytes]) -> dict[str, bytes]:
    name = next(name for name in found if name.endswith("/RECORD"))
    rows = found[name].splitlines(keepends=True)
    return {**found, name: b"".join(reversed(rows))}


def test_another_order_in_record_is_equivalent_and_no_proof(bench: Bench) -> None:
    found = bench.compared("rows", lambda wheel: rezipped(wheel, contents=turned_record))
    assert (found.verdict, found.proof) == (Verdict.EQUIVALENT, "")
    assert "record-order" in found.normalisations
    assert "not reproduced" in found.reason


def turned_metadata(found: dict[str, bytes]) -> dict[str, bytes]:
    name = next(name for name in found if name.endswith("/METADATA"))
    data = found[name].replace(
        b"Version: 1.0\nSummary: A miniature\n", b"Summary: A miniature\nVersion: 1.0\n"
    )
    assert data != found[name]
    return {**found, name: data}


def test_another_order_of_metadata_fields_is_equivalent(bench: Bench) -> None:
    def change(wheel: bytes) -> bytes:
        return tampered(wheel, lambda found: found.update(turned_metadata(found)))

    found = bench.compared("fields", change)
    assert (found.verdict, found.proof) == (Verdict.EQUIVALENT, "")
    assert published.FIELD_ORDER in found.normalisations


def test_the_generator_goes_before_the_bound_of_the_sdist(bench: Bench) -> None:
    prepared = bench.prepared("bound", "hatchling<1")
    twin = bench.prepared("bound", "hatchling")
    bench.publish("bound", bench.built(twin))
    found = bench.compare(prepared)
    assert found.verdict is Verdict.IDENTICAL
    assert any("overridden" in step for step in of_recipe(found, "step"))


def test_a_recipe_repeats_with_no_inference(bench: Bench) -> None:
    prepared = bench.prepared("repeat")
    wheel = bench.built(prepared)
    bench.publish("repeat", wheel)
    first = bench.compare(prepared)
    asked = len(bench.index.requests)
    source = Source(pin=prepared.source.pin, filename=first.wheel, digest=Digest.of(wheel))
    again = published.compare_wheel(
        prepared,
        bench.job(prepared),
        source,
        site=bench.run.site,
        isolation=bench.run.isolation,
        recipe=Recipe.parse(first.recipe),
    )
    assert again == first
    assert len(bench.index.requests) == asked


def test_without_a_wheel_there_is_nothing_to_check(bench: Bench) -> None:
    prepared = bench.prepared("sdistonly")
    found = bench.compare(prepared)
    assert (found.verdict, found.wheel) == (Verdict.UNCHECKED, "")
    assert "no wheel" in found.reason


def test_a_wheel_for_others_is_not_compared(bench: Bench) -> None:
    prepared = bench.prepared("foreign")
    tag = "cp27-cp27m-win32"
    bench.index.add(make_wheel("foreign", "1.0", tag=tag), f"foreign-1.0-{tag}.whl")
    assert bench.compare(prepared).verdict is Verdict.UNCHECKED


def test_a_repaired_wheel_is_said_to_be_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = bench.prepared("repaired")
    tag = next(tag for tag in prepared.interpreter.tags if "-manylinux" in tag)
    bench.index.add(make_wheel("repaired", "1.0", tag=tag), f"repaired-1.0-{tag}.whl")
    attempts = counted(monkeypatch)
    found = bench.compare(prepared)
    assert found.verdict is Verdict.DIFFERENT
    assert "repaired" in found.reason
    assert len(attempts) == 1


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows with every build."""
    attempts = []
    build = builder.build_wheel

    def counting(job: Any, **given: Any) -> Any:
        attempts.append(job.key)
        return build(job, **given)

    monkeypatch.setattr(builder, "build_wheel", counting)
    return attempts


def test_rebuilds_are_bounded_and_none_is_made_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = bench.prepared("bounded")
    bench.publish("bounded", tampered(bench.built(prepared), TAMPERINGS["changed byte"]))
    attempts = counted(monkeypatch)
    assert bench.compare(prepared).verdict is Verdict.DIFFERENT
    assert 1 <= len(attempts) <= recipe.MOST_ATTEMPTS
    assert len(set(attempts)) == len(attempts)


def test_what_another_python_built_is_said_with_the_option(bench: Bench) -> None:
    def change(wheel: bytes) -> bytes:
        return tampered(wheel, lambda found: found.update({"a-py2.7-nspkg.pth": b"import x\n"}))

    found = bench.compared("spaced", change)
    assert found.verdict is Verdict.DIFFERENT
    assert "Python 2.7" in found.reason
    assert "--python 2.7" in found.hint


def test_a_failed_build_is_no_mismatch(bench: Bench) -> None:
    prepared = bench.prepared(
        "broken",
        pyproject='[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]',
        files={"backend.py": "def build_wheel(*_, **__): raise RuntimeError('out of order')\n"},
    )
    bench.publish("broken", make_wheel("broken", "1.0"))
    found = bench.compare(prepared)
    assert (found.verdict, found.differences) == (Verdict.FAILED, ())
    assert "out of order" in found.reason
    assert found.theirs is not None


def test_a_wheel_of_another_hash_than_advertised_is_refused(bench: Bench) -> None:
    prepared = bench.prepared("lying")
    bench.publish("lying", make_wheel("lying", "1.0"), advertised="0" * 64)
    with pytest.raises(AsamanError, match="hash mismatch") as caught:
        bench.compare(prepared)
    assert caught.value.code is ExitCode.BAD_INPUT


def test_a_pinned_wheel_goes_before_another(bench: Bench) -> None:
    prepared = bench.prepared("pinned")
    pin = prepared.source.pin
    ours = Source(pin=pin, filename="pinned-1.0-py3-none-any.whl", digest=Digest.of(b"a"))
    told = Pin(name="pinned", version="1.0", digests=(Digest.of(b"b"),))
    theirs = Source(pin=told, filename="pinned-1.0-1-py3-none-any.whl", digest=Digest.of(b"b"))
    assert published._comparable((ours, theirs)) == (theirs,)


def test_tools_of_after_the_upload_are_not_taken(bench: Bench) -> None:
    bench.index.add(
        make_wheel("plugin", "2.0"), "plugin-2.0-py3-none-any.whl", uploaded=UPLOADED + timedelta(9)
    )
    bench.index.add(
        make_wheel("plugin", "1.0"), "plugin-1.0-py3-none-any.whl", uploaded=UPLOADED - timedelta(9)
    )
    text = (
        '[build-system]\nrequires = ["flit_core", "plugin"]\n'
        'build-backend = "flit_core.buildapi"\n'
        '[project]\nname = "dated"\nversion = "1.0"\ndescription = "A miniature"\n'
        'requires-python = ">=3.8"\n'
    )
    prepared = bench.prepared("dated", pyproject=text)
    bench.publish("dated", bench.built(prepared))
    found = bench.compare(prepared)
    assert found.verdict is Verdict.IDENTICAL
    assert any(text.startswith("plugin-1.0-") for text in of_recipe(found, "file"))
