"""Bad input, through the whole command: one line, the right exit code, nothing changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import cli
from amrasaman_nox.model import Digest

from .support import archives, miniatures
from .support.bench import Bench, snapshot
from .support.index import altered, page
from .support.projects import make_sdist, make_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support.index import LocalIndex

HASH = "sha256:" + "0" * 64
GOOD = miniatures.pin("mini-flit")


@pytest.fixture(scope="session")
def worked(
    miniature_index: LocalIndex, warm_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a wheel and a verified file of an earlier run."""
    folder = tmp_path_factory.mktemp("worked") / "work"
    bench = Bench(folder, miniature_index.url, warm_cache)
    bench.write(GOOD, name="good.txt")
    assert bench.asaman("-r", "good.txt").returncode == 0
    assert bench.generate("good.txt").returncode == 0
    return folder


@pytest.fixture
def work(bench: Bench, worked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Such a folder, which no bad input changes; it is the current one."""
    shutil.copytree(worked, bench.folder, dirs_exist_ok=True)
    monkeypatch.chdir(bench.folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    return bench


def refused(work: Bench, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """Run a command that must change nothing; return what it says."""
    before = work.snapshot()
    known = ["--index-url", work.index_url, "--cache-dir", str(work.cache)]
    assert cli.run([*arguments, *known]) == code
    assert work.snapshot() == before
    said = capsys.readouterr()
    assert said.out == ""
    lines = [line for line in said.err.splitlines() if line.startswith("error: ")]
    assert lines
    assert all(len(line) <= 500 for line in lines)
    assert "Traceback" not in said.err
    return said.err


# --- requirements files ----------------------------------------------------------------------

REQUIREMENTS = {
    "empty": ("", "no requirements"),
    "comments only": ("# nothing", "no requirements"),
    "no hash": ("mini-flit==1.0", "not hashed"),
    "a weak hash": (f"mini-flit==1.0 --hash=md5:{'0' * 32}", "weak hash"),
    "a short hash": ("mini-flit==1.0 --hash=sha256:00", "malformed hash"),
    "no hash value": ("mini-flit==1.0 --hash=sha256:", "malformed hash"),
    "not pinned": (f"mini-flit>=1.0 --hash={HASH}", "not pinned with =="),
    "a wildcard": (f"mini-flit==1.* --hash={HASH}", "not pinned with =="),
    "pinned twice": (f"{GOOD}\nMini_Flit==2.0 --hash={HASH}", "pinned twice"),
    "a missing file": ("-r missing.txt", "missing.txt"),
    "a cycle": (f"{GOOD}\n-r bad.txt", "includes itself"),
    "a variable that is not set": (f"--index-url https://${{NO_SUCH}}@example.org/\n{GOOD}", ""),
    "a trusted host": (f"--trusted-host example.org\n{GOOD}", "trusted-host"),
    "a plain HTTP index": (f"--extra-index-url http://example.org/\n{GOOD}", "plain HTTP"),
    "a continuation at the end": (f"{GOOD} \\", "malformed"),
    "a name with an escape": (f"mini\x1bflit==1.0 --hash={HASH}", "invalid"),
    "a path for a name": (f"../mini==1.0 --hash={HASH}", ""),
    "a version with a path": (f"mini-flit==1.0/../../x --hash={HASH}", ""),
    "another hash than the index has": (f"mini-flit==1.0 --hash={HASH}", "hash mismatch"),
}
UNKNOWN = {
    "a project that is not there": (f"mini-none==1.0 --hash={HASH}", "no such project"),
    "a version that is not there": (f"mini-flit==7.0 --hash={HASH}", "no such version"),
}


@pytest.mark.parametrize(("text", "said"), REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_a_bad_requirements_file_changes_nothing(
    work: Bench, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    Path("bad.txt").write_text(text)
    assert said in refused(work, capsys, "-r", "bad.txt")


@pytest.mark.parametrize(("text", "said"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_pin_that_the_index_does_not_have_leaves_nothing(
    work: Bench, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    Path("bad.txt").write_text(text)
    assert said in failed(work, capsys, "-r", "bad.txt")


def failed(work: Bench, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command of which one pin fails and leaves nothing; return what it says."""
    before = work.snapshot()
    known = ["--index-url", work.index_url, "--cache-dir", str(work.cache)]
    assert cli.run([*arguments, *known]) == 2
    assert work.snapshot() == before
    said = capsys.readouterr().err
    assert len([line for line in said.splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in said
    return said


def test_a_pin_that_cannot_be_built_is_its_own_failure(cold: Bench) -> None:
    assert cold.index is not None
    wheel = cold.index.add(make_wheel("no-sdist", "1.0"), "no_sdist-1.0-py3-none-any.whl")
    bomb = miniatures.add_sdist(cold.index, "bad", archives.sdist()[:-20])
    asks = miniatures.project("asks", requires='"x @ https://h.example/x.whl"')
    url = miniatures.add_sdist(cold.index, "asks", asks)
    both = make_wheel("bad", "1.0")
    cold.index.add(both, "bad-1.0-py3-none-any.whl")
    cold.write(
        f"no-sdist==1.0 --hash={wheel.digest}",
        f"{bomb} --hash={Digest.of(both)}",
        f"unknown==1 --hash={HASH}",
        url,
        GOOD,
    )
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 2
    assert [*cold.hashes()] == ["mini_flit-1.0-py2.py3-none-any.whl"]
    assert cold.lock("--locked", "-r", "requirements.txt").returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split(":")[1].strip() for line in errors] == [
        "no-sdist==1.0",
        "bad==1.0",
        "unknown==1",
        "asks==1.0",
    ]
    assert all("requirements.txt line" in line for line in errors)
    last = done.stderr.splitlines()[-1]
    assert last == ("hint: to use their published wheels: --only-binary no-sdist,bad")
    generated = cold.generate("requirements.txt")
    assert generated.returncode == 2
    assert not (cold.folder / "verified-requirements.txt").exists()
    again = cold.asaman("-r", "requirements.txt", "--only-binary", "no-sdist,bad")
    assert len(cold.hashes()) == 3
    assert again.returncode == 2


def test_a_hash_mismatch_ends_the_run_with_nothing_built(cold: Bench) -> None:
    assert cold.index is not None
    wrong = miniatures.add_sdist(cold.index, "wrong", make_sdist("wrong", "1.0"))
    cold.index.always("files/wrong-1.0.tar.gz", altered)
    cold.write(GOOD, wrong)
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 2
    assert "wrong-1.0.tar.gz: hash mismatch" in done.stderr
    assert done.stdout == ""
    assert not cold.wheels.exists()


def test_all_pins_that_cannot_be_located_are_named(
    work: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.txt").write_text(f"no-a==1 --hash={HASH}\n{GOOD}\nno-b==1 --hash={HASH}\n")
    known = ["--index-url", work.index_url, "--cache-dir", str(work.cache)]
    assert cli.run(["-r", "bad.txt", *known]) == 2
    said = capsys.readouterr().err
    assert "no-a==1" in said
    assert "bad.txt line 3" in said


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "device"])
def test_what_is_no_file_is_refused(
    work: Bench, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = Path("/dev/zero") if kind == "device" else Path("odd.txt")
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    assert path.name in refused(work, capsys, "-r", str(path))


# --- locks -----------------------------------------------------------------------------------

_PACKAGE = '[[packages]]\nname = "mini-flit"\nversion = "1.0"\n'
_HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
PYLOCKS = {
    "not TOML": ("lock-version = ", "TOML"),
    "another version": ('lock-version = "2.0"\ncreated-by = "x"\npackages = []', "lock-version"),
    "no packages": (_HEAD, "packages"),
    "no hashes": (f'{_HEAD}{_PACKAGE}sdist = {{ url = "https://x/mini_flit-1.0.tar.gz" }}', ""),
    "a weak hash": (
        f'{_HEAD}{_PACKAGE}sdist = {{ url = "https://x/mini_flit-1.0.tar.gz", '
        f'hashes = {{ md5 = "{"0" * 32}" }} }}',
        "",
    ),
    "another project": (
        f'{_HEAD}{_PACKAGE}sdist = {{ url = "https://x/other-1.0.tar.gz", '
        f'hashes = {{ sha256 = "{"0" * 64}" }} }}',
        "mismatch",
    ),
    "a path that leads out": (
        f'{_HEAD}{_PACKAGE}sdist = {{ path = "../mini_flit-1.0.tar.gz", '
        f'hashes = {{ sha256 = "{"0" * 64}" }} }}',
        "invalid artifact location",
    ),
}


@pytest.mark.parametrize(("text", "said"), PYLOCKS.values(), ids=PYLOCKS)
def test_a_bad_pylock_changes_nothing(
    work: Bench, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    Path("pylock.bad.toml").write_text(text)
    assert said in refused(work, capsys, "-r", "pylock.bad.toml")


# --- archives --------------------------------------------------------------------------------

ARCHIVES = {
    "no gzip": (b"<html>", "not a gzip file"),
    "cut short": (archives.sdist()[:-20], "truncated"),
    "more behind it": (archives.sdist() + b"PK", "data after the end"),
    "a path that leads out": (
        archives.sdist(archives.tar_member("demo-1.0/../../x", b"")),
        "unsafe member name",
    ),
    "a link that leads out": (
        archives.sdist(archives.link("demo-1.0/x", "/etc/passwd")),
        "unsafe link",
    ),
    "a device": (archives.sdist(archives.tar_member("demo-1.0/x", kind=b"3")), "special file"),
    "a member twice": (
        archives.sdist(*(archives.tar_member("demo-1.0/x", data) for data in (b"", b"y"))),
        "duplicate",
    ),
    "another name": (archives.sdist(metadata=archives.pkg_info("other")), "mismatch"),
    "another version": (archives.sdist(metadata=archives.pkg_info("demo", "2")), "mismatch"),
    "a backend out of the source": (
        make_sdist("demo", "1.0", backend_path=".."),
        "backend-path",
    ),
    "a build requirement with a URL": (
        make_sdist("demo", "1.0", requires=["x @ file:///etc"]),
        "not name and specifier",
    ),
    "a build requirement that is an option": (
        make_sdist("demo", "1.0", requires=["-r /etc/passwd"]),
        "not name and specifier",
    ),
}


@pytest.mark.parametrize(
    "way", ["archive", *(pytest.param(way, marks=pytest.mark.slow) for way in ("folder", "index"))]
)
@pytest.mark.parametrize(("data", "said"), ARCHIVES.values(), ids=ARCHIVES)
def test_a_bad_archive_changes_nothing_on_any_way_in(
    work: Bench,
    index: LocalIndex,
    capsys: pytest.CaptureFixture[str],
    data: bytes,
    said: str,
    way: str,
) -> None:
    folder = Path("archives")
    folder.mkdir()
    arguments = {
        "archive": ["-s", "archives/demo-1.0.tar.gz"],
        "folder": ["-d", "archives"],
        "index": ["-r", "bad.txt"],
    }[way]
    (folder / "demo-1.0.tar.gz").write_bytes(data)
    Path("bad.txt").write_text(f"demo==1.0 --hash={Digest.of(data)}")
    work.index_url = index.url
    index.add(data, "demo-1.0.tar.gz")
    assert said in failed(work, capsys, *arguments)


def test_an_archive_under_another_name_is_refused(
    work: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("other-1.0.tar.gz").write_bytes(make_sdist("demo", "1.0"))
    assert "mismatch" in refused(work, capsys, "-s", "other-1.0.tar.gz")
    Path("demo-1.0.tar.zst").write_bytes(b"")
    assert "unsupported" in refused(work, capsys, "-s", "demo-1.0.tar.zst")


def test_a_page_in_place_of_a_file_is_a_hash_mismatch(
    work: Bench, index: LocalIndex, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.txt").write_text(miniatures.add(index, "mini-flit", "3.0"))
    index.always("files/mini_flit-3.0.tar.gz", page)
    work.index_url = index.url
    assert "hash mismatch" in refused(work, capsys, "-r", "bad.txt")


# --- options and outputs ---------------------------------------------------------------------

OPTIONS = {
    "no hashes": (["-r", "good.txt", "--no-hash"], "sources without a hash are never built", 2),
    "an unknown option": (["--bogus"], "no such option", 2),
    "two inputs": (["-r", "good.txt", "-s", "x.tar.gz"], "cannot be combined", 2),
    "no jobs": (["-r", "good.txt", "-j", "0"], "must be between", 2),
    "too many jobs": (["-r", "good.txt", "-j", "1000000000"], "must be between", 2),
    "jobs in words": (["-r", "good.txt", "-j", "x"], "not a whole number", 2),
    "a negative epoch": (["-r", "good.txt", "--sde", "-1"], "invalid epoch", 2),
    "an epoch past zip": (["-r", "good.txt", "--sde", "4354819199"], "invalid epoch", 2),
    "an epoch with a fraction": (["-r", "good.txt", "--sde", "1.5"], "not a whole number", 2),
    "a setting without value": (["-r", "good.txt", "-C", "x"], "KEY=VALUE", 2),
    "no such interpreter": (["-r", "good.txt", "--python", "9.9"], "interpreter 9.9", 4),
    "a folder for interpreter": (["-r", "good.txt", "--python", "/usr/bin"], "not an exec", 4),
    "no interpreter at all": (["-r", "good.txt", "--python", "/bin/echo"], "not a Python", 4),
    "no such file": (["-s", "missing-1.0.tar.gz"], "No such file", 2),
    "no such folder": (["-d", "missing"], "No such file", 2),
    "an empty folder": (["-d", "empty"], "no .tar.gz or .zip or", 2),
    "a broken lock": (["-r", "good.txt", "--lock", "broken.toml"], "not TOML", 2),
    "a lock from the future": (["-r", "good.txt", "--lock", "newer.toml"], "version 9 is not", 2),
}


@pytest.mark.parametrize(("arguments", "said", "code"), OPTIONS.values(), ids=OPTIONS)
def test_a_bad_option_changes_nothing(
    work: Bench,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
    code: int,
) -> None:
    Path("empty").mkdir()
    Path("broken.toml").write_text("[[")
    Path("newer.toml").write_text("build-lock-version = 9")
    assert said in refused(work, capsys, *arguments, code=code)


def not_executable(folder: Path) -> Path:
    path = folder / "python-mode"
    path.write_text("#!/bin/sh\necho hello")
    path.chmod(0o644)
    return path


def garbage(folder: Path) -> Path:
    path = folder / "python-garbage"
    path.write_text("#!/bin/sh\nprintf 'amrasaman{\\033[31m'")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("make", [not_executable, garbage])
def test_a_bad_interpreter_is_one_line(
    work: Bench, capsys: pytest.CaptureFixture[str], make: Callable[[Path], Path]
) -> None:
    path = make(work.folder)
    said = refused(work, capsys, "-r", "good.txt", "--python", str(path), code=4)
    assert "\x1b" not in said


@pytest.mark.parametrize("kind", ["input", "link", "pipe", "folder"])
def test_a_verified_file_is_written_to_a_plain_file_only(
    work: Bench, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    output = Path("odd")
    match kind:
        case "input":
            output = Path("good.txt")
        case "link":
            output.symlink_to("good.txt")
        case "pipe":
            os.mkfifo(output)
        case "folder":
            output.mkdir()
    before = snapshot(work.folder)
    assert cli.run(["generate", "good.txt", "-o", str(output)]) == 2
    assert "cannot write" in capsys.readouterr().err
    assert snapshot(work.folder) == before
