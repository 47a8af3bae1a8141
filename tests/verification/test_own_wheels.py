"""Hashes of somebody's own wheels, held against what their sdists build to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.config.layers import pins_to_check
from amrasaman_nox.model import Digest, Pin, Verdict
from amrasaman_nox.verification import own_wheels

from ..support import miniatures
from ..support.projects import make_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.bench import Bench

NOWHERE = "http://127.0.0.1:9/simple/"
B = "b" * 64


def test_hashes_of_own_wheels_are_recognised_and_checked(cold: Bench, tmp_path: Path) -> None:
    assert cold.index is not None
    sdist = miniatures.project("one")
    miniatures.add_sdist(cold.index, "one", sdist)
    cold.write(f"one==1.0 --hash={Digest.of(b'a wheel')}", name="own.txt")
    refused = cold.asaman("-r", "own.txt")
    assert refused.returncode == 2
    assert f"wheels of your own: asaman verify --against {cold.folder}/own.txt" in refused.stderr
    differs = cold.asaman("verify", "--against", "own.txt", "--json", "report.json")
    assert differs.returncode == 1, differs.stderr
    assert "note: " in differs.stderr
    (one,) = json.loads((cold.folder / "report.json").read_text())["comparisons"]
    assert (one["name"], one["verdict"]) == ("one", "different")
    canonical, raw = re.findall(r"sha256:[0-9a-f]{64}", one["reason"])
    assert raw == one["ours"]
    cold.write(f"one==1.0 --hash={canonical}", "two==1.0 --hash=" + canonical, name="own.txt")
    folder = tmp_path / "sdists"
    folder.mkdir()
    (folder / "one-1.0.tar.gz").write_bytes(sdist)
    cold.index_url = NOWHERE
    some = cold.asaman("verify", "--against", "own.txt", "--sources", str(folder))
    assert some.returncode == 2
    assert "two==1.0" in some.stderr
    assert f"{folder} has no sdist of it" in some.stderr
    assert "1 identical" in some.stdout
    cold.write(f"one==1.0 --hash={raw}", name="own.txt")
    done = cold.asaman("verify", "--against", "own.txt", "--sources", str(folder))
    assert done.returncode == 0, done.stderr
    assert "as the build backend wrote it" in done.stdout


#: Writes down which version of a build requirement there was.
NOTES_VERSION = """
import importlib.metadata, pathlib
from flit_core.buildapi import *
from flit_core import buildapi

def build_wheel(*args, **kwargs):
    version = importlib.metadata.version("mini-helper")
    pathlib.Path("needs.py").write_text(f"'''Made with {version}.'''")
    return buildapi.build_wheel(*args, **kwargs)
"""


@pytest.mark.slow
def test_build_requirements_that_are_pinned_as_well_are_tried(cold: Bench) -> None:
    assert cold.index is not None
    sdist = miniatures.project(
        "needs",
        backend="own",
        requires='"flit_core", "mini-helper"',
        more='backend-path = ["."]\n',
        own__py=NOTES_VERSION,
    )
    miniatures.add_sdist(cold.index, "needs", sdist)
    call = ("verify", "--against", "own.txt", "--relock", "--json", "report.json")
    cold.write(f"needs==1.0 --hash={Digest.of(b'a wheel')}", name="own.txt")
    found = {}
    for version in ("1.0", "2.0"):
        wheel, name = make_wheel("mini-helper", version), f"mini_helper-{version}-py3-none-any.whl"
        cold.index.add(wheel, name, uploaded=miniatures.BACKENDS_UPLOADED)
        assert cold.asaman(*call).returncode == 1
        (one,) = json.loads((cold.folder / "report.json").read_text())["comparisons"]
        found[version] = one["ours"]
    assert found["1.0"] != found["2.0"]
    helper = f"mini-helper==1.0 --hash={Digest.of(b'another')}"
    cold.write(f"needs==1.0 --hash={found['1.0']}", helper, name="own.txt")
    cold.asaman(*call)
    one = json.loads((cold.folder / "report.json").read_text())["comparisons"][0]
    assert (one["name"], one["verdict"]) == ("needs", "identical")
    assert "with the build requirements that are pinned as well" in one["reason"]


def test_a_file_of_pins_is_neither_a_folder_nor_a_record_nor_a_wheel(tmp_path: Path) -> None:
    for name in ("own.txt", "a.whl", "a.whl.provenance.json"):
        (tmp_path / name).touch()
    found = {
        name: pins_to_check(Config(against=str(tmp_path / name)))
        for name in ("own.txt", "a.whl", "a.whl.provenance.json", ".", "missing")
    }
    assert [name for name, path in found.items() if path is not None] == ["own.txt"]
    assert pins_to_check(Config(against="published")) is None
    assert pins_to_check(Config()) is None


def test_a_lock_gives_the_hashes_of_its_wheels(tmp_path: Path) -> None:
    wheel = f'{{ url = "https://h.example/a-1.0-py3-none-any.whl", hashes = {{ sha256 = "{B}" }} }}'
    (tmp_path / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "a"\nversion = "1.0"\n'
        f"wheels = [{wheel}]\n"
    )
    (pin,) = own_wheels.read(tmp_path / "pylock.toml", Config())
    assert [digest.value for digest in pin.digests] == [B]


def test_a_pin_that_nothing_was_built_of_is_unchecked() -> None:
    pins = [Pin(name=name, version="1.0") for name in ("a", "b")]
    (one,) = own_wheels.unbuilt(pins, [("a", "1.0+local"), ("b", "1.1")])
    assert (one.name, one.verdict) == ("b", Verdict.UNCHECKED)
