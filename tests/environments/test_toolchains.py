"""Rust toolchains that are installed, with programs that answer as rustc and cargo do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.environments.toolchains import choose, inspect
from amrasaman_nox.errors import AsamanError, ExitCode
from tests.support.rungs import put

if TYPE_CHECKING:
    from amrasaman_nox.sources.store import Store

HOST = "x86_64-unknown-linux-gnu"
RUSTC = """\
case "$1" in
-vV) printf 'rustc {version}\\ncommit-hash: abc\\nhost: {host}\\nrelease: {version}\\n';;
--print) echo '{sysroot}';;
esac
"""


def toolchain(sysroot: Path, version: str = "1.95.0") -> Path:
    """Make a toolchain in the folder *sysroot* and return it."""
    (sysroot / "bin").mkdir(parents=True)
    std = sysroot / "lib/rustlib" / HOST / "lib"
    std.mkdir(parents=True)
    (std / "libstd.rlib").write_text("std")
    (sysroot / "lib/librustc_driver.so").write_text("driver")
    put(sysroot / "bin/rustc", RUSTC.format(version=version, host=HOST, sysroot=sysroot))
    put(sysroot / "bin/cargo", f"echo 'cargo {version}'")
    return sysroot


def refused(request: str, variables: dict[str, str], store: Store) -> AsamanError:
    with pytest.raises(AsamanError) as caught:
        inspect(request, variables, store)
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert caught.value.hint
    assert len(caught.value.lines()) == 2
    return caught.value


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a user without Rust."""
    return {"HOME": str(tmp_path / "home"), "PATH": str(tmp_path / "bin")}


def test_a_folder_and_its_rustc_name_the_same_toolchain(
    tmp_path: Path, home: dict[str, str], store: Store
) -> None:
    sysroot = toolchain(tmp_path / "rust")
    found = inspect(str(sysroot), home, store)
    assert (found.sysroot, found.version, found.host) == (str(sysroot), "1.95.0", HOST)
    assert (found.commit, found.cargo) == ("abc", "cargo 1.95.0")
    assert found.cargo_program == sysroot / "bin/cargo"
    assert inspect(str(sysroot / "bin/rustc"), home, store) == found


@pytest.mark.parametrize(
    ("request_", "name"),
    [("1.95", "1.95.10"), ("1.95.2", "1.95.2"), ("stable", "stable"), ("1", "1.100.0")],
)
def test_a_version_is_the_newest_toolchain_of_rustup_that_it_names(
    tmp_path: Path, home: dict[str, str], store: Store, request_: str, name: str
) -> None:
    installed = tmp_path / "home/.rustup/toolchains"
    for each in ("1.9.0", "1.95.2", "1.95.10", "1.100.0", "stable"):
        toolchain(installed / f"{each}-{HOST}", each)
    assert inspect(request_, home, store).sysroot == str(installed / f"{name}-{HOST}")


def test_without_a_name_it_is_that_of_the_rustc_on_the_search_path(
    tmp_path: Path, home: dict[str, str], store: Store
) -> None:
    sysroot = toolchain(tmp_path / "rust")
    (tmp_path / "bin").mkdir()
    put(tmp_path / "bin/rustc", f"exec '{sysroot}/bin/rustc' \"$@\"")
    assert inspect("", home, store).sysroot == str(sysroot)


def test_the_digest_is_that_of_what_can_change_a_wheel(
    tmp_path: Path, home: dict[str, str], store: Store
) -> None:
    sysroot = toolchain(tmp_path / "rust")
    before = inspect(str(sysroot), home, store).digest
    (sysroot / "README").write_text("does not count")
    assert inspect(str(sysroot), home, store).digest == before
    (sysroot / "lib/rustlib" / HOST / "lib/libstd.rlib").write_text("another std")
    assert inspect(str(sysroot), home, store).digest != before
    other = toolchain(tmp_path / "elsewhere/rust")
    for name in ("bin/rustc", f"lib/rustlib/{HOST}/lib/libstd.rlib"):
        (other / name).write_bytes((sysroot / name).read_bytes())
    here = inspect(str(sysroot), home, store).digest
    assert inspect(str(other), home, store).digest == here, "its place does not count"


def test_no_toolchain_is_one_line_with_the_way_to_get_one(
    tmp_path: Path, home: dict[str, str], store: Store
) -> None:
    assert "rustc is not on PATH" in refused("", home, store).why
    assert "rustup toolchain install 1.80" in refused("1.80", home, store).hint
    assert "has no bin/rustc" in refused(str(tmp_path), home, store).why


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 7", "exit status 7"),
        ("echo 'oh no' >&2; exit 1", "oh no"),
        ("echo hello", "unexpected output"),
    ],
)
def test_a_rustc_that_does_not_work_is_one_line(
    tmp_path: Path, home: dict[str, str], store: Store, script: str, why: str
) -> None:
    sysroot = toolchain(tmp_path / "rust")
    put(sysroot / "bin/rustc", script)
    assert why in str(refused(str(sysroot), home, store))


def test_a_toolchain_without_cargo_is_none(
    tmp_path: Path, home: dict[str, str], store: Store
) -> None:
    sysroot = toolchain(tmp_path / "rust")
    (sysroot / "bin/cargo").unlink()
    assert "no bin/cargo" in refused(str(sysroot), home, store).why


def test_a_version_may_be_that_of_the_users_default(
    tmp_path: Path, home: dict[str, str], store: Store
) -> None:
    sysroot = toolchain(tmp_path / "home/.rustup/toolchains/stable-x", "1.95.0")
    (tmp_path / "bin").mkdir()
    put(tmp_path / "bin/rustc", f"exec '{sysroot}/bin/rustc' \"$@\"")
    assert inspect("1.95", home, store).sysroot == str(sysroot)
    assert "rustup toolchain install 1.99" in refused("1.99", home, store).hint


def test_the_toolchain_of_a_source_counts_where_it_is_installed_and_the_users_before_it(
    tmp_path: Path, home: dict[str, str], store: Store
) -> None:
    installed = tmp_path / "home/.rustup/toolchains"
    for each in ("1.70.0", "1.80.0"):
        toolchain(installed / f"{each}-{HOST}", each)
    (tmp_path / "bin").mkdir()
    put(tmp_path / "bin/rustc", f"exec '{installed}/1.80.0-{HOST}/bin/rustc' \"$@\"")
    assert choose("", "1.70", home, store).version == "1.70.0"
    assert choose("", "1.60", home, store).version == "1.80.0"
    assert choose("1.80", "1.70", home, store).version == "1.80.0"
    with pytest.raises(AsamanError):
        choose("1.60", "1.70", home, store)


def test_the_distributions_toolchain_is_found_by_its_version(
    home: dict[str, str], store: Store
) -> None:
    if not Path("/usr/bin/rustc").exists():
        pytest.skip("the distribution has no Rust here")
    found = inspect("/usr", home, store)
    assert found.sysroot == "/usr"
    assert inspect(found.version, home, store) == found
