"""Whoever runs it, and wherever: the same wheels, and never a crash."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .support import miniatures
from .support.bench import BIN, Bench

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.mark import ParameterSet

PINS = miniatures.pins("mini-flit", "mini-c")
ROOT = os.geteuid() == 0


def slow(*values: object) -> ParameterSet:
    """Leave one of several like cases to the slow tests."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.fixture(scope="session")
def expected(
    miniature_index: object, warm_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The hashes that everybody must get."""
    bench = Bench(
        tmp_path_factory.mktemp("expected") / "work",
        miniature_index.url,  # type: ignore[attr-defined]
        warm_cache,
    )
    assert bench.asaman("-r", bench.write(*PINS)).returncode == 0
    return bench.hashes()


def rebuilt(bench: Bench, **changes: object) -> dict[str, str]:
    """Build, and not take from the store; return the hashes."""
    bench.write(*PINS)
    done = bench.asaman("-r", "requirements.txt", "--rebuild", **changes)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return bench.hashes()


# --- credentials ---------------------------------------------------------------------------------

LOCKING = ("lock", "-r", "requirements.txt", "--json", "report.json", "--traceback")
#: Indexes that nobody answers at, or that are no URLs; ``secret`` is in each.
SECRET_URLS = (
    "http://me:secret@127.0.0.1:9/simple/",
    "http://127.0.0.1:9/simple/?token=secret",
    "http://me:s/secret@127.0.0.1:9/simple/",
    "http://127.0.0.1:9/secret@x/?a=b@secret",
    "me:secret@127.0.0.1:9/simple/",
    "http://me:secret@[127.0.0.1/simple/",
)
WAYS: dict[str, Callable[[Bench, str], subprocess.CompletedProcess[str]]] = {
    "option": lambda bench, url: bench.run("asaman", *LOCKING, "--index-url", url),
    "links": lambda bench, url: bench.run("asaman", *LOCKING, "--no-index", "--find-links", url),
    "variable": lambda bench, url: bench.run("asaman", *LOCKING, PIP_INDEX_URL=url),
    "uv": lambda bench, url: bench.run("asaman", *LOCKING, UV_DEFAULT_INDEX=url),
    "file": lambda bench, url: bench.run(
        "asaman", "lock", "-r", bench.write(f"--index-url {url}", *PINS), "--traceback"
    ),
    "pyproject": lambda bench, url: with_index(bench, url).run("asaman", *LOCKING),
}


def with_index(bench: Bench, url: str) -> Bench:
    bench.write("[tool.amrasaman]", f'index-url = "{url}"', name="pyproject.toml")
    return bench


#: Each URL is given in one way, and one URL in each way.
GIVEN = [
    (way, url) if way == "option" or url == SECRET_URLS[0] else slow(way, url)
    for way in WAYS
    for url in SECRET_URLS
]


@pytest.mark.parametrize(("way", "url"), GIVEN)
def test_credentials_show_nowhere(way: str, url: str, tmp_path: Path) -> None:
    if way == "links" and "//" not in url:
        pytest.skip("that is the path of a folder")
    bench = Bench(tmp_path / "work", "", tmp_path / "cache")
    bench.variables["UV_HTTP_RETRIES"] = "0"
    bench.write(*PINS)
    done = WAYS[way](bench, url)
    assert done.returncode in {2, 5}, done.stderr
    assert "error: " in done.stderr
    assert "secret" not in done.stdout + done.stderr
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    given = {bench.folder / "requirements.txt", bench.folder / "pyproject.toml"}
    assert not [path for path in left if path not in given and b"secret" in path.read_bytes()]


# --- the user's settings ---------------------------------------------------------------------


def test_the_users_variables_and_files_have_no_influence(
    bench: Bench, expected: dict[str, str], tmp_path: Path
) -> None:
    library = tmp_path / "preloaded.so"
    library.write_text("not to be loaded")
    startup = tmp_path / "startup.py"
    startup.write_text("raise SystemExit('not to be run')")
    home = bench.folder / "home"
    for folder in (home / ".config/pip", home / ".config/uv", home / ".config/virtualenv"):
        folder.mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text("[global]\nindex-url = https://127.0.0.1:9/\n")
    (home / ".config/uv/uv.toml").write_text('no-binary = true\nindex-url = "https://127.0.0.1:9"')
    (home / ".config/virtualenv/virtualenv.ini").write_text("[virtualenv]\nsystem-site-packages=1")
    (home / ".pydistutils.cfg").write_text("[build_ext]\ndebug = 1\n[bdist_wheel]\nuniversal = 1")
    hashes = rebuilt(
        bench,
        PIP_NO_BINARY=":all:",
        PIP_REQUIRE_HASHES="1",
        PIP_CONFIG_FILE=str(home / ".config/pip/pip.conf"),
        UV_NO_BINARY="1",
        UV_EXCLUDE_NEWER="2001-01-01",
        UV_RESOLUTION="lowest",
        UV_PRERELEASE="allow",
        UV_PYTHON="3.99",
        UV_CACHE_DIR="/nonexistent",
        UV_OFFLINE="1",
        VIRTUALENV_SYSTEM_SITE_PACKAGES="1",
        CC="/bin/false",
        CXX="/bin/false",
        CFLAGS="-O0 -g3",
        LDFLAGS="-Wl,--build-id",
        CPPFLAGS="-DNOISE",
        SETUPTOOLS_SCM_PRETEND_VERSION="9.9",
        SOURCE_DATE_EPOCH="1",
        DIST_EXTRA_CONFIG=str(home / ".pydistutils.cfg"),
        MAKEFLAGS="-j7",
        NOXSESSION="nothing",
        NOXPYTHON="3.99",
    )
    assert hashes == expected
    internal = bench.record(min(hashes))["predicate"]["buildDefinition"]
    assert internal["externalParameters"]["variables"] == {}


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2", "PYTHONDONTWRITEBYTECODE": "1"},
        slow({"TZ": "Pacific/Chatham", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"}),
        slow({"LC_ALL": "C", "PYTHONUTF8": "0", "COLUMNS": "1", "TERM": "dumb"}),
        {"HOME": "/nonexistent/home", "COLUMNS": "x", "PYTHONWARNINGS": "error"},
        slow({"HOME": "", "USER": "", "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}),
    ],
)
def test_the_users_locale_zone_and_interpreter_settings_have_no_influence(
    bench: Bench, expected: dict[str, str], variables: dict[str, str]
) -> None:
    assert rebuilt(bench, **variables) == expected


@pytest.mark.slow
def test_a_missing_home_is_no_fault(bench: Bench, expected: dict[str, str]) -> None:
    bench.write(*PINS)
    variables = bench.environment()
    del variables["HOME"]
    known = ["--index-url", bench.index_url, "--cache-dir", str(bench.cache)]
    done = subprocess.run(
        [str(BIN / "asaman"), "-r", "requirements.txt", *known],
        cwd=bench.folder,
        env=variables,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, bench.hashes()) == (0, expected)


@pytest.mark.parametrize("umask", [slow(0o000), slow(0o077), 0o777])
def test_the_users_umask_has_no_influence(
    bench: Bench, expected: dict[str, str], umask: int
) -> None:
    assert rebuilt(bench, preexec=lambda: os.umask(umask)) == expected
    modes = {path.stat().st_mode & 0o777 for path in bench.wheels.iterdir()}
    assert modes == {0o644}
    assert bench.generate("requirements.txt", preexec=lambda: os.umask(umask)).returncode == 0
    written = bench.folder / "verified-requirements.txt"
    assert written.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "name", [b"caf\xe9", slow("ünï çödé".encode()), slow(b"with 'quotes\" $x;")]
)
def test_the_folder_may_have_any_name(bench: Bench, expected: dict[str, str], name: bytes) -> None:
    try:
        bench.folder = Path(os.fsdecode(os.fsencode(bench.folder) + b"/" + name))
        bench.folder.mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    assert rebuilt(bench) == expected
    assert bench.asaman("-r", "requirements.txt", "--json", "out.json").returncode == 0
    assert bench.generate("requirements.txt").returncode == 0
    again = bench.asaman("-r", "requirements.txt", "--cache-dir", "cache")
    assert again.returncode == 2  # given twice


@pytest.mark.parametrize(
    "closed", [slow("<&-"), slow(">&-"), slow("2>&-"), "<&- >&- 2>&-", ">/dev/full"]
)
def test_closed_streams_change_nothing(bench: Bench, expected: dict[str, str], closed: str) -> None:
    bench.write(*PINS)
    known = ["--index-url", bench.index_url, "--cache-dir", str(bench.cache)]
    command = [str(BIN / "asaman"), "-r", "requirements.txt", *known]
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {closed}', "sh", *command],
        cwd=bench.folder,
        env=bench.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == (5 if "full" in closed else 0), done.stderr
    assert "Traceback" not in done.stderr
    assert bench.hashes() == expected


# --- disks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "full"),
    [slow("4k", "wheels"), ("16k", "wheels"), ("4k", "cache"), slow("512k", "cache")],
)
def test_a_full_disk_is_one_line_and_leaves_nothing(bench: Bench, size: str, full: str) -> None:
    bench.write(*miniatures.pins("mini-flit", "mini-in-tree", "mini-dynamic"))
    if full == "cache":
        bench.cache = bench.folder / "cache"
    place = bench.folder / full
    place.mkdir(mode=0o700)
    listing = bench.folder / "left.txt"
    script = (
        f'mount -t tmpfs -o size={size},mode=0700 none {place} || exit 99; "$@"; code=$?; '
        f"find {place}/files {place} -name '*.whl*' -o -path '*/sha256/*' > {listing}; exit $code"
    )
    known = ["--index-url", bench.index_url, "--cache-dir", str(bench.cache)]
    command = [str(BIN / "asaman"), "-r", "requirements.txt", *known]
    done = subprocess.run(
        ["unshare", *(["-m"] if ROOT else ["-rm"]), "sh", "-c", script, "sh", *command],
        cwd=bench.folder,
        env=bench.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert done.returncode == 5, done.stderr
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
    left = [line for line in listing.read_text().splitlines() if line.endswith(".whl")]
    records = listing.read_text().count(".provenance.json")
    assert len(left) == records if full == "wheels" else not left


def test_a_verified_file_on_a_full_disk_is_the_old_one(bench: Bench) -> None:
    bench.write(*PINS)
    bench.asaman("-r", "requirements.txt")

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    # Or the interpreter would leave parts of compiled modules behind.
    done = bench.generate("requirements.txt", preexec=limited, PYTHONDONTWRITEBYTECODE="1")
    assert (done.returncode, "cannot write" in done.stderr) == (5, True)
    assert not (bench.folder / "verified-requirements.txt").exists()
    assert not list(bench.folder.glob(".verified*"))


@pytest.mark.parametrize("what", ["wheels", "cache", "lock"])
def test_what_cannot_be_written_is_one_line_that_names_it(
    bench: Bench, tmp_path: Path, what: str
) -> None:
    bench.write(*PINS)
    place = tmp_path / "a-file"
    place.write_text("in the way")
    arguments = {
        "wheels": ("-o", str(place / "wheels")),
        "cache": (),
        "lock": ("--lock", str(place / "lock.toml")),
    }[what]
    if what == "cache":
        bench.cache = place / "cache"
    done = bench.asaman("-r", "requirements.txt", *arguments)
    assert done.returncode in {2, 5}
    assert "Traceback" not in done.stderr
    assert str(place) in done.stderr
    assert place.read_text() == "in the way"
    assert what == "wheels" or not bench.wheels.exists(), "said before anything is built"


def test_a_colon_in_a_path_is_no_matter_but_in_that_of_the_cache(
    bench: Bench, expected: dict[str, str], tmp_path: Path
) -> None:
    other = Bench(tmp_path / "a:b", bench.index_url, bench.cache)
    assert rebuilt(other) == expected
    other.cache = tmp_path / "c:d"
    done = other.asaman("-r", "requirements.txt")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: cache folder {other.cache}: its path contains :, which virtual environments "
        "do not support",
        "hint: choose another one: --cache-dir DIRECTORY",
    ]
    assert not other.cache.exists()


@pytest.mark.skipif(ROOT, reason="root may write anywhere")
def test_a_folder_without_permission_is_one_line(bench: Bench) -> None:
    bench.write(*PINS)
    bench.wheels.mkdir(mode=0o500)
    done = bench.asaman("-r", "requirements.txt")
    assert (done.returncode, str(bench.wheels) in done.stderr) == (5, True)


def test_a_cache_that_others_may_write_to_is_refused(bench: Bench, tmp_path: Path) -> None:
    bench.write(*PINS)
    bench.cache = tmp_path / "open"
    bench.cache.mkdir()
    bench.cache.chmod(0o777)
    done = bench.asaman("-r", "requirements.txt")
    assert (done.returncode, "the cache is writable by other users" in done.stderr) == (4, True)


@pytest.mark.slow
def test_cache_and_output_may_be_on_different_file_systems(
    bench: Bench, expected: dict[str, str]
) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == bench.folder.stat().st_dev:
        pytest.skip("there is no second file system")
    folder = other / f"asaman-test-{os.getpid()}"
    try:
        bench.write(*PINS)
        assert bench.asaman("-r", "requirements.txt", "-o", str(folder)).returncode == 0
        assert bench.hashes(folder) == expected
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- what is damaged -------------------------------------------------------------------------


def flipped(path: Path) -> None:
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.slow
@pytest.mark.parametrize("damage", [flipped, linked, Path.unlink])
def test_a_damaged_cache_is_filled_again(cold: Bench, damage: Callable[[Path], object]) -> None:
    cold.write(*miniatures.pins("mini-flit"))
    assert cold.asaman("-r", "requirements.txt").returncode == 0
    before = cold.hashes()
    shutil.rmtree(cold.wheels)
    for path in (cold.cache / "files/sha256").iterdir():
        damage(path)
    done = cold.asaman("-r", "requirements.txt")
    assert (done.returncode, cold.hashes()) == (0, before), done.stderr


# --- several at once -------------------------------------------------------------------------


@pytest.mark.slow
def test_runs_at_once_share_a_cache_and_an_output_folder(cold: Bench) -> None:
    cold.write(*miniatures.pins("mini-flit", "mini-legacy", "mini-in-tree"))
    with ThreadPoolExecutor(3) as pool:
        runs = [pool.submit(cold.asaman, "-r", "requirements.txt") for _ in range(3)]
        done = [run.result() for run in runs]
    assert [one.returncode for one in done] == [0, 0, 0], [one.stderr for one in done]
    assert len(cold.hashes()) == 3
    names = {path.name for path in cold.wheels.iterdir()}
    assert names == {
        name for wheel in cold.hashes() for name in (wheel, f"{wheel}.provenance.json")
    }
    assert cold.generate("requirements.txt").returncode == 0
    assert sum(one.stdout.count("  built") for one in done) == 3


# --- isolation -------------------------------------------------------------------------------


def test_isolation_that_cannot_be_had_is_not_left_out(bench: Bench, tmp_path: Path) -> None:
    bench.write(*PINS)
    tools = tmp_path / "tools"
    tools.mkdir()
    before = bench.snapshot()
    done = bench.asaman("-r", "requirements.txt", "--isolation", "full", PATH=str(tools))
    assert done.returncode == 4
    assert 'error: isolation "full": not available: ' in done.stderr
    assert bench.snapshot() == before


@pytest.mark.slow
def test_without_isolation_the_record_says_so(bench: Bench) -> None:
    bench.write(*miniatures.pins("mini-flit"))
    done = bench.asaman("-r", "requirements.txt", "--isolation", "none")
    assert done.returncode == 0, done.stderr
    assert "isolation: none" in done.stdout
    (wheel,) = bench.hashes()
    internal = bench.record(wheel)["predicate"]["buildDefinition"]["internalParameters"]
    assert internal["isolation"]["rung"] == "none"


CANARY = """
import pathlib
pathlib.Path({path!r}).write_text("touched")
"""


def test_nothing_of_a_source_runs_before_its_hash_is_checked(cold: Bench, tmp_path: Path) -> None:
    assert cold.index is not None
    canary = tmp_path / "canary"
    code = CANARY.format(path=str(canary))
    more = 'backend-path = ["."]\n'
    sdist = miniatures.project(
        "mini-canary",
        backend="own_backend",
        more=more,
        own_backend__py=f"{code}\nfrom flit_core.buildapi import *",
        setup__py=code,
    )
    good = miniatures.add_sdist(cold.index, "mini-canary", sdist)
    refused = (
        good.partition("sha256:")[0] + "sha256:" + "0" * 64,  # another hash
        f"{good}\nmini-flit>=1 --hash=sha256:{'0' * 64}",  # a neighbour is not pinned
    )
    for text in refused:
        done = cold.asaman("-r", cold.write(text), "--isolation", "none")
        assert (done.returncode, canary.exists()) == (2, False)
    done = cold.asaman("-r", cold.write(good), "--isolation", "none", "--locked")
    assert (done.returncode, canary.exists()) == (2, False)
    # The canary itself works: a build does touch it.
    cold.asaman("-r", cold.write(good), "--isolation", "none")
    assert canary.exists()


@pytest.mark.slow
def test_the_interpreter_of_the_system_works_too(bench: Bench) -> None:
    system = Path("/usr/bin/python3")
    if not system.exists() or system.resolve() == Path(sys.executable).resolve():
        pytest.skip("there is no other interpreter of the system")
    bench.write(*miniatures.pins("mini-flit"))
    done = bench.asaman("-r", "requirements.txt", "--python", str(system))
    assert done.returncode == 0, done.stderr
