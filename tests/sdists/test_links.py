"""Links of a source: relative, inside, and without a circle; whether one may dangle is asked."""

from __future__ import annotations

import pytest

from amrasaman_nox.archives.names import Subject
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sdists.links import Links, check_links

SUBJECT = Subject(what="demo-1.0.tar.gz")


def links(**targets: str) -> Links:
    """Links below a source with ``a/file``; ``__`` in their names stands for a slash."""
    return Links(
        targets={tuple(name.split("__")): target for name, target in targets.items()},
        files={("a", "file"), ("setup.py",)},
        folders={(), ("a",), ("d",)},
    )


@pytest.mark.parametrize(
    "made",
    [
        links(l="setup.py"),
        links(l="a/file"),
        links(l="a"),
        links(d__l="../a/file"),
        links(l="m", m="n", n="setup.py"),
    ],
)
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_to_what_is_there_is_safe(made: Links, dangling: bool) -> None:
    check_links(made, SUBJECT, dangling=dangling)


@pytest.mark.parametrize(
    "made",
    [links(l="missing"), links(d__l="../x/y"), links(l="m", m="d/missing"), links(l="a/file/x")],
)
def test_a_link_may_dangle_only_where_that_is_allowed(made: Links) -> None:
    check_links(made, SUBJECT, dangling=True)
    with pytest.raises(AsamanError, match="unsafe link"):
        check_links(made, SUBJECT, dangling=False)


@pytest.mark.parametrize(
    "made",
    [
        links(l="/etc/passwd"),
        links(l="../missing"),
        links(d__l="../../missing"),
        links(l="m", m="../x"),
        links(l="l"),
        links(l="m", m="l"),
        links(l="l/x"),
        links(l="a", m="l/missing"),
        links(l="a", m="l"),
        links(l="missing", m="l/x"),
        links(d__l="../d"),
        links(a__l="../d", d__l="../a"),
        links(l="."),
        links(l=""),
        links(l="a/../setup.py"),
    ],
)
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_that_leads_out_or_round_is_refused(made: Links, dangling: bool) -> None:
    with pytest.raises(AsamanError, match="unsafe link"):
        check_links(made, SUBJECT, dangling=dangling)
