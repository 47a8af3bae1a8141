"""How a wheel was built, for people."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from amrasaman_nox.model import Digest, LockedFile, Modified, SystemPackage, Tool
from amrasaman_nox.sites.recipe import recipe

from ..reports.examples import record
from . import handmade

if TYPE_CHECKING:
    from pathlib import Path


def test_a_recipe_names_what_a_rebuilder_needs(tmp_path: Path) -> None:
    full = dataclasses.replace(
        handmade.entry(tmp_path, "a").record,
        requirements=(LockedFile(filename="flit_core-3.12.0.whl", digest=Digest.of(b"f")),),
        tools=(Tool(name="cc", version="gcc 12"),),
        distribution="debian 12",
        system=(
            SystemPackage(kind="deb", name="libc6", version="2.36", architecture="a", files=()),
        ),
        config_settings=(("a", "b"),),
        backend="flit_core.buildapi",
    )
    text = "".join(recipe(full))
    for part in (
        *("a-1.0.tar.gz", str(Digest.of(b"sdist")), "1309379017", "flit_core.buildapi", "full"),
        *("Build requirements: 1", "flit_core-3.12.0.whl", "gcc 12", "<code>a=b</code>"),
        *("Packages of debian 12: 1", "libc6 2.36"),
    ):
        assert part in text


def test_what_a_record_does_not_say_is_left_out() -> None:
    text = "".join(recipe(record("a", as_published=True)))
    assert "Published wheel" in text
    assert "Source date epoch" not in text
    assert "details" not in text


def test_a_modified_source_is_named() -> None:
    built = record("a")
    change = Modified(pinned=None, patches=(("x.patch", Digest.of(b"x")),))
    changed = dataclasses.replace(built, source=dataclasses.replace(built.source, modified=change))
    assert "modified source: patched with x.patch" in "".join(recipe(changed))
