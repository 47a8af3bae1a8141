"""The project's own sessions, and the reusable ones on the project itself."""

from __future__ import annotations

from pathlib import Path

import nox

import amrasaman_nox

nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

PYPROJECT = nox.project.load_toml("pyproject.toml")

#: Tests of one file take long here and there: a worker that is done takes over some of another's.
PARALLEL = ("-n", "3", "--dist", "worksteal")

FUZZED = (
    *("tar_sdist", "gzip_sdist", "zip_sdist", "zip_framing", "wheel"),
    *("requirements", "requirement_url", "pylock", "build_lock", "record"),
    *("metadata", "entry_points", "nested_archive"),
)


def install(session: nox.Session, *groups: str) -> None:
    session.install("-e", ".", *nox.project.dependency_groups(PYPROJECT, *groups))


@nox.session
def tests(session: nox.Session) -> None:
    """Run the offline tests."""
    install(session, "test")
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the offline tests, and print the lines and branches that they do not reach."""
    install(session, "test")
    session.run(
        *("pytest", *PARALLEL, "--cov", "--cov-report=term", *session.posargs),
        env={"COVERAGE_FILE": str(Path(session.create_tmp()).resolve() / "coverage")},
    )


@nox.session
def tests_lowest(session: nox.Session) -> None:
    """Run the offline tests with the lowest release of each dependency that is allowed."""
    session.install("uv")
    python = ("--python", str(Path(session.bin) / "python"))
    lowest = Path(session.create_tmp()).resolve() / "lowest.txt"
    requirements = ("pyproject.toml", "-o", str(lowest), "--quiet")
    session.run("uv", "pip", "compile", "--resolution", "lowest-direct", *python, *requirements)
    # What only the tests need is the newest that goes with them.
    session.install("-c", str(lowest), "-e", ".", *nox.project.dependency_groups(PYPROJECT, "test"))
    session.run("pytest", *PARALLEL, *session.posargs)


@nox.session
def tests_online(session: nox.Session) -> None:
    """Run the tests that ask the real package index; with -m "online and long", the long ones."""
    install(session, "test")
    session.run("pytest", "-m", "online and not long", *PARALLEL, *session.posargs)


@nox.session
def tests_slow(session: nox.Session) -> None:
    """Run the offline tests that take long: defects, faults, clusters, browsers."""
    install(session, "test", "docs")
    session.install("-e", ".[dask]")
    # Of this package only axe itself is used: what tests pages for people who cannot see them.
    session.install("--no-deps", "axe-playwright-python>=0.1.8")
    session.run("pytest", "-m", "slow and not online", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types."""
    install(session, "types")
    session.run("mypy")


@nox.session
def benchmark(session: nox.Session) -> None:
    """Measure beside the peers: nox -s benchmark -- [REQUIREMENTS] [--rounds N] [--write FILE]."""
    install(session, "test")
    session.run("python", "-m", "tests.evaluation.benchmark", *session.posargs)


@nox.session
def evaluation(session: nox.Session) -> None:
    """Measure what is built and what verify finds: nox -s evaluation -- [FILE[@PYTHON] ...]."""
    install(session, "test")
    session.run("python", "-m", "tests.evaluation", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documents as a site; with --write, update what is generated before."""
    install(session, "docs")
    if "--write" in session.posargs:
        install(session, "test")
        session.run("python", "-m", "tests.support.documents")
    session.run("zensical", "build", "--clean", "--strict")
    session.log("written: build/docs/index.html")


@nox.session
def fuzz(session: nox.Session) -> None:
    """Change sound inputs at random: nox -s fuzz -- [SECONDS for each harness [SEED]]."""
    install(session, "fuzz")
    defaults = ["20", "1"]
    seconds, seed = [*session.posargs, *defaults[len(session.posargs) :]]
    for name in FUZZED:
        bounds = (f"-max_total_time={seconds}", f"-seed={seed}")
        session.run("python", "-m", "tests.fuzz", name, *bounds)


@nox.session
def hardening(session: nox.Session) -> None:
    """Try all that is hostile or goes wrong, and print figures: nox -s hardening -- [--quick]."""
    install(session, "test")
    session.run("python", "-m", "tests.evaluation.hardening", *session.posargs)


amrasaman_nox.register()
