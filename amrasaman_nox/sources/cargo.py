"""Where the user's cargo gets crates from, as cargo itself reports.

Cargo knows mirrors, replacements and credentials of its registry, as uv does for the index of
Python packages. It is run on a manifest of our own, in a private folder, and only to leave the
``config.json`` of its index there ("Registry Index" in the Cargo book). It never runs in the folder
of a source, whose configuration could name programs to start.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import strict_toml
from amrasaman_nox.errors import AsamanError, ExitCode, printable, system_reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from amrasaman_nox.sources.store import Store

_MANIFEST: Final = """\
[package]
name = "amrasaman-nox-index"
version = "0.0.0"
edition = "2018"

[lib]
path = "lib.rs"

[dependencies]
"""
#: Any crate does where it is asked which index there is.
_ANY: Final = ("cfg-if",)
_SECONDS: Final = 120
_LARGEST: Final = 64 << 10
#: The user's own files of cargo, which hold mirrors and credentials.
_CONFIGURATION: Final = ("config.toml", "config", "credentials.toml", "credentials")
_HINT: Final = "check the configuration of cargo, or set an index with --crate-index"


@dataclass(frozen=True, kw_only=True, slots=True)
class Registry:
    """A registry of crates.

    ``download`` is the ``dl`` of its ``config.json``, and ``private`` whether it requires a token
    for each download; ``source`` is how a ``Cargo.lock`` names it, ``""`` where that is not known.
    """

    download: str
    source: str = ""
    private: bool = False


def ask(cargo: Path, variables: Mapping[str, str], store: Store) -> Registry:
    """Return the registry that the user's cargo takes crates from.

    :param cargo: the program itself, no shim of rustup
    :param variables: the user's environment
    :raises AsamanError: cargo cannot reach its registry (exit 5), or something in a folder above
        would have a say (exit 4)
    """
    with _asked(cargo, variables, store, _ANY) as (home, said):
        lock = home.with_name("index") / "Cargo.lock"
        return dataclasses.replace(_registry(home, said), source=_source(lock))


def index_files(
    cargo: Path, variables: Mapping[str, str], store: Store, names: Sequence[str]
) -> dict[str, bytes]:
    """Return what the index of the user's cargo has of the crates *names*, one line a release.

    :param names: names of crates that are checked
    :raises AsamanError: as :func:`ask`
    """
    with _asked(cargo, variables, store, names) as (home, said):
        # It says where it cannot reach its index.
        _registry(home, said)
        by_file = {name.lower(): name for name in names}
        return {
            by_file[path.name]: _lines(path.read_bytes())
            for path in home.glob("registry/index/*/.cache/**/*")
            if path.is_file() and path.name in by_file
        }


def _lines(cached: bytes) -> bytes:
    """Return the JSON in a file of cargo's cache: versions and lines, each ended by a NUL."""
    return b"".join(part + b"\n" for part in cached.split(b"\0") if part.startswith(b"{"))


@contextlib.contextmanager
def _asked(
    cargo: Path, variables: Mapping[str, str], store: Store, names: Sequence[str]
) -> Iterator[tuple[Path, str]]:
    """Let cargo look *names* up; yield its home, and the last line of what it said."""
    with store.temporary("cargo-") as folder:
        _check_parents(folder, Path(variables.get("HOME") or "/"))
        home, project = folder / "home", folder / "index"
        home.mkdir(mode=0o700)
        project.mkdir(mode=0o700)
        _copy_configuration(home, variables)
        wanted = "".join(f'{name} = "*"\n' for name in names)
        (project / "Cargo.toml").write_text(_MANIFEST + wanted)
        (project / "lib.rs").touch()
        yield home, _run(cargo, project, home, variables)


def read_config(content: bytes, name: str) -> Registry:
    """Return what a registry's ``config.json`` says.

    :param name: what is to be named if it is malformed
    :raises AsamanError: it is malformed (exit 5)
    """
    try:
        config = json.loads(content[:_LARGEST])
        download = config["dl"]
        private = config.get("auth-required", False)
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        download, private = None, False
    if not isinstance(download, str):
        raise AsamanError(name, "not the config.json of a registry", code=ExitCode.INPUT_OUTPUT)
    return Registry(download=download, private=bool(private))


def _check_parents(folder: Path, home: Path) -> None:
    """Check that no configuration lies above *folder*: cargo would run programs that it names."""
    for parent in folder.resolve().parents:
        if parent == home.resolve():
            continue
        for name in (".cargo", "rust-toolchain", "rust-toolchain.toml"):
            if (parent / name).exists():
                raise AsamanError(
                    str(parent / name),
                    "configures cargo for the cache folder",
                    hint="move the cache elsewhere with --cache-dir",
                    code=ExitCode.NOT_AVAILABLE,
                )


def _copy_configuration(home: Path, variables: Mapping[str, str]) -> None:
    own = Path(variables.get("CARGO_HOME") or Path(variables.get("HOME") or "/") / ".cargo")
    for name in _CONFIGURATION:
        if (own / name).is_file():
            shutil.copyfile(own / name, home / name)
            (home / name).chmod(0o600)


def _run(cargo: Path, project: Path, home: Path, variables: Mapping[str, str]) -> str:
    """Let cargo look up what the project names; return the last line of what it said."""
    emptied = {name: "" for name in variables if name.startswith("CARGO_BUILD_")}
    environment = {
        **variables,
        **emptied,
        "CARGO_HOME": str(home),
        "CARGO_TERM_COLOR": "never",
        "RUSTC": str(cargo.with_name("rustc")),
        "RUSTC_WRAPPER": "",
        "RUSTC_WORKSPACE_WRAPPER": "",
        "CARGO_BUILD_RUSTC_WRAPPER": "",
        "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER": "",
    }
    try:
        done = subprocess.run(
            [str(cargo), "generate-lockfile"],
            cwd=project,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_SECONDS} seconds"
    except OSError as error:
        raise AsamanError(str(cargo), system_reason(error), code=ExitCode.NOT_AVAILABLE) from None
    lines = [line.strip() for line in done.stderr.decode(errors="replace").splitlines()]
    return printable(next((line for line in reversed(lines) if line), ""))


def _registry(home: Path, said: str) -> Registry:
    found = sorted(home.glob("registry/index/*/config.json"))
    if len(found) != 1:
        why = f"cargo does not report the index of crates: {said or 'its index has no config.json'}"
        raise AsamanError("crates", why, hint=_HINT, code=ExitCode.INPUT_OUTPUT)
    return read_config(found[0].read_bytes(), "crates")


def _source(lock: Path) -> str:
    try:
        packages = strict_toml.parse(lock.read_bytes()).get("package", [])
    except (OSError, ValueError):
        return ""
    return next(_sources(packages), "")


def _sources(packages: list[dict[str, str]]) -> Iterator[str]:
    for package in packages:
        if "source" in package:
            yield package["source"]
