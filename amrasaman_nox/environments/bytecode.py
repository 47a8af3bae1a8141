"""Which modules of a build requirement are compiled at its installation: those that builds import.

A build cannot write bytecode, and would compile them each time. A module that is missing
here, or there, costs time and nothing else.
"""

from __future__ import annotations

from typing import Final


def _below(package: str, names: str) -> tuple[str, ...]:
    return tuple(f"{package}.{name}" for name in names.split())


#: By the name of the project. What these import as soon as they are imported follows by itself.
_ROOTS: Final = {
    "cython": (
        *_below(
            "Cython.Compiler",
            "AnalysedTreeTransforms AutoDocTransforms Buffer CodeGeneration CythonScope "
            "Interpreter Main MemoryView Optimize ParseTreeTransforms Pipeline TypeInference "
            "UtilityCode",
        ),
        *_below("Cython", "Build CodeWriter Distutils.build_ext Tempita Utility"),
    ),
    "flit-core": _below("flit_core", "buildapi wheel"),
    "hatch-fancy-pypi-readme": ("hatch_fancy_pypi_readme.hooks",),
    "hatch-vcs": _below("hatch_vcs", "build_hook hooks metadata_hook version_source"),
    "hatchling": _below(
        "hatchling",
        "build bridge.app builders.hooks.custom builders.hooks.plugin.hooks builders.hooks.version "
        "builders.wheel cli licenses.parse metadata.core metadata.custom metadata.plugin.hooks "
        "plugin.specs plugin.utils utils.constants utils.context version.core "
        "version.source.plugin.interface",
    ),
    "packaging": _below("packaging", "licenses requirements tags utils"),
    "pluggy": _below("pluggy", "_version"),
    "poetry-core": _below(
        "poetry.core",
        "constraints.version.patterns factory json masonry.api masonry.builders.wheel "
        "masonry.metadata masonry.utils.module packages.project_package packages.url_dependency "
        "packages.vcs_dependency poetry pyproject.toml spdx.helpers vcs version.helpers "
        "version.pep440.parser",
    ),
    "setuptools": (
        "setuptools.build_meta",
        *_below(
            "setuptools.command",
            "alias bdist_rpm bdist_wheel build build_clib build_ext build_py develop dist_info "
            "easy_install editable_wheel egg_info install install_egg_info install_lib "
            "install_scripts rotate saveopts sdist",
        ),
        *_below(
            "setuptools",
            "_core_metadata _normalization _scripts compat.py310 config._validate_pyproject msvc "
            "wheel",
        ),
        *_below("distutils", "command.build_ext command.build_scripts unixccompiler"),
        *("_distutils_hack.override", "backports.tarfile.compat.py38", "packaging.licenses"),
        "platformdirs.unix",
    ),
    "setuptools-scm": _below(
        "setuptools_scm",
        "_file_finders.git _file_finders.hg _get_version_impl _integration.dump_version "
        "_integration.setuptools discover fallbacks git integration version",
    ),
    "wheel": _below("wheel", "bdist_wheel wheelfile"),
}


def modules(project: str, backend: str) -> tuple[str, ...]:
    """Return the modules of *project* that builds import; ``*`` means all at its top.

    :param project: its canonical name
    :param backend: the build backend as ``pyproject.toml`` names it, which may be part of
        *project*; empty for one that is part of a source
    """
    named = backend.partition(":")[0]
    return (*_ROOTS.get(project, ("*",)), *([named] if named else ()))
