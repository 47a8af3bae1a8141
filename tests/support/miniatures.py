"""Miniature projects, one a real build backend, and an index that can build them all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from amrasaman_nox.model import Digest

from .projects import make_sdist

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .index import LocalIndex

#: What the backends of the miniatures are, as distributions that are installed here.
BACKENDS = ("flit_core", "hatchling", "setuptools", "poetry-core", "pdm-backend", "wheel")

_MODULE = '"""A miniature."""\n\nVALUE = 1\n'
_TABLE = '[project]\nname = "{name}"\nversion = "{version}"\ndescription = "A miniature"\n'
_SYSTEM = '[build-system]\nrequires = [{requires}]\nbuild-backend = "{backend}"\n'

_C_SOURCE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "mini_c", __FILE__, -1, NULL};
PyMODINIT_FUNC PyInit_mini_c(void) { return PyModule_Create(&module); }
"""
_C_SETUP = """
from setuptools import Extension, setup
setup(ext_modules=[Extension("mini_c", ["mini_c.c"])])
"""
_LEGACY_SETUP = """
from setuptools import setup
setup(name="mini-legacy", version="{version}", py_modules=["mini_legacy"], description="Old")
"""
_IN_TREE = """
from flit_core.buildapi import *
"""
# What it asks for beyond pyproject.toml must be there when the wheel is built.
_DYNAMIC = """
from flit_core.buildapi import *
from flit_core import buildapi

def get_requires_for_build_wheel(config_settings=None):
    return ["wheel>=0.40"]

def build_wheel(*args, **kwargs):
    import wheel
    return buildapi.build_wheel(*args, **kwargs)
"""


def project(
    name: str,
    version: str = "1.0",
    *,
    backend: str = "flit_core.buildapi",
    requires: str = '"flit_core"',
    more: str = "",
    **files: str,
) -> bytes:
    """Return an sdist with one module; ``__`` in the names of *files* stands for a dot."""
    module = name.replace("-", "_")
    contents = {f"{module}.py": _MODULE}
    contents |= {path.replace("__", "."): text for path, text in files.items()}
    system = _SYSTEM.format(requires=requires, backend=backend)
    pyproject = system + more + _TABLE.format(name=name, version=version)
    return make_sdist(name, version, contents, pyproject=pyproject)


def _setuptools(name: str, version: str, **files: str) -> bytes:
    return project(
        name,
        version,
        backend="setuptools.build_meta",
        requires='"setuptools"',
        **files,
    )


def _legacy(version: str) -> bytes:
    setup = _LEGACY_SETUP.format(version=version)
    return make_sdist(
        "mini-legacy", version, {"mini_legacy.py": _MODULE, "setup.py": setup}, pyproject=""
    )


def _in_tree(name: str, version: str, code: str) -> bytes:
    more = 'backend-path = ["."]\n'
    return project(name, version, backend="own_backend", more=more, own_backend__py=code)


#: A project for each backend and each way to name one; made for a version.
MINIATURES: Mapping[str, Callable[[str], bytes]] = {
    "mini-flit": lambda version: project("mini-flit", version),
    "mini-hatch": lambda version: project(
        "mini-hatch", version, backend="hatchling.build", requires='"hatchling"'
    ),
    "mini-setuptools": lambda version: _setuptools("mini-setuptools", version),
    "mini-c": lambda version: _setuptools(
        "mini-c", version, mini_c__c=_C_SOURCE, setup__py=_C_SETUP
    ),
    "mini-poetry": lambda version: project(
        "mini-poetry",
        version,
        backend="poetry.core.masonry.api",
        requires='"poetry-core"',
    ),
    "mini-pdm": lambda version: project(
        "mini-pdm", version, backend="pdm.backend", requires='"pdm-backend"'
    ),
    "mini-in-tree": lambda version: _in_tree("mini-in-tree", version, _IN_TREE),
    "mini-dynamic": lambda version: _in_tree("mini-dynamic", version, _DYNAMIC),
    "mini-legacy": _legacy,
}


#: Long before the miniatures, since a resolution is as of their upload.
BACKENDS_UPLOADED = datetime(2023, 1, 1, tzinfo=UTC)


def fill(index: LocalIndex) -> None:
    """Add the backends, and version 1.0 of each miniature."""
    index.add_installed(*BACKENDS, uploaded=BACKENDS_UPLOADED)
    for name in MINIATURES:
        add(index, name)


def pin(name: str, version: str = "1.0") -> str:
    """Return the pin of a miniature, with its sdist's hash."""
    return f"{name}=={version} --hash={Digest.of(MINIATURES[name](version))}"


def pins(*names: str) -> list[str]:
    """Return the pins of the miniatures with these names; of all, if none are given."""
    return [pin(name) for name in names or MINIATURES]


def add(index: LocalIndex, name: str, version: str = "1.0") -> str:
    """Add a version of a miniature; return its pin, with the sdist's hash."""
    return add_sdist(index, name, MINIATURES[name](version), version)


def add_sdist(index: LocalIndex, name: str, data: bytes, version: str = "1.0", **said: Any) -> str:
    """Add an sdist; return its pin."""
    file = index.add(data, f"{name.replace('-', '_')}-{version}.tar.gz", **said)
    return f"{name}=={version} --hash={file.digest}"
