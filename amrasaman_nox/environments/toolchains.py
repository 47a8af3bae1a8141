"""Rust toolchains that are installed, by rustup or by the distribution; nothing is fetched.

The real ``rustc`` and ``cargo`` of a toolchain are used: those in rustup's ``bin`` folder are
shims that read a project's files and may download another toolchain.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import AsamanError, ExitCode, printable, system_reason
from amrasaman_nox.model import Digest, RustToolchain
from amrasaman_nox.sdists.rust_versions import install_command, is_of, numbers_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from amrasaman_nox.sources.store import Store

#: Where a build sees a toolchain that is not part of the system.
INSIDE: Final = "/build/rust"
#: The folder of the distribution's own toolchain, which every sandbox shows.
SYSTEM: Final = "/usr"
_SECONDS: Final = 20
_HINT: Final = "install Rust, by rustup or from the distribution, or choose a toolchain with --rust"


def inspect(request: str, variables: Mapping[str, str], store: Store) -> RustToolchain:
    """Return the toolchain that *request* names.

    :param request: a version (``1.95``, ``stable``), the path of a toolchain's folder or of its
        ``rustc``; ``""`` for the default of rustup, else the ``rustc`` on the search path
    :param variables: the user's environment: ``PATH``, ``HOME``, ``CARGO_HOME``, ``RUSTUP_HOME``
    :raises AsamanError: there is none, or it does not answer (exit 4)
    """
    root = sysroot(request, variables)
    rustc, cargo = root / "bin/rustc", _cargo(root)
    facts = _facts(rustc)
    try:
        version, host = facts["release"], facts["host"]
    except KeyError:
        raise _not_available(request, f"unexpected output of {rustc}") from None
    return RustToolchain(
        sysroot=str(root),
        version=version,
        commit=facts.get("commit-hash", ""),
        host=host,
        cargo=_ask(cargo, "--version").strip(),
        digest=_digest(_files(root, cargo, host), store),
    )


def choose(request: str, channel: str, variables: Mapping[str, str], store: Store) -> RustToolchain:
    """Return the toolchain of a user's *request*, else of a source's *channel*, else the default.

    A channel that is not installed does not count.

    :raises AsamanError: there is none (exit 4)
    """
    if channel and not request:
        with contextlib.suppress(AsamanError):
            return inspect(channel, variables, store)
    return inspect(request, variables, store)


def sysroot(request: str, variables: Mapping[str, str]) -> Path:
    """Return the folder of the toolchain that *request* names, of the user's default for ``""``.

    :raises AsamanError: there is none (exit 4)
    """
    home = Path(variables.get("HOME") or "/")
    installed = Path(variables.get("RUSTUP_HOME") or home / ".rustup") / "toolchains"
    if "/" in request:
        path = Path(request).absolute()
        path = path.resolve().parents[1] if path.is_file() else path
        if not (path / "bin/rustc").is_file():
            raise _not_available(request, f"{path} has no bin/rustc")
        return path
    if request:
        found = _of_rustup(request, installed) or _of_version(request, variables)
        if found is None:
            raise _not_available(request, f"not installed in {installed}", install_command(request))
        return found
    bins = str(Path(variables.get("CARGO_HOME") or home / ".cargo") / "bin")
    search = os.pathsep.join((variables.get("PATH") or os.defpath, bins))
    rustc = shutil.which("rustc", path=search)
    if rustc is None:
        raise _not_available(request, "rustc is not on PATH")
    said = _ask(Path(rustc), "--print", "sysroot", variables=variables).strip()
    return Path(said)


def _of_rustup(request: str, installed: Path) -> Path | None:
    """Return the newest toolchain of rustup that is named *request* or a patch release of it."""
    found = [
        path
        for path in installed.glob("*")
        if f"{path.name}-".startswith((f"{request}-", f"{request}."))
        and (path / "bin/rustc").is_file()
    ]
    return max(found, key=lambda path: (numbers_of(path.name), path.name), default=None)


def _of_version(request: str, variables: Mapping[str, str]) -> Path | None:
    """Return the user's default toolchain, or the distribution's, if that has the version."""
    for candidate in ("", f"{SYSTEM}/"):
        with contextlib.suppress(AsamanError):
            root = sysroot(candidate, variables)
            if is_of(request, _facts(root / "bin/rustc").get("release", "")):
                return root
    return None


def _facts(rustc: Path) -> dict[str, str]:
    lines = _ask(rustc, "-vV").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def _cargo(sysroot: Path) -> Path:
    cargo = sysroot / "bin/cargo"
    if not cargo.is_file():
        raise _not_available(str(sysroot), "it has no bin/cargo")
    return cargo


def _ask(program: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
    try:
        # In a folder without files that choose another toolchain.
        done = subprocess.run(
            [str(program), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": os.defpath, **(variables or {})},
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _not_available(str(program), f"no answer within {_SECONDS} seconds") from None
    except OSError as error:
        raise _not_available(str(program), system_reason(error)) from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        why = printable(lines[0]) if lines else f"exit status {done.returncode}"
        raise _not_available(str(program), why)
    return done.stdout.decode(errors="replace")


def _files(sysroot: Path, cargo: Path, host: str) -> tuple[Path, ...]:
    """Return what of a toolchain can change a wheel: programs, their libraries, std for *host*."""
    libraries = (path for path in sysroot.glob("lib/*.so*") if _is_of_rust(path, sysroot))
    std = (sysroot / "lib/rustlib" / host / "lib").glob("*")
    return tuple(sorted({sysroot / "bin/rustc", cargo, *libraries, *std}))


def _is_of_rust(path: Path, sysroot: Path) -> bool:
    # The distribution's toolchain shares the folder with all other libraries.
    return sysroot != Path(SYSTEM) or path.name.startswith(("librustc_driver", "libstd-"))


def _digest(files: tuple[Path, ...], store: Store) -> Digest:
    """Return a sha256 over names and contents of *files*; kept as long as they do not change."""
    key = hashlib.sha256(json.dumps(list(_stamps(files))).encode()).hexdigest()
    kept = store.get_value("toolchains", key)
    if kept is not None:
        return Digest.parse(kept.decode())
    whole = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{path.name} {content}\n".encode())
    digest = Digest(algorithm="sha256", value=whole.hexdigest())
    store.put_value("toolchains", key, str(digest).encode())
    return digest


def _stamps(files: tuple[Path, ...]) -> Iterator[tuple[str, int, int]]:
    for path in files:
        facts = path.stat()
        yield str(path), facts.st_size, facts.st_mtime_ns


def _not_available(request: str, why: str, hint: str = _HINT) -> AsamanError:
    what = f"Rust toolchain {request}".strip()
    return AsamanError(what, why, hint=hint, code=ExitCode.NOT_AVAILABLE)
