"""The SBOM in a wheel: valid, of what rebuilders share, and there only if it is asked for."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from amrasaman_nox.builds.embedded_sbom import added
from amrasaman_nox.builds.jobs import job_of
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Crate, Digest
from amrasaman_nox.wheels.canonical import canonicalise
from amrasaman_nox.wheels.reader import read_wheel
from amrasaman_nox.wheels.sbom import OWN
from tests.builds.test_jobs import FILES, SOURCE
from tests.support.archives import DIST_INFO, FILENAME, wheel

if TYPE_CHECKING:
    from amrasaman_nox.model import BuildJob, Interpreter

NAME = "one-1.0-py3-none-any.whl"
CRATE = Crate(name="itoa", version="1.0.11+x", digest=Digest(algorithm="sha256", value="c" * 64))


def job(interpreter: Interpreter, **settings: Any) -> BuildJob:
    config = Config(**{"embed_sbom": True, **settings})
    source = dataclasses.replace(SOURCE, crates=(CRATE,))
    return job_of(source, interpreter, FILES, config=config, isolation="none")


def test_without_the_option_there_is_none_and_the_key_is_what_it_was(
    interpreter: Interpreter,
) -> None:
    plain, asked = job(interpreter, embed_sbom=False), job(interpreter)
    assert added(plain, NAME) == b""
    assert plain.key != asked.key
    assert "embedded_sbom" not in plain.environment.facts()


def test_the_validator_of_cyclonedx_accepts_it(interpreter: Interpreter) -> None:
    text = added(job(interpreter), NAME).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_has_the_source_the_crates_and_the_build_requirements(interpreter: Interpreter) -> None:
    document = json.loads(added(job(interpreter), NAME))
    kinds = [one["properties"][0]["value"] for one in document["components"]]
    assert kinds == ["sdist", "crate", *["build requirement"] * len(FILES)]
    (graph,) = document["dependencies"]
    assert graph["dependsOn"] == sorted(one["bom-ref"] for one in document["components"])
    for one in (document["metadata"]["component"], *document["components"]):
        assert PackageURL.from_string(one["purl"]).version == one["version"]


def test_another_machine_writes_the_same(interpreter: Interpreter) -> None:
    here = job(interpreter)
    other = dataclasses.replace(interpreter, executable="/other", version="3.11.99")
    there = dataclasses.replace(
        here, interpreter=other, isolation="full", requirements=tuple(reversed(here.requirements))
    )
    assert added(here, NAME) == added(there, NAME)


def canonical(data: bytes, sbom: bytes = b"") -> tuple[bytes, tuple[str, ...]]:
    made = io.BytesIO()
    _, passes = canonicalise(io.BytesIO(data), FILENAME, made, epoch=1309379017, added=sbom)
    return made.getvalue(), passes


def test_the_wheel_with_it_is_canonical_and_named_in_record() -> None:
    made, passes = canonical(wheel(), b"{}\n")
    assert "sbom" in passes
    assert read_wheel(io.BytesIO(made), FILENAME).read(f"{DIST_INFO}/{OWN}") == b"{}\n"
    assert canonical(made) == (made, ())
    plain, _ = canonical(wheel())
    with zipfile.ZipFile(io.BytesIO(plain)) as one, zipfile.ZipFile(io.BytesIO(made)) as two:
        assert {*two.namelist()} - {*one.namelist()} == {f"{DIST_INFO}/{OWN}"}


def test_a_wheel_that_has_a_file_of_that_name_is_refused() -> None:
    made, _ = canonical(wheel(), b"{}\n")
    with pytest.raises(AsamanError, match="is there already"):
        canonical(made, b"[]\n")
