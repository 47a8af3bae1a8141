"""The build system that an sdist declares."""

from __future__ import annotations

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildSystem
from amrasaman_nox.sdists.build_system import build_system, check_requires
from tests.sdists.examples import TOP, read
from tests.support.archives import (
    END,
    gzipped,
    pkg_info,
    sdist,
    tar_member,
)

# Build system


def system(text: str | None) -> BuildSystem:
    extra = [] if text is None else [tar_member(f"{TOP}/pyproject.toml", text.encode())]
    return build_system(read(sdist(*extra)))


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'demo'\n"])
def test_without_a_build_system_there_are_the_defaults(text: str | None) -> None:
    assert system(text) == BuildSystem(
        requires=("setuptools>=40.8.0",), backend="setuptools.build_meta:__legacy__"
    )


def test_the_build_system_is_read() -> None:
    text = """
    [build-system]
    requires = ["hatchling>=1.26", "tomli; python_version < '3.11'", "x[a]==1"]
    build-backend = "backend.module:object.part"
    backend-path = [".", "src/backend"]
    """
    assert system(text) == BuildSystem(
        requires=("hatchling>=1.26", "tomli; python_version < '3.11'", "x[a]==1"),
        backend="backend.module:object.part",
        backend_path=(".", "src/backend"),
    )


def test_a_text_for_the_source_itself_is_a_backend_path() -> None:
    assert system("[build-system]\nrequires = []\nbackend-path = '.'\n").backend_path == (".",)


def test_a_build_system_without_a_backend_is_built_as_of_old() -> None:
    found = system("[build-system]\nrequires = []\n")
    assert found == BuildSystem(requires=(), backend="setuptools.build_meta:__legacy__")


@pytest.mark.parametrize(
    "requirement",
    [
        "x @ file:///etc",
        "-r /etc/passwd",
        "https://example.invalid/x.whl",
        "git+https://example.invalid/x",
        "x @ git+https://example.invalid/x",
        "./local",
        "",
        "x\\n--index-url=y",
    ],
)
def test_a_build_requirement_that_is_not_name_and_specifier_is_refused(requirement: str) -> None:
    found = system(f'[build-system]\nrequires = ["{requirement}"]\n')
    with pytest.raises(AsamanError, match="build requirement is not name and specifier"):
        check_requires(found, "a-1.tar.gz")


@pytest.mark.parametrize("path", ["/abs", "..", "a/../..", "a/..", "", "a\\\\b"])
def test_a_backend_path_outside_the_source_is_refused(path: str) -> None:
    with pytest.raises(AsamanError, match="backend-path outside the source"):
        system(f'[build-system]\nrequires = []\nbackend-path = ["{path}"]\n')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[build-system", "cannot be read"),
        ("a = 1\na = 2", "cannot be read"),
        ("[build-system]\nbuild-backend = 'x'", "without requires"),
        ("build-system = 1", "without requires"),
        ("[build-system]\nrequires = 'x'", "not a list"),
        ("[build-system]\nrequires = [1]", "not a list"),
        ("[build-system]\nrequires = []\nbuild-backend = 'a b'", "not the name of an object"),
        ("[build-system]\nrequires = []\nbuild-backend = 1", "not the name of an object"),
        ("[build-system]\nrequires = []\nbackend-path = 'x'", "not a list"),
    ],
)
def test_a_malformed_build_system_is_refused(text: str, why: str) -> None:
    with pytest.raises(AsamanError, match=why) as caught:
        system(text)
    assert len(caught.value.lines()) == 1


def test_an_sdist_that_nothing_builds_is_refused() -> None:
    data = gzipped(tar_member(f"{TOP}/PKG-INFO", pkg_info()) + END)
    with pytest.raises(AsamanError, match=r"neither pyproject\.toml nor setup\.py"):
        build_system(read(data))
