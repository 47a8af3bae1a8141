"""What an index accepts of metadata."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from amrasaman_nox.releases import metadata
from amrasaman_nox.releases.facts import Built, Tree

TREE = Tree(folder=Path())
GOOD = {
    "Metadata-Version": "2.4",
    "Name": "p",
    "Version": "1.0",
    "Summary": "A thing",
    "Requires-Python": ">=3.11",
    "Classifier": "Programming Language :: Python :: 3.12",
    "Description-Content-Type": "text/markdown",
}


def built(*, text: str = "# P\n", tags: tuple[str, ...] = (), **changes: str) -> Built:
    headers = {**GOOD, **{name.replace("_", "-"): value for name, value in changes.items()}}
    lines = [f"{name}: {value}" for name, value in headers.items() if value]
    content = "\n".join([*lines, "", text]).encode()
    return Built(
        name="p",
        version=headers["Version"],
        members=frozenset(),
        tags=tags,
        metadata=content,
    )


CHECKS = (
    *(metadata.check_metadata, metadata.check_classifiers),
    *(metadata.check_python, metadata.check_readme),
)


def test_good_metadata_has_no_findings() -> None:
    for check in CHECKS:
        assert list(check(TREE, built(tags=("py3-none-any",)))) == []
        assert list(check(TREE, None)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"License_Expression": "MIIT"}, "license-expression"),
        ({"Version": "1.0+local"}, "a local version such as 1.0+local"),
        ({"Requires_Dist": "x @ https://example.org/x.whl"}, "dependency with a URL: x"),
        ({"Requires_Dist": "x (>"}, "requires-dist"),
        ({"Summary": "x" * 600}, "more than 512"),
        ({"Description_Content_Type": "text/html"}, "description-content-type"),
        ({"Requires_Python": "3"}, "requires-python"),
    ],
)
def test_what_the_index_refuses_is_named(changes: dict[str, str], said: str) -> None:
    assert said in str(list(metadata.check_metadata(TREE, built(**changes))))


@pytest.mark.parametrize(
    ("classifier", "said"),
    [
        ("Private :: Do Not Upload", "refused by the index"),
        ("Programming Language :: Cobol 2099", "unknown"),
        (
            "Programming Language :: Python :: 3 :: only",
            "write Programming Language :: Python :: 3 :: Only",
        ),
        ("Natural Language :: Ukranian", "deprecated"),
    ],
)
def test_a_classifier_that_the_index_does_not_take_is_named(classifier: str, said: str) -> None:
    assert said in str(list(metadata.check_classifiers(TREE, built(Classifier=classifier))))


@pytest.mark.parametrize(
    ("changes", "tags", "said"),
    [
        ({"Requires_Python": ""}, (), "requires-python is missing"),
        ({"Classifier": "Programming Language :: Python :: 3.9"}, (), "names Python 3.9"),
        ({}, ("py2-none-any", "py3-none-any"), "tagged py2"),
    ],
)
def test_what_is_said_of_python_agrees(
    changes: dict[str, str], tags: tuple[str, ...], said: str
) -> None:
    assert said in str(list(metadata.check_python(TREE, built(tags=tags, **changes))))


def test_a_bound_within_a_minor_version_takes_it() -> None:
    within = built(Requires_Python=">=3.12.4")
    assert list(metadata.check_python(TREE, within)) == []


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("text/markdown", "\n", "no README"),
        ("", "Some text\n", "no content type"),
        (
            "text/x-rst",
            "Title\n==\n\n.. nonsense::\n",
            'does not render: line 4: Unknown directive type "nonsense"',
        ),
    ],
)
def test_a_readme_that_the_index_cannot_show_is_named(kind: str, text: str, said: str) -> None:
    one = built(Description_Content_Type=kind, text=text)
    assert said in str(list(metadata.check_readme(TREE, one)))


def test_a_readme_in_restructured_text_renders() -> None:
    one = built(Description_Content_Type="text/x-rst", text="Title\n=====\n\n*x*\n")
    assert list(metadata.check_readme(TREE, one)) == []


def test_what_cannot_be_checked_without_a_library_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("trove_classifiers", "readme_renderer.rst"):
        monkeypatch.setitem(sys.modules, name, None)
    one = built(Description_Content_Type="text/x-rst")
    for check in (metadata.check_classifiers, metadata.check_readme):
        ((what, fix),) = check(TREE, one)
        assert "is not installed" in what
        assert "amrasaman-nox[check]" in fix
