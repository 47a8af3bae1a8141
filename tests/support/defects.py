"""Miniature projects with one defect each, and what verifying them must find."""

from __future__ import annotations

import functools
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox.builds import builder
from amrasaman_nox.config.config import Config
from amrasaman_nox.config.variables import own_variables
from amrasaman_nox.environments import toolchains
from amrasaman_nox.model import (
    BuildFailure,
    BuildRecord,
    Digest,
    IndexOptions,
    LockedFile,
    Pin,
    Source,
    Verdict,
)
from amrasaman_nox.runs import executors, publish
from amrasaman_nox.runs.run import Run
from amrasaman_nox.sources.site import RustSite, Site

from .projects import closure_of_installed, make_sdist

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sandbox.view import Isolation
    from amrasaman_nox.sources.store import Store
    from amrasaman_nox.verification.variations import Machine

PROJECTS = Path(__file__).parent.parent / "projects"
#: What a bare machine may lack.
COMPILER = "a C compiler"
LOCALE = "a locale that is not C"
NO_LOCALE = "no locale but C"
FAKE_CLOCK = "libfaketime"
FIXED_ADDRESSES = "addresses that can be kept constant"
RUST = "a Rust toolchain"


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A seeded defect: the folder's name, the verdict, and the first cause.

    ``also`` are further variations that must be named; ``passes`` those of canonical form that make
    up for it; ``needs`` what the machine must have.
    """

    name: str
    variation: str = ""
    explanation: str = ""
    verdict: Verdict = Verdict.DIFFERENT
    also: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    needs: str = ""

    def __str__(self) -> str:
        return self.name


def _mended(name: str, *passes: str, needs: str = "") -> Defect:
    return Defect(name=name, verdict=Verdict.IDENTICAL, passes=passes, needs=needs)


def _found(name: str, variation: str, explanation: str, *also: str, needs: str = "") -> Defect:
    return Defect(name=name, variation=variation, explanation=explanation, also=also, needs=needs)


def _fails(name: str, variation: str, needs: str = "") -> Defect:
    return Defect(
        name=name,
        variation=variation,
        explanation="fails-when-varied",
        verdict=Verdict.IDENTICAL,
        needs=needs,
    )


def _compiled(name: str, variation: str, explanation: str) -> Defect:
    return _found(name, variation, explanation, needs=COMPILER)


DEFECTS: tuple[Defect, ...] = (
    _found("time-of-build", "clock", "build-time", needs=FAKE_CLOCK),
    _found("date-of-build", "clock", "build-time", needs=FAKE_CLOCK),
    _found("date-in-docstring", "clock", "build-time", needs=FAKE_CLOCK),
    _found("time-zone", "time-zone", "time-zone"),
    _found("locale-sort", "locale", "locale-order", needs=LOCALE),
    _found("locale-text", "locale", "locale-text"),
    _found("umask-text", "umask", "umask-modes"),
    _found("build-path-in-text", "build-path", "build-path-in-text"),
    _found("random-build-folder", "random", "random-build-folder"),
    _found("home", "home", "home-folder"),
    _found("user", "user", "user-name"),
    _found("user-number", "user", "user-name"),
    _found("host-name", "host-name", "host-name"),
    _found("hash-order", "hash-seed", "hash-order"),
    _found("directory-order", "directory-order", "directory-order"),
    _found("processor-count", "processors", "processor-count"),
    _found("processor-affinity", "processors", "processor-count"),
    _found("random-bytes", "random", "random-bytes"),
    _found("memory-address", "address-layout", "memory-address", needs=FIXED_ADDRESSES),
    _found("address-order", "address-layout", "address-layout", needs=FIXED_ADDRESSES),
    _found("unstable-order", "random", "unstable-order"),
    _found("pyc-times", "source-times", "pyc-times"),
    _found("generated-version", "extra-variables", "generated-version"),
    _found("dated-version", "clock", "generated-version", needs=FAKE_CLOCK),
    _found("undeclared-tool", "extra-variables", "undeclared-tool"),
    _found("environment-path", "environment-path", "environment-path"),
    _found("extra-variables", "extra-variables", "extra-variables", "home", "hash-seed"),
    _found("terminal-width", "extra-variables", "extra-variables"),
    _found("source-times", "source-times", "source-times"),
    _found("time-and-hash-order", "clock", "build-time", "hash-seed", needs=FAKE_CLOCK),
    _found("random-and-host", "random", "random-bytes", "host-name"),
    _found("inner-archive", "clock", "build-time", "user", "source-times", needs=FAKE_CLOCK),
    _found("needs-both", "user+host-name", "unexplained"),
    _fails("fails-elsewhere", "build-path"),
    _fails("fails-in-ascii", "locale", needs=NO_LOCALE),
    _compiled("build-path-in-elf", "build-path", "build-path-in-elf"),
    _compiled("debug-information", "build-path", "build-path-in-elf"),
    Defect(name="time-in-elf", variation="clock", explanation="build-time", needs=FAKE_CLOCK),
    _compiled("random-folder-in-elf", "random", "random-build-folder"),
    _compiled("random-build-id", "random", "random-bytes"),
    _compiled("link-order", "directory-order", "directory-order"),
    _compiled("setuptools-macro", "build-path", "build-path-in-elf"),
    _found("rust-panic-path", "build-path", "panic-path", needs=RUST),
    _found("rust-random-constant", "random", "random-constant", needs=RUST),
    _found("rust-native-processor", "processors", "processor-model", needs=RUST),
    # Canonical form and the constant world make up for these.
    _mended("rust-sbom-serial", "cargo-sbom"),
    _mended("umask-modes", "member-times"),
    _mended("record-order", "record"),
    _mended("zip-order", "member-order"),
    _mended("zip-times", "member-times"),
    _mended("time-macro", needs=COMPILER),
)

CLEAN = ("clean-pure", "clean-dated", "clean-compiled", "clean-setuptools")


def folder_of(name: str) -> Path:
    """Return the folder of a miniature project."""
    return next(PROJECTS.glob(f"*/{name}"))


def sdist_of(name: str) -> bytes:
    """Return the sdist of a miniature project."""
    folder = folder_of(name)
    files = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    if "step.py" in files:
        files["miniature.py"] = (PROJECTS / "miniature.py").read_bytes()
    return make_sdist(name, "1.0", files, pyproject=files.pop("pyproject.toml").decode())


@contextmanager
def run_without_index(
    store: Store, isolation: Isolation, interpreter: Interpreter, output: Path
) -> Iterator[Run]:
    """Open a run that has no index."""
    config = Config(output=output, jobs=1)
    variables = own_variables()
    with executors.opened(config) as workers:
        yield Run(
            config=config,
            site=Site(
                store=store,
                index=IndexOptions(no_index=True, offline=True),
                rust=RustSite(
                    toolchain=functools.cache(
                        lambda _: toolchains.inspect("", dict(variables), store)
                    ),
                    crate_index="",
                    variables=variables,
                ),
            ),
            isolation=isolation,
            interpreters=(interpreter,),
            workers=workers,
        )


def first_build(run: Run, name: str) -> BuildRecord:
    """Build a miniature project for the first time, into the output folder."""
    content = sdist_of(name)
    digest = Digest.of(content)
    run.site.store.add([content], digest)
    requires = ("setuptools", "wheel") if "setuptools" in name else ()
    files = []
    for filename, wheel in closure_of_installed(*requires):
        files.append(LockedFile(filename=filename, digest=Digest.of(wheel)))
        run.site.store.add([wheel], files[-1].digest)
    source = Source(
        pin=Pin(name=name, version="1.0", digests=(digest,)),
        filename=f"{name}-1.0.tar.gz",
        digest=digest,
        crates=() if (folder_of(name) / "Cargo.toml").exists() else None,
    )
    job = run.job(source, run.interpreters[0], tuple(files))
    record = builder.build_wheel(job, store=run.site.store, isolation=run.isolation)
    if isinstance(record, BuildFailure):
        raise AssertionError(f"{name}: {record.reason}\n{record.log}")
    publish.publish(record, run.config.output, run.site.store, force=False)
    return record


def missing(needs: str, machine: Machine) -> str:
    """Return what of *needs* this machine lacks, or ``""``."""
    had = {
        COMPILER: shutil.which("gcc") is not None,
        LOCALE: machine.other_locales != ("POSIX",),
        NO_LOCALE: machine.other_locales == ("POSIX",),
        FAKE_CLOCK: machine.fake_clock,
        FIXED_ADDRESSES: machine.isolation.fixed_addresses,
        RUST: shutil.which("rustc") is not None,
        "": True,
    }
    return "" if had[needs] else needs
