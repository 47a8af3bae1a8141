"""The installed commands from a requirements file to installed wheels; nothing is played."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import sys
import tarfile
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock

from amrasaman_nox import Config, build_wheels, write_verified_requirements
from amrasaman_nox.model import Digest

from .support import miniatures
from .support.bytecode import forged
from .support.index import altered
from .support.projects import make_sdist, make_wheel
from .support.repositories import git

if TYPE_CHECKING:
    from .support.bench import Bench

NOWHERE = "http://127.0.0.1:9/simple/"
PURE = "mini_flit-1.0-py2.py3-none-any.whl"
LATER = datetime(2025, 1, 1, tzinfo=UTC)

# An in-tree backend that is itself what is tested; BODY runs when a wheel is built.
BACKEND = """
import os, pathlib, sys
from flit_core import buildapi

def get_requires_for_build_wheel(config_settings=None):
    return {requires}

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
{body}
    return buildapi.build_wheel(wheel_directory, config_settings, metadata_directory)
"""
FAILS = (
    "    print('first \\x1b[31mline')\n    print('::set-output name=a::b')\n    sys.exit({why!r})"
)


def own(name: str, body: str, *, requires: str = "[]", version: str = "1.0") -> bytes:
    """Return an sdist with a backend of its own that runs *body* first."""
    code = BACKEND.format(body=body, requires=requires)
    return miniatures.project(
        name, version, backend="own_backend", more='backend-path = ["."]\n', own_backend__py=code
    )


def writes(expression: str) -> str:
    """Return a body that puts the value of an expression into the wheel."""
    return f'    pathlib.Path(\'mini_own.py\').write_text(\'"""M."""\\nX = \' + repr({expression}))'


def helper(cold: Bench, version: str, uploaded: datetime) -> None:
    """Add a version of the build requirement mini-helper."""
    assert cold.index is not None
    name = f"mini_helper-{version}-py3-none-any.whl"
    cold.index.add(make_wheel("mini-helper", version), name, uploaded=uploaded)


def needing(cold: Bench, name: str, requirement: str) -> str:
    """Add a project that needs a build requirement; return its pin."""
    assert cold.index is not None
    sdist = miniatures.project(name, requires=f'"flit_core", "{requirement}"')
    return miniatures.add_sdist(cold.index, name, sdist)


def locked(bench: Bench, name: str = "requirements.build-lock.toml") -> str:
    return (bench.folder / name).read_text()


# --- the main job ----------------------------------------------------------------------------


def test_every_kind_of_project_is_built_and_verified(bench: Bench) -> None:
    done = bench.asaman("-r", bench.write(*miniatures.pins()))
    assert done.returncode == 0, done.stderr
    assert len(bench.hashes()) == len(miniatures.MINIATURES)
    assert {path.name for path in bench.wheels.iterdir()} == {
        name for wheel in bench.hashes() for name in (wheel, f"{wheel}.provenance.json")
    }
    assert bench.generate("requirements.txt").returncode == 0
    text = (bench.folder / "verified-requirements.txt").read_text()
    assert all(f"--hash=sha256:{digest}" in text for digest in bench.hashes().values())
    entry = locked(bench).partition('name = "mini-dynamic"')[2].partition("[[sources]]")[0]
    assert "wheel>=0.40" in entry
    assert 'name = "wheel-' in entry


def test_the_first_run_locks_and_says_so_and_the_second_needs_no_index(cold: Bench) -> None:
    cold.write(*miniatures.pins("mini-flit"))
    first = cold.asaman("-r", "requirements.txt")
    assert first.returncode == 0, first.stderr
    path = cold.folder / "requirements.build-lock.toml"
    assert f"the build requirements are locked in {path}" in first.stderr
    assert "1 built" in first.stdout
    before = cold.snapshot()
    cold.index_url = NOWHERE
    second = cold.asaman("-r", "requirements.txt")
    assert (second.returncode, cold.snapshot()) == (0, before)
    assert "1 from the store" in second.stdout
    assert "locked in" not in second.stderr


@pytest.mark.slow
def test_a_build_with_a_lock_asks_no_index_for_what_the_store_has(cold: Bench) -> None:
    cold.write(*miniatures.pins("mini-flit"))
    cold.asaman("-r", "requirements.txt")
    before = cold.hashes()
    cold.index_url = NOWHERE
    for arguments in ([], ["--rebuild"], ["--locked"], ["--offline"]):
        shutil.rmtree(cold.wheels)
        done = cold.asaman("-r", "requirements.txt", *arguments)
        assert (done.returncode, cold.hashes()) == (0, before), done.stderr


@pytest.mark.slow
def test_an_archive_with_a_lock_asks_no_index_either(cold: Bench) -> None:
    (cold.folder / "mini_flit-1.0.tar.gz").write_bytes(miniatures.MINIATURES["mini-flit"]("1.0"))
    assert cold.asaman("-s", "mini_flit-1.0.tar.gz").returncode == 0
    (before,) = cold.hashes().values()
    (cold.wheels / PURE).unlink()
    assert cold.index is not None
    asked = len(cold.index.requests)
    assert cold.asaman("-s", "mini_flit-1.0.tar.gz").returncode == 0
    assert list(cold.hashes().values()) == [before]
    assert len(cold.index.requests) == asked


def test_locked_refuses_to_resolve(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    before = bench.snapshot()
    done = bench.asaman("-r", "requirements.txt", "--locked")
    assert done.returncode == 2
    assert "not in the build lock for cpython-" in done.stderr
    assert "hint: add them with: asaman lock" in done.stderr
    assert bench.snapshot() == before
    assert bench.lock("-r", "requirements.txt").returncode == 0
    assert not bench.wheels.exists()
    assert bench.asaman("-r", "requirements.txt", "--locked").returncode == 0


def test_a_lock_is_kept_until_it_is_renewed(cold: Bench) -> None:
    helper(cold, "1.0", miniatures.BACKENDS_UPLOADED)
    cold.write(needing(cold, "needs", "mini-helper"))
    assert cold.asaman("-r", "requirements.txt").returncode == 0
    helper(cold, "1.5", miniatures.BACKENDS_UPLOADED)
    assert "kept 1" in cold.asaman("-r", "requirements.txt").stderr
    assert "mini_helper-1.0-" in locked(cold)
    assert cold.asaman("-r", "requirements.txt", "--relock").returncode == 0
    assert "mini_helper-1.5-" in locked(cold)
    assert "mini_helper-1.0-" not in locked(cold)


@pytest.mark.slow
def test_a_date_and_a_renewal_can_be_those_of_one_project(cold: Bench) -> None:
    helper(cold, "1.0", miniatures.BACKENDS_UPLOADED)
    helper(cold, "2.0", LATER)
    cold.write(needing(cold, "one", "mini-helper"), needing(cold, "two", "mini-helper"))
    assert cold.lock("-r", "requirements.txt").returncode == 0
    before = locked(cold)
    refused = cold.asaman("-r", "requirements.txt", "--as-of", "two=now")
    assert refused.returncode == 2
    assert not cold.wheels.exists()
    (error, hint) = refused.stderr.splitlines()[-2:]
    assert error.startswith("error: two==1.0: its build requirements are locked as of 2024-01-01T")
    assert hint == "hint: resolve them again: --relock two"
    assert locked(cold) == before
    assert cold.lock("-r", "requirements.txt", "--relock", "none").returncode == 2
    done = cold.lock("-r", "requirements.txt", "--as-of", "two=now", "--relock", "two")
    assert done.returncode == 0, done.stderr
    one, two = locked(cold).split('name = "two"')
    assert "mini_helper-1.0-" in one
    assert "mini_helper-2.0-" in two
    # The same date is asked for again: nothing is to be done, and nothing is wrong.
    cold.write("[tool.amrasaman.packages.two]", 'as-of = "now"', name="pyproject.toml")
    assert cold.lock("-r", "requirements.txt").returncode == 0
    assert locked(cold) == f'{one}name = "two"{two}'


@pytest.mark.slow
def test_an_entry_from_before_the_interpreter_that_fails_is_to_be_renewed(cold: Bench) -> None:
    assert cold.index is not None
    pin = miniatures.add_sdist(cold.index, "fails", own("fails", FAILS.format(why="Error: old")))
    cold.write(pin)
    assert cold.lock("-r", "requirements.txt").returncode == 0
    path = cold.folder / "requirements.build-lock.toml"
    lines = [line for line in locked(cold).splitlines() if not line.startswith("as-of-reason")]
    old = [re.sub(r"^as-of = .*", "as-of = 2019-01-01T00:00:00Z", line) for line in lines]
    path.write_text("\n".join(old))
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 3
    assert "hint: its build requirements are locked as of a date before Python 3." in done.stderr
    assert "--relock fails" in done.stderr


@pytest.mark.slow
def test_build_requirements_are_those_of_the_day_of_the_upload(cold: Bench) -> None:
    helper(cold, "1.0", miniatures.BACKENDS_UPLOADED)
    helper(cold, "2.0", LATER)
    cold.write(needing(cold, "needs", "mini-helper"))
    assert cold.lock("-r", "requirements.txt").returncode == 0
    assert "mini_helper-1.0-" in locked(cold)
    assert "as-of = 2024-01-01" in locked(cold)
    assert cold.lock("-r", "requirements.txt", "--relock", "--as-of", "now").returncode == 0
    assert "mini_helper-2.0-" in locked(cold)
    done = cold.lock("-r", "requirements.txt", "--relock", "--as-of", "2020-01-01")
    assert done.returncode == 3
    assert "no solution as of 2020-01-01" in done.stderr
    assert "mini_helper-2.0-" in locked(cold)


@pytest.mark.slow
def test_an_index_without_upload_times_will_do_and_the_lock_says_so(cold: Bench) -> None:
    assert cold.index is not None
    cold.index.upload_times = False
    cold.write(*miniatures.pins("mini-flit"))
    assert cold.asaman("-r", "requirements.txt").returncode == 0
    assert "flit-core: resolved without a date, since the index has no upload times" in locked(cold)
    (cold.wheels / PURE).unlink()
    cold.index_url = NOWHERE
    assert cold.asaman("-r", "requirements.txt").returncode == 0


@pytest.mark.slow
def test_an_index_of_plain_pages_will_do(cold: Bench) -> None:
    assert cold.index is not None
    cold.index.json = False
    cold.write(*miniatures.pins("mini-flit"))
    assert cold.asaman("-r", "requirements.txt").returncode == 0


@pytest.mark.slow
def test_conflicting_build_requirements_work_in_one_run(cold: Bench) -> None:
    helper(cold, "1.0", miniatures.BACKENDS_UPLOADED)
    helper(cold, "2.0", miniatures.BACKENDS_UPLOADED)
    pins = [needing(cold, f"needs-{n}", f"mini-helper=={n}.0") for n in (1, 2)]
    assert cold.asaman("-r", cold.write(*pins)).returncode == 0
    assert "mini_helper-1.0-" in locked(cold)
    assert "mini_helper-2.0-" in locked(cold)


@pytest.mark.slow
def test_a_build_requirement_that_is_only_an_sdist_is_named(cold: Bench) -> None:
    assert cold.index is not None
    sdist = make_sdist("mini-helper", "1.0")
    miniatures.add_sdist(cold.index, "mini-helper", sdist, uploaded=miniatures.BACKENDS_UPLOADED)
    done = cold.asaman("-r", cold.write(needing(cold, "needs", "mini-helper")))
    assert done.returncode == 3
    assert "build requirement mini-helper: the index has only an sdist of it" in done.stderr


@pytest.mark.slow
def test_a_bumped_pin_changes_no_neighbour(cold: Bench) -> None:
    assert cold.index is not None
    cold.write(*miniatures.pins("mini-flit", "mini-legacy"))
    cold.asaman("-r", "requirements.txt")
    before = cold.hashes()
    facts = {path: path.stat().st_mtime_ns for path in cold.wheels.glob("mini_legacy*")}
    cold.write(miniatures.add(cold.index, "mini-flit", "1.1"), *miniatures.pins("mini-legacy"))
    done = cold.asaman("-r", "requirements.txt")
    assert "1 built, 1 from the store" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in facts} == facts
    assert before.items() < cold.hashes().items()
    assert 'version = "1.1"' in locked(cold)
    assert locked(cold).count("[[sources]]") == 2


def test_an_archive_gives_the_wheel_that_the_requirements_file_gives(cold: Bench) -> None:
    helper(cold, "1.0", miniatures.BACKENDS_UPLOADED)
    helper(cold, "2.0", LATER)
    assert cold.index is not None
    body = writes("__import__('importlib.metadata').metadata.version('mini-helper')")
    sdist = own("mini-own", body, requires="['mini-helper']")
    pin = miniatures.add_sdist(cold.index, "mini-own", sdist)
    assert cold.asaman("-r", cold.write(pin)).returncode == 0
    folder = cold.folder / "archives"
    folder.mkdir()
    (folder / "mini_own-1.0.tar.gz").write_bytes(sdist)
    (folder / "mini_flit-1.0.tar.gz").write_bytes(miniatures.MINIATURES["mini-flit"]("1.0"))
    cold.cache = cold.folder / "other"
    for arguments in (("-s", "archives/mini_own-1.0.tar.gz"), ("-d", "archives")):
        output = cold.folder / f"out{arguments[0]}"
        done = cold.asaman(*arguments, "-o", str(output))
        assert done.returncode == 0, done.stderr
        assert cold.hashes().items() <= cold.hashes(output).items()
        assert "mini_helper-1.0-" in (output / "build-lock.toml").read_text()
    assert len(cold.hashes(output)) == 2


@pytest.mark.slow
def test_a_zip_archive_builds(cold: Bench) -> None:
    import io
    import tarfile
    import zipfile

    with (
        tarfile.open(fileobj=io.BytesIO(miniatures.MINIATURES["mini-flit"]("1.0"))) as packed,
        zipfile.ZipFile(cold.folder / "mini_flit-1.0.zip", "w") as archive,
    ):
        for member in packed:
            content = packed.extractfile(member)
            assert content is not None
            archive.writestr(member.name, content.read())
    done = cold.asaman("-s", "mini_flit-1.0.zip")
    assert (done.returncode, list(cold.hashes())) == (0, [PURE]), done.stderr


def test_the_project_in_the_current_folder_is_built_from_its_sdist(bench: Bench) -> None:
    bench.write(
        '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"',
        '[project]\nname = "mini-here"\nversion = "3.0"\ndescription = "Here"',
        name="pyproject.toml",
    )
    bench.write('"""Here."""', name="mini_here.py")
    bench.write("home/", name=".gitignore")
    git(bench.folder, "init", "-q")
    git(bench.folder, "add", "-A")
    git(bench.folder, "commit", "-q", "-m", "x")
    done = bench.asaman()
    assert done.returncode == 0, done.stderr
    assert "note: " not in done.stderr
    assert list(bench.hashes()) == ["mini_here-3.0-py2.py3-none-any.whl"]
    assert (bench.wheels / "mini_here-3.0.tar.gz").is_file()
    assert git(bench.folder, "status", "--porcelain") == ""
    record = bench.record("mini_here-3.0-py2.py3-none-any.whl")
    committed = int(git(bench.folder, "show", "--no-patch", "--format=%ct"))
    definition = record["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["sourceDateEpoch"] == committed
    before = bench.hashes()
    again = bench.asaman("--locked")
    assert (again.returncode, bench.hashes()) == (0, before), again.stderr
    assert "1 from the store" in again.stdout


@pytest.fixture
def workspace(bench: Bench) -> Bench:
    """A workspace with two projects, and settings at its top."""
    bench.write(
        '[tool.uv.workspace]\nmembers = ["parts/*"]\n[tool.amrasaman]\nsde = 1400000000',
        name="pyproject.toml",
    )
    for name in ("mini-one", "mini-two"):
        folder = f"parts/{name}"
        (bench.folder / folder / "src").mkdir(parents=True)
        bench.write(
            '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"',
            f'[project]\nname = "{name}"\nversion = "3.0"\ndescription = "Here"',
            name=f"{folder}/pyproject.toml",
        )
        module = name.replace("-", "_")
        bench.write('"""Here."""', name=f"{folder}/{module}.py")
    return bench


_BOTH = ["mini_one-3.0-py2.py3-none-any.whl", "mini_two-3.0-py2.py3-none-any.whl"]


def test_all_projects_of_a_workspace_are_built_into_one_folder(workspace: Bench) -> None:
    done = workspace.asaman("--all-packages", cwd=workspace.folder / "parts/mini-one/src")
    assert done.returncode == 0, done.stderr
    assert list(workspace.hashes()) == _BOTH
    assert all(workspace.record(name) for name in _BOTH)
    again = workspace.asaman("lock", "--check", "--all-packages", "--project", "parts/mini-two")
    assert again.returncode == 0, again.stderr


def test_a_project_is_built_from_a_folder_below_and_from_elsewhere(workspace: Bench) -> None:
    folder = workspace.folder / "parts/mini-one"
    done = workspace.asaman(cwd=folder / "src")
    assert (done.returncode, list(workspace.hashes(folder / "wheels"))) == (0, _BOTH[:1])
    record = json.loads((folder / "wheels" / f"{_BOTH[0]}.provenance.json").read_text())
    parameters = record["predicate"]["buildDefinition"]["externalParameters"]
    assert parameters["sourceDateEpoch"] == 1400000000
    before = workspace.hashes(folder / "wheels")
    again = workspace.asaman("--project", "parts/mini-one", "--locked")
    assert (again.returncode, workspace.hashes(folder / "wheels")) == (0, before), again.stderr
    assert "1 from the store" in again.stdout


@pytest.mark.slow
def test_all_projects_of_a_workspace_are_verified(workspace: Bench) -> None:
    done = workspace.asaman("verify", "--all-packages", "--vary", "umask", "--dist", "dist")
    assert done.returncode == 0, done.stdout + done.stderr
    found = sorted(path.name for path in (workspace.folder / "dist").iterdir())
    assert found == sorted([*_BOTH, "mini_one-3.0.tar.gz", "mini_two-3.0.tar.gz"])


def test_the_copy_of_a_project_is_on_disk(cold: Bench) -> None:
    code = """
import os, pathlib
from flit_core import buildapi
from flit_core.buildapi import build_wheel

def build_sdist(sdist_directory, config_settings=None):
    on_disk = os.stat(".").st_dev == os.stat(sdist_directory).st_dev
    pathlib.Path("mini_own.py").write_text(f"'M.'\\nON_DISK = {on_disk}\\n")
    return buildapi.build_sdist(sdist_directory, config_settings)
"""
    more = 'backend-path = ["."]\n[tool.flit.sdist]\ninclude = ["own.py"]\n'
    sdist = miniatures.project("mini-own", backend="own", more=more, own__py=code)
    with tarfile.open(fileobj=io.BytesIO(sdist)) as archive:
        archive.extractall(cold.folder, filter="data")
    done = cold.asaman(cwd=cold.folder / "mini_own-1.0")
    assert done.returncode == 0, done.stderr
    (built,) = (cold.folder / "mini_own-1.0").glob("wheels/*.tar.gz")
    with tarfile.open(built) as archive:
        file = archive.extractfile("mini_own-1.0/mini_own.py")
        assert file is not None
        assert b"ON_DISK = True" in file.read()


def test_nothing_to_build_shows_the_help(bench: Bench) -> None:
    done = bench.asaman()
    assert done.returncode == 2
    assert "Usage: asaman" in done.stderr
    assert "error: nothing to build" in done.stderr


# --- inputs ----------------------------------------------------------------------------------


def test_markers_extras_nested_files_and_constraints_are_followed(bench: Bench) -> None:
    bench.write(
        *miniatures.pins("mini-flit"),
        miniatures.pin("mini-pdm").replace(" --hash", ' ; python_version < "3" --hash'),
        miniatures.pin("mini-hatch").replace("==", "[some]=="),
        "-r more/nested.txt",
        "-c constraints.txt",
    )
    (bench.folder / "more").mkdir()
    always = miniatures.pin("mini-legacy").replace(" --hash", " ; os_name == 'posix' --hash")
    bench.write(always, name="more/nested.txt")
    bench.write("mini-flit<2", "unheard-of==1", name="constraints.txt")
    done = bench.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr
    assert "left out: mini-pdm==1.0: " in done.stdout
    assert 'python_version < "3"' in done.stdout
    assert len(bench.hashes()) == 3
    assert bench.generate("requirements.txt").returncode == 0
    lines = (bench.folder / "verified-requirements.txt").read_text().splitlines()
    assert "mini-hatch[some]==1.0 \\" in lines
    assert '# left out: mini-pdm==1.0 ; python_version < "3"' in lines
    (marked,) = [line for line in lines if line.startswith("mini-legacy")]
    assert "os_name == " in marked
    bench.write("mini-flit>=2", name="constraints.txt")
    refused = bench.asaman("-r", "requirements.txt")
    assert refused.returncode == 2
    assert "constraints.txt" in refused.stderr


def test_a_pylock_gives_a_pylock(bench: Bench) -> None:
    sdist = miniatures.MINIATURES["mini-flit"]("1.0")
    url = f"{bench.index_url.removesuffix('simple/')}files/mini_flit-1.0.tar.gz"
    bench.write(
        'lock-version = "1.0"',
        'created-by = "test"',
        "[[packages]]",
        'name = "mini-flit"',
        'version = "1.0"',
        f'sdist = {{ url = "{url}", hashes = {{ sha256 = "{Digest.of(sdist).value}" }} }}',
        name="pylock.toml",
    )
    done = bench.asaman("-r", "pylock.toml")
    assert done.returncode == 0, done.stderr
    assert (bench.folder / "pylock.build-lock.toml").exists()
    assert bench.generate("pylock.toml").returncode == 0
    import tomllib

    content = tomllib.loads((bench.folder / "pylock.verified.toml").read_text())
    (package,) = Pylock.from_dict(content).packages
    assert package.sdist is None
    assert package.wheels is not None
    assert [dict(wheel.hashes) for wheel in package.wheels] == [{"sha256": bench.hashes()[PURE]}]


def test_pins_of_wheels_alone_are_refused_with_what_to_do(cold: Bench) -> None:
    assert cold.index is not None
    wheel = cold.index.add(make_wheel("mini-flit", "1.0"), "mini_flit-1.0-py3-none-any.whl")
    done = cold.asaman("-r", cold.write(f"mini-flit==1.0 --hash={wheel.digest}"))
    assert done.returncode == 2
    assert "mini-flit==1.0: source: only wheels are pinned, not the sdist (" in done.stderr
    assert "compile the file again with the sdists' hashes" in done.stderr


def test_a_pin_with_a_url_is_taken_only_if_allowed(bench: Bench) -> None:
    url = f"{bench.index_url.removesuffix('simple/')}files/mini_flit-1.0.tar.gz"
    digest = miniatures.pin("mini-flit").partition("--hash=")[2]
    bench.write(f"mini-flit @ {url} --hash={digest}")
    refused = bench.asaman("-r", "requirements.txt")
    assert refused.returncode == 2
    assert "--allow-url" in refused.stderr
    assert bench.asaman("-r", "requirements.txt", "--allow-url").returncode == 0
    assert list(bench.hashes()) == [PURE]


@pytest.mark.slow
def test_several_interpreters_give_one_pure_wheel_and_several_compiled_ones(bench: Bench) -> None:
    other = other_python()
    arguments = ("--python", sys.executable, "--python", str(other))
    bench.write(*miniatures.pins("mini-flit", "mini-c"))
    done = bench.asaman("-r", "requirements.txt", *arguments)
    if done.returncode == 3 and re.search("Python.h|ImpImporter", done.stdout):
        pytest.skip("the other interpreter has no headers, or is too new for this setuptools")
    assert done.returncode == 0, done.stderr
    pure = [name for name in bench.hashes() if name.endswith("-any.whl")]
    assert (len(pure), len(bench.hashes())) == (1, 3)
    assert locked(bench).count('name = "mini-c"\n') == 2
    assert bench.generate("requirements.txt", *arguments).returncode == 0
    text = (bench.folder / "verified-requirements.txt").read_text()
    assert all(digest in text for digest in bench.hashes().values())
    assert "kept 3" in bench.asaman("-r", "requirements.txt", *arguments).stderr


def test_a_project_is_built_by_the_interpreter_that_the_settings_name(bench: Bench) -> None:
    other = other_python()
    bench.write(*miniatures.pins("mini-flit", "mini-poetry"))
    table = f"[tool.amrasaman.packages.mini-flit]\npython = '{other}'"
    bench.write(table, name="pyproject.toml")
    for command in (("build",), ("verify", "--vary", "umask")):
        done = bench.asaman(*command, "-r", "requirements.txt")
        assert done.returncode == 0, done.stdout + done.stderr
    assert bench.record(PURE)["predicate"] != {}
    assert locked(bench).count(f"cpython-{other.name.removeprefix('python')}") == 1
    assert bench.lock("-r", "requirements.txt", "--check").returncode == 0
    bench.write(table.replace(str(other), "/missing"), name="pyproject.toml")
    done = bench.asaman("-r", "requirements.txt")
    assert done.returncode == 4
    assert "packages.mini-flit: python: interpreter /missing: " in done.stderr


def test_a_build_requirement_with_a_url_can_be_replaced(cold: Bench) -> None:
    assert cold.index is not None
    requires = '"flit_core @ https://example.org/flit_core-3.0-py3-none-any.whl"'
    data = miniatures.project("mini-url", requires=requires)
    cold.write(miniatures.add_sdist(cold.index, "mini-url", data))
    refused = cold.asaman("-r", "requirements.txt")
    assert refused.returncode == 2
    assert "build requirement is not name and specifier: 'flit_core @ https" in refused.stderr
    table = '[tool.amrasaman.packages.mini-url]\nreplace-build-requirements = ["flit_core>=3"]'
    cold.write(table, name="pyproject.toml")
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stdout + done.stderr


def other_python() -> Path:
    """Return an interpreter of another version that is installed beside this one."""
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    found = [
        path
        for version in ("3.12", "3.13", "3.11", "3.14")
        if version != mine
        for path in (
            *sorted(Path(sys.base_prefix).parent.glob(f"*{version}*/bin/python{version}")),
            *filter(None, [shutil.which(f"python{version}")]),
        )
    ]
    if not found:
        pytest.skip("no interpreter of another version is installed")
    return Path(found[0])


def test_two_interpreters_whose_wheels_would_have_one_name_are_refused(bench: Bench) -> None:
    mine = f"{sys.version_info.major}.{sys.version_info.minor}"
    other = Path(f"/usr/bin/python{mine}")
    if not other.exists() or other.resolve() == Path(sys.executable).resolve():
        pytest.skip("no second interpreter of this version is installed")
    bench.write(*miniatures.pins("mini-flit"))
    arguments = ("-r", "requirements.txt", "--python", sys.executable, "--python", str(other))
    done = bench.asaman(*arguments)
    assert done.returncode == 2
    assert "its wheels would have the same names as those of" in done.stderr
    same = ("--python", sys.executable, "--python", sys.executable)
    assert bench.asaman("-r", "requirements.txt", *same).returncode == 0


# --- what is used as published, not rebuilt ----------------------------------------------------


def rust(cold: Bench) -> str:
    """Add a project that wants crates while it builds, with a wheel; return its pins' hashes."""
    assert cold.index is not None
    body = FAILS.format(why="error: failed to get crates; cargo metadata failed")
    pin = miniatures.add_sdist(cold.index, "mini-rust", own("mini-rust", body))
    wheel = cold.index.add(make_wheel("mini-rust", "1.0"), "mini_rust-1.0-py3-none-any.whl")
    return f"{pin} --hash={wheel.digest}"


@pytest.mark.slow
def test_what_cannot_be_rebuilt_ends_with_a_hint_and_can_be_taken_as_it_is(cold: Bench) -> None:
    cold.write(rust(cold))
    failed = cold.asaman("-r", "requirements.txt")
    assert failed.returncode == 3
    assert "--only-binary mini-rust" in failed.stderr
    assert not cold.hashes()
    done = cold.asaman("-r", "requirements.txt", "--only-binary", "Mini_Rust")
    assert done.returncode == 0, done.stderr
    assert "published as is" in done.stdout
    (wheel,) = cold.hashes()
    internal = cold.record(wheel)["predicate"]["buildDefinition"]["internalParameters"]
    assert internal["note"] == "published as is, not rebuilt"
    assert cold.index is not None
    assert cold.hashes()[wheel] == cold.index.files[wheel].digest.value
    assert cold.generate("requirements.txt").returncode == 0
    assert (
        "# published as is, not rebuilt" in (cold.folder / "verified-requirements.txt").read_text()
    )
    cold.index_url = NOWHERE
    for arguments in ([], ["--offline"]):
        again = cold.asaman("-r", "requirements.txt", "--only-binary", "mini-rust", *arguments)
        assert again.returncode == 0, again.stderr
        (cold.wheels / wheel).unlink()


def test_the_configuration_can_say_what_is_taken(cold: Bench) -> None:
    cold.write(rust(cold))
    cold.write(
        '[tool.amrasaman]\nrequirement = "requirements.txt"\nonly-binary = ["mini-rust"]',
        name="pyproject.toml",
    )
    done = cold.asaman("--json", "-")
    assert done.returncode == 0, done.stderr
    assert [wheel["state"] for wheel in json.loads(done.stdout)["wheels"]] == ["taken"]


@pytest.mark.slow
def test_a_taken_wheel_of_a_pylock_is_verified(cold: Bench) -> None:
    assert cold.index is not None
    wheel = cold.index.add(make_wheel("mini-rust", "1.0"), "mini_rust-1.0-py3-none-any.whl")
    cold.write(
        'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "mini-rust"',
        f'version = "1.0"\nwheels = [{{ url = "{cold.index.file_url(wheel.filename)}", '
        f'hashes = {{ sha256 = "{wheel.digest.value}" }} }}]',
        name="pylock.toml",
    )
    refused = cold.asaman("-r", "pylock.toml")
    assert refused.returncode == 2
    assert "no sdist" in refused.stderr
    assert cold.asaman("-r", "pylock.toml", "--only-binary", "mini-rust").returncode == 0
    done = cold.generate("pylock.toml")
    assert done.returncode == 0, done.stderr


# --- what changes a wheel on purpose ---------------------------------------------------------


def test_config_settings_and_variables_reach_the_backend_and_the_record(cold: Bench) -> None:
    assert cold.index is not None
    body = writes("[config_settings, os.environ.get('MINI'), os.environ.get('NOISE')]")
    cold.write(miniatures.add_sdist(cold.index, "mini-own", own("mini-own", body)))
    arguments = ("-r", "requirements.txt", "-C", "a=1", "-C", "a=2", "-C", "b=3")
    done = cold.asaman(*arguments, "--env", "MINI=on purpose", NOISE="not passed")
    assert done.returncode == 0, done.stderr
    (wheel,) = cold.hashes()
    import zipfile

    with zipfile.ZipFile(cold.wheels / wheel) as archive:
        code = archive.read("mini_own.py").decode()
    assert "X = [{'a': ['1', '2'], 'b': '3'}, 'on purpose', None]" in code
    external = cold.record(wheel)["predicate"]["buildDefinition"]["externalParameters"]
    assert external["configSettings"] == [["a", "1"], ["a", "2"], ["b", "3"]]
    assert external["variables"] == {"MINI": "on purpose"}
    assert "kept 1" in cold.asaman(*arguments, "--env", "MINI=on purpose").stderr
    assert "is replaced: it was built from other inputs" in cold.asaman(*arguments).stdout


@pytest.mark.slow
def test_the_epoch_and_debug_information_change_the_wheel_and_stand_in_the_record(
    bench: Bench,
) -> None:
    bench.write(*miniatures.pins("mini-c"))
    assert bench.asaman("-r", "requirements.txt").returncode == 0
    (wheel,) = bench.hashes()
    seen = {bench.hashes()[wheel]}
    for arguments in (("--sde", "1400000000"), ("--keep-debug-info",)):
        assert bench.asaman("-r", "requirements.txt", *arguments).returncode == 0
        seen.add(bench.hashes()[wheel])
        facts = bench.record(wheel)["predicate"]["buildDefinition"]
        kept = facts["internalParameters"]["environment"]["keep_debug_info"]
        epoch = facts["externalParameters"]["sourceDateEpoch"]
        assert (epoch == 1400000000, kept) == ("--sde" in arguments, "--sde" not in arguments)
    assert len(seen) == 3


def test_sources_are_copied_if_asked_for(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit", "mini-legacy"))
    assert bench.asaman("-r", "requirements.txt").returncode == 0
    assert not list(bench.wheels.glob("*.tar.gz"))
    assert bench.asaman("-r", "requirements.txt", "--keep-sources").returncode == 0
    copied = bench.wheels / "mini_flit-1.0.tar.gz"
    assert copied.read_bytes() == miniatures.MINIATURES["mini-flit"]("1.0")
    assert len(list(bench.wheels.glob("*.tar.gz"))) == 2


# --- what is printed -------------------------------------------------------------------------


def test_the_report_as_json_is_all_that_is_on_stdout(bench: Bench) -> None:
    done = bench.asaman("-r", bench.write(*miniatures.pins("mini-flit")), "--json", "-")
    content = json.loads(done.stdout)
    assert (done.returncode, content["command"]) == (0, "reproducible_wheels")
    (wheel,) = content["wheels"]
    assert wheel["sha256"] == bench.hashes()[PURE]


def test_quiet_says_nothing_and_verbose_says_more(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    quiet = bench.asaman("-r", "requirements.txt", "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    usual = bench.asaman("-r", "requirements.txt", "--rebuild")
    verbose = bench.asaman("-r", "requirements.txt", "--rebuild", "-v")
    assert len(verbose.stderr.splitlines()) > len(usual.stderr.splitlines())


# --- failures --------------------------------------------------------------------------------


#: Asks for a wheel of its own where there is no make, as scikit-build-core does for ninja; the
#: build itself sees it.
ASKS_WITHOUT_MAKE = """
import shutil
from flit_core.buildapi import *
from flit_core import buildapi

def get_requires_for_build_wheel(config_settings=None):
    return [] if shutil.which("make") else ["wheel"]

def build_wheel(*args, **kwargs):
    assert shutil.which("make"), "the build sees what the machine has"
    return buildapi.build_wheel(*args, **kwargs)
"""
#: Cannot say what it requires without make.
NEEDS_MAKE = ASKS_WITHOUT_MAKE.replace(
    'return [] if shutil.which("make") else ["wheel"]', 'return [shutil.which("make") and "wheel"]'
)


@pytest.mark.skipif(shutil.which("make") is None, reason="this machine has no make to be hidden")
@pytest.mark.parametrize("isolation", ["auto", "none"])
def test_tools_of_the_system_are_hidden_while_a_backend_says_what_it_requires(
    cold: Bench, isolation: str
) -> None:
    assert cold.index is not None
    pins = []
    for name, code in (("asks", ASKS_WITHOUT_MAKE), ("needs-it", NEEDS_MAKE)):
        more = 'backend-path = ["."]\n'
        sdist = miniatures.project(
            name, backend="scikit_build_core", more=more, scikit_build_core__py=code
        )
        pins.append(miniatures.add_sdist(cold.index, name, sdist))
    done = cold.asaman("-r", cold.write(*pins), "--isolation", isolation)
    assert done.returncode == 0, done.stderr
    assert locked(cold).count('dynamic = [\n    "wheel",\n]') == 2
    said = "its build backend needs tools of the system to say what it requires: the build lock may"
    assert done.stderr.count(f"note: needs-it==1.0: {said}") == done.stderr.count(said) == 1


#: How a backend fails, what the headline of that is, and its hint.
FAILURES = {
    "autotools": (
        "    import subprocess\n"
        "    try:\n        subprocess.check_call(['/bin/sh', '-c', 'PATH=/no; autoreconf'])\n"
        "    except subprocess.CalledProcessError:\n        raise",
        "autoreconf: not found",
        "hint: install it: autoconf (Debian), autoconf (Fedora)",
    ),
    "wordless": (
        "    class OwnError(Exception):\n"
        "        def __init__(self, text):\n"
        "            super().__init__()\n            self.text = text\n"
        "    raise OwnError('specify a working qmake or add it to PATH')",
        "OwnError: specify a working qmake or add it to PATH",
        "hint: install it: qt6-base-dev (Debian), qt6-qtbase-devel (Fedora)",
    ),
    "header": (
        "    print('a.c:1:10: fatal error: longintrepr.h: No such file or directory')\n"
        "    sys.exit(\"error: command '/usr/bin/gcc' failed with exit code 1\")",
        "a.c:1:10: fatal error: longintrepr.h: No such file or directory",
        "hint: the source is too old for this Python",
    ),
}


def test_a_failure_is_told_in_the_words_of_its_cause(cold: Bench) -> None:
    assert cold.index is not None
    pins = [
        miniatures.add_sdist(cold.index, f"own-{name}", own(f"own-{name}", body))
        for name, (body, *_) in FAILURES.items()
    ]
    missing = miniatures.project("no-backend", backend="nowhere.at_all")
    pins.append(miniatures.add_sdist(cold.index, "no-backend", missing))
    cold.write(*pins)
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    expected = {f"own-{name}": words for name, (_, *words) in FAILURES.items()}
    expected["no-backend"] = [
        "Backend 'nowhere.at_all' is not available: ModuleNotFoundError: No module named 'nowhere'",
        "hint: the project does not declare its build requirements; report this to the project",
    ]
    for name, (why, hint) in expected.items():
        (at,) = [at for at, line in enumerate(lines) if line.startswith(f"error: {name}==1.0: ")]
        assert why in lines[at]
        assert lines[at + 1].startswith(hint)


def test_one_failure_of_several_leaves_the_others_built_and_nothing_verified(cold: Bench) -> None:
    assert cold.index is not None
    failing = miniatures.add_sdist(
        cold.index, "mini-own", own("mini-own", FAILS.format(why="Error: it is broken"))
    )
    cold.write(*miniatures.pins("mini-flit"), failing, *miniatures.pins("mini-legacy"))
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 3
    assert len(cold.hashes()) == 2
    assert "error: mini-own==1.0: build_wheel: Error: it is broken (" in done.stderr
    assert "requirements.txt line 2)" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "| ::set-output name=a::b" in done.stdout
    (log,) = [line.removeprefix("log: ") for line in done.stdout.splitlines() if "log: " in line]
    assert b"first \x1b[31mline" in Path(log).read_bytes()
    generated = cold.generate("requirements.txt")
    assert generated.returncode == 2
    assert "error: mini-own==1.0: it has no wheel with a provenance record" in generated.stderr
    assert not (cold.folder / "verified-requirements.txt").exists()
    mended = miniatures.add_sdist(cold.index, "mini-own", own("mini-own", "    pass"), "1.0")
    cold.write(*miniatures.pins("mini-flit"), mended, *miniatures.pins("mini-legacy"))
    again = cold.asaman("-r", "requirements.txt")
    assert "1 built, 2 from the store" in again.stdout
    assert cold.generate("requirements.txt").returncode == 0


@pytest.mark.slow
def test_all_missing_wheels_are_named_and_an_older_verified_file_stays(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    bench.asaman("-r", "requirements.txt")
    assert bench.generate("requirements.txt").returncode == 0
    before = (bench.folder / "verified-requirements.txt").read_bytes()
    bench.write(*miniatures.pins("mini-flit", "mini-pdm", "mini-legacy"))
    done = bench.generate("requirements.txt")
    assert done.returncode == 2
    assert done.stderr.count("it has no wheel with a provenance record") == 2
    assert (bench.folder / "verified-requirements.txt").read_bytes() == before
    skipped = bench.generate("requirements.txt", "-s", "mini_pdm", "-s", "mini-legacy")
    assert skipped.returncode == 0
    prefix = bench.generate("requirements.txt", "-s", "mini", "-s", "mini-p")
    assert prefix.returncode == 2


def test_an_altered_byte_ends_the_run_before_anything_is_unpacked(cold: Bench) -> None:
    assert cold.index is not None
    cold.write(*miniatures.pins("mini-flit"))
    cold.index.always("files/mini_flit-1.0.tar.gz", altered)
    before = cold.snapshot()
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 2
    assert "hash mismatch: expected sha256:" in done.stderr
    assert cold.snapshot() == before | {
        path: facts for path, facts in cold.snapshot().items() if facts[0] == 0
    }
    assert not list((cold.cache / "files").rglob("*/*"))


def test_an_altered_build_requirement_is_never_installed(cold: Bench) -> None:
    assert cold.index is not None
    helper(cold, "1.0", miniatures.BACKENDS_UPLOADED)
    cold.index.always("files/mini_helper-1.0-py3-none-any.whl", altered)
    done = cold.asaman("-r", cold.write(needing(cold, "needs", "mini-helper")))
    assert done.returncode == 2
    assert "hash mismatch" in done.stderr
    assert not cold.hashes()


@pytest.mark.parametrize("kind", ["valid", "unchecked"])
def test_bytecode_in_one_release_of_a_build_requirement_is_not_run_in_another(
    cold: Bench, kind: str
) -> None:
    """1.0 ships forged bytecode of a module that it does not use; 1.1 is clean, and uses it."""
    assert cold.index is not None
    source = b"VALUE = 'source'\n"
    cached = f"evilreq/__pycache__/helper.{sys.implementation.cache_tag}.pyc"
    bytecode = forged(kind, "VALUE = 'forged'", source, 1_700_000_000)
    releases: dict[str, dict[str, bytes | str]] = {
        "1.0": {"evilreq/__init__.py": "VALUE = ''\n", cached: bytecode},
        "1.1": {"evilreq/__init__.py": "from .helper import VALUE\n"},
    }
    for version, files in releases.items():
        wheel = make_wheel("evilreq", version, {**files, "evilreq/helper.py": source})
        uploaded = miniatures.BACKENDS_UPLOADED
        cold.index.add(wheel, f"evilreq-{version}-py3-none-any.whl", uploaded=uploaded)
    body = "    import evilreq\n" + writes("evilreq.VALUE")
    pins = []
    for version in releases:
        sdist = own("mini-own", body, requires=f"['evilreq=={version}']", version=version)
        pins.append(miniatures.add_sdist(cold.index, "mini-own", sdist, version))
    alone = replace(cold, cache=cold.folder / "another-cache")
    for bench, pin, output in (
        (cold, pins[0], "."),
        (cold, pins[1], "."),
        (alone, pins[1], "alone"),
    ):
        done = bench.asaman("-r", bench.write(pin), "--output", output)
        assert done.returncode == 0, done.stderr
    name = "mini_own-1.1-py2.py3-none-any.whl"
    with zipfile.ZipFile(cold.folder / name) as archive:
        assert b"'source'" in archive.read("mini_own.py")
    assert (cold.folder / name).read_bytes() == (cold.folder / "alone" / name).read_bytes()


@pytest.mark.slow
def test_what_backends_warn_of_stays_in_their_logs(cold: Bench) -> None:
    assert cold.index is not None
    body = "    import warnings; warnings.warn('::error::\\x1b[31mnoise', stacklevel=1)"
    names = [f"mini-noise-{number}" for number in range(4)]
    pins = [miniatures.add_sdist(cold.index, name, own(name, body)) for name in names]
    done = cold.asaman("-r", cold.write(*pins), "-j", "4")
    assert done.returncode == 0, done.stderr
    assert "noise\n" not in done.stdout + done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    logs = [path.read_text() for path in (cold.cache / "logs").iterdir()]
    assert sum("\x1b[31mnoise" in text for text in logs) == 4


# --- the output folder -----------------------------------------------------------------------


def test_a_wheel_without_a_record_is_replaced_only_by_force(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    bench.wheels.mkdir()
    foreign = make_wheel("mini-flit", "1.0", {"evil.py": "1"})
    (bench.wheels / PURE).write_bytes(foreign)
    done = bench.asaman("-r", "requirements.txt")
    assert done.returncode == 2
    assert "error: mini-flit==1.0: publish: " in done.stderr
    assert "a different wheel with this name exists and has no provenance record" in done.stderr
    assert (bench.wheels / PURE).read_bytes() == foreign
    refused = bench.generate("requirements.txt")
    assert refused.returncode == 2
    assert bench.asaman("-r", "requirements.txt", "--force").returncode == 0
    assert (bench.wheels / PURE).read_bytes() != foreign


def test_only_the_very_version_and_only_wheels_with_records_are_verified(cold: Bench) -> None:
    assert cold.index is not None
    near = miniatures.add(cold.index, "mini-flit", "1.0.1")
    assert cold.asaman("-r", cold.write(near)).returncode == 0
    cold.write(*miniatures.pins("mini-flit"))
    done = cold.generate("requirements.txt")
    assert done.returncode == 2
    assert "mini-flit==1.0: it has no wheel with a provenance record" in done.stderr
    assert cold.asaman("-r", "requirements.txt").returncode == 0
    (cold.wheels / "other-1.0-py3-none-any.whl").write_bytes(make_wheel("other", "1.0"))
    done = cold.generate("requirements.txt")
    assert done.returncode == 0
    assert (
        "other-1.0-py3-none-any.whl is ignored: it has no matching provenance record" in done.stdout
    )
    text = (cold.folder / "verified-requirements.txt").read_text()
    assert text.count("--hash") == 1
    assert cold.hashes()[PURE] in text


@pytest.mark.slow
def test_a_wheel_changed_after_the_build_is_made_again(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    bench.asaman("-r", "requirements.txt")
    good = bench.hashes()
    with (bench.wheels / PURE).open("ab") as file:
        file.write(b"\0")
    assert bench.generate("requirements.txt").returncode == 2
    done = bench.asaman("-r", "requirements.txt", "--force")
    assert (done.returncode, bench.hashes()) == (0, good)


@pytest.mark.parametrize("version", [0, 99])
def test_a_record_of_another_schema_counts_as_none(bench: Bench, version: int) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    bench.asaman("-r", "requirements.txt")
    path = bench.wheels / f"{PURE}.provenance.json"
    before = path.read_text()
    path.write_text(before.replace("nox:wheel:v1", f"nox:wheel:v{version}"))
    refused = bench.generate("requirements.txt")
    assert refused.returncode == 2
    assert f"v{version}" in refused.stderr
    done = bench.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr
    assert "nox:wheel:v1" in path.read_text()


# --- from a program --------------------------------------------------------------------------


def test_the_functions_do_what_the_commands_do(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench.folder)
    bench.write(*miniatures.pins("mini-flit", "mini-c"))
    assert bench.asaman("-r", "requirements.txt", "-o", "by-command").returncode == 0
    report = build_wheels(
        Config(
            requirement="requirements.txt",  # type: ignore[arg-type]
            output="by-function",  # type: ignore[arg-type]
            cache_dir=bench.cache,
            index_url=bench.index_url,
        )
    )
    assert not report.build.failures
    folder = bench.folder / "by-function"
    assert bench.hashes(folder) == bench.hashes(bench.folder / "by-command")
    written = write_verified_requirements("requirements.txt", "v.txt", wheels=folder)
    assert len(written.build.records) == 2
    text = (bench.folder / "v.txt").read_text()
    assert all(digest in text for digest in bench.hashes(folder).values())


def test_a_release_with_a_local_label_is_built_kept_and_verified(cold: Bench) -> None:
    assert cold.index is not None
    data = miniatures.project("mini-label", "1.0+local")
    miniatures.add_sdist(cold.index, "mini-label", data, "1.0+local")
    cold.write(f"mini-label==1.0 --hash={Digest.of(data)}")
    arguments = ("-r", "requirements.txt")
    assert cold.asaman(*arguments).returncode == 0
    assert [*cold.hashes()] == ["mini_label-1.0+local-py2.py3-none-any.whl"]
    again = cold.asaman(*arguments, "--offline")
    assert (again.returncode, "kept 1" in again.stderr) == (0, True)
    shutil.rmtree(cold.wheels)
    assert cold.asaman(*arguments, "--offline").returncode == 0
    assert cold.generate("requirements.txt").returncode == 0
    (digest,) = cold.hashes().values()
    text = (cold.folder / "verified-requirements.txt").read_text()
    assert f"mini-label==1.0 \\\n    --hash=sha256:{digest}\n" in text


@pytest.mark.parametrize("line", ['backend-path = "."\n', 'backend-path = ["."]\nextra = "x"\n'])
def test_a_build_system_that_other_frontends_take_is_taken(cold: Bench, line: str) -> None:
    assert cold.index is not None
    code = "from flit_core.buildapi import *\n"
    data = miniatures.project("mini-text", backend="own_backend", more=line, own_backend__py=code)
    cold.write(miniatures.add_sdist(cold.index, "mini-text", data))
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr


def test_a_patched_source_is_built_verified_and_named_until_the_patch_is_gone(
    bench: Bench,
) -> None:
    text = "--- a/mini_flit.py\n+++ b/mini_flit.py\n@@ -3 +3 @@\n-VALUE = 1\n+VALUE = 2\n"
    bench.write(*text.splitlines(), name="value.patch")
    digest = hashlib.sha256(text.encode()).hexdigest()
    settings = (
        "[tool.amrasaman.packages.mini-flit]",
        f'patches = [{{ file = "value.patch", sha256 = "{digest}" }}]',
        'replace-build-requirements = ["flit_core>=3"]',
    )
    bench.write(*settings, name="pyproject.toml")
    bench.write(*miniatures.pins("mini-flit"))
    note = "mini-flit==1.0: modified source: patched with value.patch"
    for command in (("build",), ("verify", "--vary", "umask")):
        done = bench.asaman(*command, "-r", "requirements.txt")
        assert done.returncode == 0, done.stdout + done.stderr
        assert note in done.stdout + done.stderr
    patched = bench.hashes()
    definition = bench.record(min(patched))["predicate"]["buildDefinition"]
    source = definition["resolvedDependencies"][0]
    pinned = str(Digest.of(miniatures.MINIATURES["mini-flit"]("1.0")))
    assert source["digest"]["sha256"] not in pinned
    assert source["annotations"]["modified"] == {
        "archive": "",
        "patches": [{"name": "value.patch", "digest": {"sha256": digest}}],
        "pinned": {"sha256": pinned.partition(":")[2]},
    }
    assert bench.generate("requirements.txt").returncode == 0
    verified = (bench.folder / "verified-requirements.txt").read_text()
    assert "    # modified source: patched with value.patch\n" in verified
    assert bench.lock("-r", "requirements.txt", "--check").returncode == 0
    # The same wheel is kept; without the patch it is another one.
    assert "1 from the store; " in bench.asaman("-r", "requirements.txt").stdout
    bench.write("", name="pyproject.toml")
    assert bench.lock("-r", "requirements.txt", "--check").returncode == 1
    assert bench.asaman("-r", "requirements.txt").returncode == 0
    assert bench.hashes() != patched
    assert bench.lock("-r", "requirements.txt", "--check").returncode == 0
