"""Whether an index accepts what is built, and whether its metadata says the same everywhere.

The core metadata specification is checked by ``packaging.metadata``, classifiers by
``trove-classifiers`` and a README in reStructuredText by ``readme-renderer``, as ``twine check
--strict`` and the index do. The last two come with ``amrasaman-nox[check]``.
"""

from __future__ import annotations

import difflib
import io
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from packaging.metadata import InvalidMetadata, Metadata, parse_email
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.metadata import RawMetadata

    from amrasaman_nox.releases.facts import Built, Tree
    from amrasaman_nox.releases.repository import Problem

_PYTHON: Final = "Programming Language :: Python :: "
#: A warning of docutils: the line, and what is wrong.
_WARNING: Final = re.compile(r"^<string>:(\d+): \(\w+/\d\) (.+)", re.MULTILINE)
_MINOR: Final = re.compile(r"[0-9]+\.[0-9]+")
_INSTALL: Final = "pip install 'amrasaman-nox[check]'"
_RST: Final = ("", "text/x-rst")


def check_metadata(_: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield what of the metadata the index refuses."""
    if built is None:
        return
    raw = _raw(built)
    try:
        Metadata.from_email(built.metadata)
    except ExceptionGroup as group:
        for error in group.exceptions:
            yield _shown(error), "correct [project] in pyproject.toml"
    if Version(built.version).local:
        what = f"the index does not accept a local version such as {built.version}"
        yield what, "build a commit that has a tag, without changes"
    for text in raw.get("requires_dist", ()):
        if (found := _requirement(text)) is not None and found.url:
            yield (
                f"the index does not accept a dependency with a URL: {found.name}",
                "name a version",
            )
    if len(raw.get("summary", "")) > 512:
        yield "the index does not accept a description of more than 512 characters", "shorten it"


def check_classifiers(_: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield the classifiers that the index does not know, or no longer wants."""
    if built is None:
        return
    own = _raw(built).get("classifiers", [])
    known = _library("trove_classifiers")
    if known is None:
        if own:
            yield "not checked: trove-classifiers is not installed", _INSTALL
        return
    for name in own:
        if name in known.deprecated_classifiers:
            yield f"deprecated: {name}", ", ".join(known.deprecated_classifiers[name]) or "remove"
        elif name not in known.classifiers:
            near = difflib.get_close_matches(name, known.classifiers, n=1, cutoff=0.8)
            fix = f"write {near[0]}" if near else "see the list of classifiers"
            yield f"unknown, or refused by the index: {name}", fix


def check_python(_: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield where ``requires-python``, the classifiers and the wheel's tags contradict."""
    if built is None:
        return
    raw = _raw(built)
    requires = raw.get("requires_python", "")
    if not requires:
        yield "requires-python is missing", 'requires-python = ">=3.x" in pyproject.toml'
        return
    try:
        allowed = SpecifierSet(requires)
    except ValueError:
        return  # the metadata check says so
    own = [name.removeprefix(_PYTHON) for name in raw.get("classifiers", []) if _PYTHON in name]
    for minor in filter(_MINOR.fullmatch, own):
        if not any(f"{minor}.{patch}" in allowed for patch in (0, 30)):
            yield (
                f"a classifier names Python {minor}, and requires-python is {requires}",
                "change one of them",
            )
    if "py2" in {tag.split("-")[0] for tag in built.tags} and "2.7.18" not in allowed:
        yield (
            f"the wheel is tagged py2, and requires-python is {requires}",
            "remove universal from setup.cfg",
        )


def check_readme(_: Tree, built: Built | None) -> Iterator[Problem]:
    """Yield that the index cannot show the long description."""
    if built is None:
        return
    raw = _raw(built)
    text, kind = raw.get("description", ""), raw.get("description_content_type", "")
    if not text.strip():
        yield "no README", 'readme = "README.md" in pyproject.toml'
    elif not kind:
        yield "the README has no content type", "name its file with .md or .rst, or content-type"
    if text.strip() and kind.partition(";")[0].strip().lower() in _RST:
        yield from _rst(text)


def _rst(text: str) -> Iterator[Problem]:
    rst = _library("readme_renderer.rst")
    if rst is None:
        yield "not rendered: readme-renderer is not installed", _INSTALL
        return
    warnings = io.StringIO()
    if rst.render(text, stream=warnings) is None:
        first = _WARNING.search(warnings.getvalue())
        why = f"line {first[1]}: {first[2].rstrip('.')}" if first else "no reStructuredText"
        yield f"the README does not render: {why}", "correct the README"


def _raw(built: Built) -> RawMetadata:
    return parse_email(built.metadata)[0]


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except ValueError:
        return None  # the metadata check says so


def _shown(error: Exception) -> str:
    return f"{error.field}: {error}" if isinstance(error, InvalidMetadata) else str(error)
