"""The command: which wheels it tells of, and where it writes."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

import amrasaman_nox.sbom
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest
from amrasaman_nox.sbom.command import write_sbom

from ..sites import handmade

if TYPE_CHECKING:
    from pathlib import Path


def written(tmp_path: Path, *wheels: Path, **more: Any) -> dict[str, Any]:
    output = tmp_path / "x.json"
    config = Config(folders=wheels, sbom=output, cache_dir=tmp_path / "cache", **more)
    assert write_sbom(config).output == str(output)
    content: dict[str, Any] = json.loads(output.read_text())
    return content


def test_a_folder_and_a_wheel_are_told_of_together(tmp_path: Path) -> None:
    handmade.put(tmp_path / "one", "a"), handmade.put(tmp_path / "two", "unasked")
    wheel = handmade.put(tmp_path / "two", "b")
    content = written(tmp_path, tmp_path / "one", wheel)
    names = {one["name"] for one in content["components"]}
    assert names == {"a", "b"}


def test_verdicts_come_from_reports_and_from_what_is_kept_beside_a_wheel(tmp_path: Path) -> None:
    wheel = handmade.put(tmp_path / "w", "a")
    report = handmade.report(tmp_path / "v.json", wheel)
    content = written(tmp_path, wheel, reports=(report,))
    assert content["metadata"]["component"]["evidence"]["identity"]
    site = handmade.site(tmp_path, tmp_path / "w", reports=(report,))
    assert written(tmp_path, site / "wheels") == content


def test_of_a_verified_file_only_its_own_wheels_are_told_of(tmp_path: Path) -> None:
    wheels = [handmade.put(tmp_path / "w", name) for name in ("a", "b", "unasked")]
    verified = tmp_path / "verified.txt"
    pins = [f"{each.name[0]}==1.0 --hash={Digest.of(each.read_bytes())}" for each in wheels[:2]]
    elsewhere = f'c==1.0 ; sys_platform == "win32" --hash={Digest.of(b"c")}'
    verified.write_text("\n".join([*pins, elsewhere]))
    content = written(tmp_path, tmp_path / "w", verified=verified)
    assert {one["name"] for one in content["components"]} == {"a", "b"}
    subject = content["metadata"]["component"]
    assert (subject["name"], subject["type"]) == ("verified.txt", "file")
    assert subject["hashes"][0]["content"] == Digest.of(verified.read_bytes()).value
    verified.write_text(elsewhere.replace(' ; sys_platform == "win32"', ""))
    with pytest.raises(AsamanError, match=r"c==1\.0: no wheel has one of its hashes"):
        written(tmp_path, tmp_path / "w", verified=verified)


def test_into_a_folder_each_wheel_has_a_file_of_its_own(tmp_path: Path) -> None:
    wheels = [handmade.put(tmp_path / "w", name) for name in "ab"]
    (output := tmp_path / "out").mkdir()
    write_sbom(Config(folders=(tmp_path / "w",), sbom=output, cache_dir=tmp_path / "cache"))
    names = {path.name for path in output.iterdir()}
    assert names == {f"{wheel.name}.cdx.json" for wheel in wheels}


def test_a_wheel_with_other_bytes_than_its_record_is_refused(tmp_path: Path) -> None:
    wheel = handmade.put(tmp_path / "w", "a")
    wheel.write_bytes(b"other")
    with pytest.raises(AsamanError, match="its record is of other bytes"):
        written(tmp_path, wheel)
    with pytest.raises(AsamanError, match="no wheel with a provenance record"):
        written(tmp_path, tmp_path / "w")


def test_without_the_library_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx", None)
    ours = ("cyclonedx.", "amrasaman_nox.sbom.components", "amrasaman_nox.sbom.document")
    for name in [one for one in sys.modules if one.startswith(ours)]:
        monkeypatch.delitem(sys.modules, name)
    # The package keeps what was imported of it.
    monkeypatch.delattr(amrasaman_nox.sbom, "document", raising=False)
    with pytest.raises(AsamanError) as caught:
        write_sbom(Config(folders=(tmp_path,)))
    assert caught.value.hint == "install it: pip install 'amrasaman-nox[sbom]'"
    assert not list(tmp_path.iterdir())
