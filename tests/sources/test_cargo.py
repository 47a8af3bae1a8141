"""What the user's cargo is asked, and how; with a program that answers as cargo does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sources.cargo import Registry, ask, read_config
from tests.support.rungs import put

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store

INDEX = "sparse+https://crates.example/"
#: Leaves behind what cargo leaves behind, and notes what it sees.
CARGO = """\
env > {seen}/environment
pwd > {seen}/folder
cp -r . {seen}/project
cp -r "$CARGO_HOME" {seen}/home
mkdir -p "$CARGO_HOME/registry/index/crates.example-1"
echo '{config}' > "$CARGO_HOME/registry/index/crates.example-1/config.json"
cat > Cargo.lock << END
[[package]]
name = "amrasaman-nox-index"

[[package]]
name = "cfg-if"
source = "{index}"
END
"""


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    folder = tmp_path / "seen"
    folder.mkdir()
    return folder


def cargo(folder: Path, seen: Path, script: str = CARGO, **config: object) -> Path:
    said = json.dumps({"dl": "https://crates.example/dl", **config})
    text = script.replace("{seen}", str(seen)).replace("{config}", said).replace("{index}", INDEX)
    put(folder / "cargo", text)
    return folder / "cargo"


def refused(program: Path, variables: dict[str, str], store: Store) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        ask(program, variables, store)
    return caught.value


def test_the_registry_is_the_one_that_cargo_leaves_behind(
    tmp_path: Path, seen: Path, store: Store
) -> None:
    variables = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    found = ask(cargo(tmp_path, seen), variables, store)
    assert found == Registry(download="https://crates.example/dl", source=INDEX)


def test_it_runs_in_a_private_folder_with_the_users_own_configuration(
    tmp_path: Path, seen: Path, store: Store
) -> None:
    own = tmp_path / "cargo-home"
    own.mkdir()
    (own / "config.toml").write_text("[source]")
    (own / "env").write_text("not copied")
    variables = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "CARGO_HOME": str(own),
        "CARGO_BUILD_TARGET": "other",
        "RUSTC_WRAPPER": "sccache",
        "HTTPS_PROXY": "https://proxy.example",
    }
    ask(cargo(tmp_path, seen), variables, store)
    assert {path.name for path in (seen / "home").iterdir()} == {"config.toml"}
    assert {path.name for path in (seen / "project").iterdir()} == {"Cargo.toml", "lib.rs"}
    assert Path((seen / "folder").read_text().strip()).is_relative_to(store.root)
    told = dict(
        line.split("=", 1)
        for line in (seen / "environment").read_text().splitlines()
        if "=" in line
    )
    assert told["HTTPS_PROXY"] == "https://proxy.example"
    assert told["CARGO_HOME"] != str(own)
    assert told["RUSTC"] == str(tmp_path / "rustc")
    assert (told["CARGO_BUILD_TARGET"], told["RUSTC_WRAPPER"]) == ("", "")
    assert not list(store.root.rglob("Cargo.toml")), "nothing is left behind"


def test_a_configuration_above_the_folder_is_refused(
    tmp_path: Path, seen: Path, store: Store
) -> None:
    program = cargo(tmp_path, seen)
    above = store.root.parent / "rust-toolchain.toml"
    above.write_text("[toolchain]")
    error = refused(program, {"HOME": "/nowhere", "PATH": "/usr/bin:/bin"}, store)
    assert (error.what, error.code) == (str(above), ExitCode.NOT_AVAILABLE)
    assert not list(seen.iterdir()), "cargo did not run"


@pytest.mark.parametrize(
    ("script", "why"),
    [("echo 'error: no network' >&2; exit 101", "error: no network"), ("exit 0", "no config.json")],
)
def test_a_cargo_that_does_not_say_is_one_line(
    tmp_path: Path, seen: Path, store: Store, script: str, why: str
) -> None:
    program = cargo(tmp_path, seen, script)
    error = refused(program, {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, store)
    assert why in error.why
    assert error.code is ExitCode.INPUT_OUTPUT
    assert "--crate-index" in error.hint


def test_a_cargo_that_cannot_be_started_is_not_available(tmp_path: Path, store: Store) -> None:
    error = refused(tmp_path / "missing", {"HOME": str(tmp_path)}, store)
    assert error.code is ExitCode.NOT_AVAILABLE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"dl": 3}',
        b"null",
        b"[" * 100_000,
    ],
)
def test_a_registry_that_cannot_be_used_is_one_line(content: bytes) -> None:
    with pytest.raises(AsamanError) as caught:
        read_config(content, "https://crates.example/config.json")
    assert caught.value.code is ExitCode.INPUT_OUTPUT
    assert caught.value.what == "https://crates.example/config.json"


def test_the_configuration_of_a_registry_says_where_crates_are() -> None:
    assert read_config(b'{"dl": "https://x", "api": null}', "n") == Registry(download="https://x")
    private = read_config(b'{"dl": "https://x", "auth-required": true}', "n")
    assert private == Registry(download="https://x", private=True)
