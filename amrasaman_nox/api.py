"""The public functions for noxfiles and programs; each imports what it needs when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from amrasaman_nox.config.variables import snapshot
from amrasaman_nox.errors import AsamanError, system_reason
from amrasaman_nox.reports.console import show

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from io import BufferedReader

    import nox

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Comparison, Event, Report


def _unnoticed(event: Event) -> None:
    """Take an event that nobody wants to see."""


def complete(config: Config | None, *, folder: Path | None = None) -> Config:
    """Return *config* with what ``pyproject.toml`` and the index variables add to it.

    :param folder: whose ``pyproject.toml`` counts; the current one by default
    :raises AsamanError: a file or a variable that cannot be understood, contradictions
    """
    from amrasaman_nox.config import layers as configuration

    here = folder or Path.cwd()
    loaded = configuration.load(
        {}, registered=config, folder=here, invoked_from=here, environ=snapshot()
    )
    return configuration.with_project(loaded, here) or loaded


def pythons_of(session: nox.Session) -> tuple[str, ...]:
    """Return the interpreters that nox runs *session* for, none for that of nox itself.

    It is that of the session's environment, or what its ``python``, ``-P``, ``--force-python`` or
    ``--extra-python`` names if it has none. nox runs a session without environment once for a list
    of them, so the session is for all of these.
    """
    if not isinstance(session.python, str):
        return _not_parametrised(session)
    if session.venv_backend != "none":
        # One that nox or uv found elsewhere than on the search path, or installed.
        return (str(Path(session.bin, "python")),)
    return (_from_where_called(session, session.python),)


def _not_parametrised(session: nox.Session) -> tuple[str, ...]:
    """Return the ``python=[…]`` that nox keeps only in order to warn that it ignores them."""
    # No public name leads there, and `session.python` is False.
    function = getattr(getattr(session, "_runner", None), "func", None)
    listed = getattr(function, "should_warn", {}).get("python_ignored", ())
    return tuple(_from_where_called(session, each) for each in listed if isinstance(each, str))


def _from_where_called(session: nox.Session, python: str) -> str:
    return str(Path(session.invoked_from, python)) if "/" in python else python


def _complete_for(session: nox.Session, config: Config | None) -> Config:
    from dataclasses import replace

    whole, pythons = complete(config), pythons_of(session)
    return replace(whole, python=pythons) if pythons else whole


def build_wheels(
    config: Config | None = None, *, notify: Callable[[Event], None] = _unnoticed
) -> Report:
    """Build what *config* asks for into its output folder; return what became of it.

    For example::

        report = build_wheels(Config(requirement="requirements.txt", output="wheels"))
        for failure in report.build.failures:
            print(failure.name, failure.reason)

    A build that fails is not an error: the report has it.

    :param notify: told of what happens meanwhile, from several threads
    :raises AsamanError: bad input, or isolation, an interpreter, the disk or the network that
        is not available
    """
    from amrasaman_nox.runs import build

    return build.build_wheels(complete(config), notify=notify)


def compare_wheels(ours: str | os.PathLike[str], theirs: str | os.PathLike[str]) -> Comparison:
    """Compare two wheels member by member.

    For example::

        print(compare_wheels("a/six-1.17.0-py2.py3-none-any.whl", "b/six-1.17.0.whl").verdict)

    :raises AsamanError: one of them cannot be read, or is not a wheel
    """
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    from amrasaman_nox.comparison import wheels as differences
    from amrasaman_nox.model import Comparison, Digest

    left, right = Path(ours), Path(theirs)
    try:
        name, version, _, _ = parse_wheel_filename(left.name)
        with left.open("rb") as our_file, right.open("rb") as their_file:
            found = differences.compare_wheels(our_file, their_file, filename=left.name)
            digests = [_digest(file) for file in (our_file, their_file)]
    except InvalidWheelFilename as error:
        raise AsamanError(str(left), f"not a valid wheel file name: {error}") from None
    except OSError as error:
        why = system_reason(error)
        raise AsamanError(f"cannot read {error.filename or left}", why) from None
    return Comparison(
        name=name,
        version=str(version),
        wheel=left.name,
        verdict=differences.verdict_of(found),
        against=str(right),
        ours=Digest(algorithm="sha256", value=digests[0]),
        theirs=Digest(algorithm="sha256", value=digests[1]),
        normalisations=differences.normalisations_of(found),
        differences=found,
    )


def _digest(file: BufferedReader) -> str:
    import hashlib

    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def write_verified_requirements(
    requirement: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    wheels: str | os.PathLike[str] = "wheels",
    skip: Sequence[str] = (),
    config: Config | None = None,
) -> Report:
    """Write a requirements file with the hashes of the wheels that have a record.

    For example::

        write_verified_requirements("requirements.txt", skip=["setuptools"])

    :param requirement: the input, a requirements file or a pylock (PEP 751)
    :param output: the file to write, beside the input by default
    :param wheels: the folder with the wheels and their records
    :param skip: projects that stay out of it, by name
    :raises AsamanError: a wheel is missing; all that are missing are named, nothing is written
    """
    from dataclasses import replace

    from amrasaman_nox.outputs import verified

    whole = replace(
        complete(config),
        source=None,
        directory=None,
        project=None,
        requirement=Path(requirement),
        verified=None if output is None else Path(output),
        output=Path(wheels),
        skip=tuple(skip),
    )
    return verified.write_verified(whole)


def create_environment(
    session: nox.Session, *files: str | os.PathLike[str], config: Config | None = None
) -> Path:
    """Make a throwaway virtualenv from hashed files only; return its folder.

    For example::

        environment = create_environment(session, "verified-requirements.txt")
        session.run(f"{environment}/bin/python", "-m", "pytest", external=True)

    Only wheels are installed, by their hashes, from ``config.output`` only. The
    folder is below the session's own, and nothing else uses it.

    Its interpreter is the one that nox runs the session for, or else that of *config*.

    :param files: requirements files with hashes; their paths count from the current folder
    :raises AsamanError: the configuration cannot be understood
    """
    import sys
    import tempfile

    import uv

    whole = _complete_for(session, config)
    folder = Path(tempfile.mkdtemp(prefix="environment-", dir=session.create_tmp()))
    client = [uv.find_uv_bin(), "--no-config", "--quiet", "--offline"]
    python = whole.python[0] if whole.python else sys.executable
    sources = [f"--requirement={Path(file).absolute()}" for file in files]

    def call(*arguments: str) -> None:
        # Nothing of the user's own variables: they would change what is installed, and how.
        session.run(*client, *arguments, env={}, include_outer_env=False, external=True)

    call("venv", "--no-project", "--python", python, "--allow-existing", str(folder))
    if sources:
        call(
            *("pip", "install", "--python", str(folder), "--no-cache", "--no-index"),
            *("--find-links", str(whole.output), "--require-hashes", "--only-binary", ":all:"),
            *sources,
        )
    return folder


def check_reproducible(
    session: nox.Session, *dists: str | os.PathLike[str], config: Config | None = None
) -> Report:
    """Rebuild distributions that were just made, under variations, and fail if they differ.

    For example::

        session.run("python", "-m", "build")
        check_reproducible(session, "dist/example-1.0.tar.gz", "dist/example-1.0-py3-none-any.whl")

    :param dists: an sdist, and the wheels that it is said to give; all files of ``dist`` if none
    :raises AsamanError: a distribution cannot be read, or there is no sdist among them
    """
    from amrasaman_nox.verification import verify

    paths = tuple(Path(dist).absolute() for dist in dists)
    whole = _complete_for(session, config)
    report: Report = verify.check_distributions(paths, whole, notify=_unnoticed)
    code = show(report, whole)
    if code:
        session.error(f"exit code {int(code)}")
    return report
