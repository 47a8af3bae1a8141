"""Which modules a build imports: their bytecode is made once, when an environment is made.

A build cannot write it, and would compile them anew each time. A module that is missing here, or
there, costs time and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from packaging.utils import canonicalize_name, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Imports what it is told; what is not there is no fault here.
PROGRAM: Final = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException:
        pass
"""


def _below(package: str, names: str) -> tuple[str, ...]:
    return tuple(f"{package}.{name}" for name in names.split())


_SETUPTOOLS: Final = (
    "setuptools.build_meta",
    *_below(
        "setuptools.command",
        "alias bdist_rpm bdist_wheel build build_clib build_ext build_py develop dist_info "
        "easy_install editable_wheel egg_info install install_egg_info install_lib "
        "install_scripts rotate saveopts sdist",
    ),
    *_below("setuptools", "_scripts compat.py310 config._validate_pyproject wheel"),
    "distutils.command.build_scripts",
)
#: By the name of the backend's first package.
_BACKENDS: Final = {
    "setuptools": _SETUPTOOLS,
    "hatchling": _below(
        "hatchling",
        "build bridge.app builders.hooks.custom builders.hooks.version builders.wheel cli "
        "licenses.parse metadata.core metadata.custom metadata.plugin.hooks plugin.utils "
        "utils.constants utils.context version.core",
    ),
    "flit_core": _below("flit_core", "buildapi wheel"),
    "poetry": _below(
        "poetry.core",
        "factory json masonry.api masonry.builders.wheel masonry.metadata packages.project_package "
        "packages.vcs_dependency poetry pyproject.toml spdx.helpers vcs version.helpers",
    ),
}
#: By the name of a project that a build may use beside its backend.
_PLUGINS: Final = {
    "cython": (
        *_below("Cython.Compiler", "Main Optimize ParseTreeTransforms Pipeline UtilityCode"),
        *("Cython.Build", "Cython.Distutils.build_ext"),
    ),
    "hatch-fancy-pypi-readme": ("hatch_fancy_pypi_readme.hooks",),
    "hatch-vcs": _below("hatch_vcs", "build_hook hooks metadata_hook version_source"),
    "packaging": _below("packaging", "licenses requirements tags utils"),
    "setuptools-scm": _below(
        "setuptools_scm",
        "_file_finders.git _file_finders.hg _get_version_impl _integration.dump_version "
        "_integration.setuptools discover fallbacks git integration version",
    ),
    "trove-classifiers": ("trove_classifiers",),
    "wheel": _below("wheel", "bdist_wheel wheelfile"),
}


def modules(backend: str, wheels: Iterable[str]) -> tuple[str, ...]:
    """Return the modules that a build imports.

    :param backend: the build backend as ``pyproject.toml`` names it; empty for one that is part
        of a source and imports some other
    :param wheels: the file names of what is installed
    """
    installed = {canonicalize_name(parse_wheel_filename(name)[0]) for name in wheels}
    found: list[str] = []
    if backend:
        module = backend.partition(":")[0]
        found += [module, *_BACKENDS.get(module.partition(".")[0], ())]
    elif "setuptools" in installed:
        found += _SETUPTOOLS
    for project in sorted(installed & _PLUGINS.keys()):
        found += _PLUGINS[project]
    return tuple(dict.fromkeys(found))
