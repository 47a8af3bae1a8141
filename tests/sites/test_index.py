"""The site as a whole: what is in it, what a later run changes, and installers that use it."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest
from amrasaman_nox.sites.index import make_index

from ..reports.examples import interpreter
from ..support.bench import BIN, snapshot
from ..support.faults import killed_at
from . import handmade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# --- what is in it -----------------------------------------------------------------------------


def contents(site: Path) -> dict[str, str]:
    return {name.removeprefix(str(site)): facts[3] for name, facts in snapshot(site).items()}  # type: ignore[misc]


def test_the_same_wheels_make_the_same_site_in_any_order(tmp_path: Path) -> None:
    handmade.put(tmp_path / "one", "a"), handmade.put(tmp_path / "two", "b")
    whole = contents(handmade.site(tmp_path, tmp_path / "one", tmp_path / "two"))
    assert "/simple/a/index.html" in whole
    (other := tmp_path / "other").mkdir()
    assert contents(handmade.site(other, tmp_path / "two", tmp_path / "one")) == whole
    # One after the other.
    (later := tmp_path / "later").mkdir()
    handmade.site(later, tmp_path / "two")
    assert contents(handmade.site(later, tmp_path / "one")) == whole


def test_a_later_run_touches_only_what_changes(tmp_path: Path) -> None:
    handmade.put(tmp_path / "one", "a"), handmade.put(tmp_path / "two", "b")
    site = handmade.site(tmp_path, tmp_path / "one")
    before = snapshot(site)
    assert snapshot(handmade.site(tmp_path, tmp_path / "one")) == before
    handmade.site(tmp_path, tmp_path / "two")
    changed = {name for name, facts in before.items() if snapshot(site)[name] != facts}
    pages = {"index.html", "simple/index.html", "simple/index.json"}
    assert changed == {str(site / page) for page in pages}


def test_wheels_of_several_interpreters_and_platforms_are_of_one_release(tmp_path: Path) -> None:
    tags = ("cp311-cp311-linux_x86_64", "cp312-cp312-linux_x86_64", "cp311-cp311-linux_aarch64")
    for number, tag in enumerate(tags):
        handmade.put(tmp_path / str(number), "a", "1.0", tag)
    site = handmade.site(tmp_path, *(tmp_path / str(number) for number in range(3)))
    found = json.loads((site / "simple/a/index.json").read_text())
    assert (found["versions"], len(found["files"])) == (["1.0"], 3)


def test_two_wheels_of_one_name_that_differ_are_an_error_that_names_both(tmp_path: Path) -> None:
    python = interpreter("/p", "3.11.7", b"p")
    first = handmade.put(tmp_path / "one", "a", interpreter=python)
    second = handmade.put(tmp_path / "two", "a", interpreter=python, files={"a.py": "x = 2\n"})
    with pytest.raises(AsamanError, match="two different wheels") as caught:
        handmade.site(tmp_path, tmp_path / "one", tmp_path / "two")
    assert str(first) in str(caught.value)
    assert str(second) in str(caught.value)
    assert not (tmp_path / "site").exists()


def test_a_wheel_without_a_record_or_with_other_bytes_stays_out(tmp_path: Path) -> None:
    handmade.put(tmp_path / "w", "a")
    swapped, bare = handmade.put(tmp_path / "w", "b"), handmade.put(tmp_path / "w", "c")
    swapped.write_bytes(b"other")
    bare.with_name(f"{bare.name}.provenance.json").unlink()
    site = tmp_path / "site"
    report = make_index(Config(folders=(tmp_path / "w",), site=site, cache_dir=tmp_path / "cache"))
    assert [one.name for one in report.build.records] == ["a"]
    assert sum(note.startswith("left out: ") for note in report.build.notes) == 2
    assert sorted(path.name for path in (site / "simple").iterdir() if path.is_dir()) == ["a"]


def test_without_wheels_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    with pytest.raises(AsamanError, match="no wheel with a provenance record"):
        handmade.site(tmp_path, tmp_path / "w")
    assert not (tmp_path / "site").exists()


def test_signed_records_of_all_folders_are_kept_each_once(tmp_path: Path) -> None:
    for folder, rebuilders in (("one", "ab"), ("two", "bc")):
        wheel = handmade.put(tmp_path / folder, "a")
        for each in rebuilders:
            handmade.sign(tmp_path / folder, tmp_path / f"{each}.pem")
    site = handmade.site(tmp_path, tmp_path / "one", tmp_path / "two")
    signed = site / f"wheels/{wheel.name}.intoto.jsonl"
    lines = signed.read_text().splitlines()
    assert len(lines) == 3
    assert lines == sorted(set(lines))
    found = json.loads((site / "simple/a/index.json").read_text())["files"][0]
    assert found["_signatures"] == f"../../wheels/{signed.name}"


def test_verdicts_stay_with_the_bytes_that_they_are_of(tmp_path: Path) -> None:
    wheel = handmade.put(tmp_path / "w", "a")
    report = handmade.report(tmp_path / "v.json", wheel)
    site = handmade.site(tmp_path, tmp_path / "w", reports=(report,))
    page = site / "projects/a.html"
    assert "rebuild; varied: umask" in page.read_text()
    before = contents(site)
    assert contents(handmade.site(tmp_path, tmp_path / "w")) == before
    report = handmade.report(tmp_path / "v.json", wheel, ours=str(Digest.of(b"other")))
    (other := tmp_path / "other").mkdir()
    site = handmade.site(other, tmp_path / "w", reports=(report,))
    assert "unchecked" in (site / "projects/a.html").read_text()


def test_pages_of_wheels_that_were_removed_go(tmp_path: Path) -> None:
    handmade.put(tmp_path / "w", "a"), handmade.put(tmp_path / "w", "b")
    site = handmade.site(tmp_path, tmp_path / "w")
    next((site / "wheels").glob("b-*.whl")).unlink()
    handmade.site(tmp_path, site / "wheels")
    assert not [name for name in contents(site) if "/b" in name]


def test_a_run_that_is_killed_leaves_no_link_without_its_file(tmp_path: Path) -> None:
    for name in "ab":
        handmade.put(tmp_path / name, name)
    for at in range(0, 200, 9):
        (folder := tmp_path / f"at-{at}").mkdir()
        handmade.site(folder, tmp_path / "a")
        ended = not killed_at(at, lambda: handmade.site(folder, tmp_path / "b"))
        for page in (folder / "site/simple").glob("*/index.json"):
            for file in json.loads(page.read_text())["files"]:
                wheel = page.parent / file["url"]
                assert str(Digest.of(wheel.read_bytes())) == f"sha256:{file['hashes']['sha256']}"
                metadata = wheel.with_name(f"{wheel.name}.metadata").read_bytes()
                assert Digest.of(metadata).value == file["core-metadata"]["sha256"]
                assert wheel.with_name(f"{wheel.name}.provenance.json").is_file()
        if ended:
            return
    pytest.fail("it never ended")


# --- installers --------------------------------------------------------------------------------


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve *folder* as any static server does; yield the URL."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Silent, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    wheel = handmade.put(tmp_path / "w", "mini-a", "1.0+l", requires_python=">=3.8")
    handmade.put(tmp_path / "w", "mini-a", "1.0+l", "py3-none-win32")
    pin = f"mini-a==1.0+l --hash={Digest.of(wheel.read_bytes())}\n"
    (tmp_path / "requirements.txt").write_text(pin)
    return handmade.site(tmp_path, tmp_path / "w")


def pip(index: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return _install([sys.executable, "-m", "pip", "--no-cache-dir", "install"], index, folder)


def uv(index: str, folder: Path) -> subprocess.CompletedProcess[str]:
    client = [str(BIN / "uv"), "--no-config", "--no-cache", "pip", "install"]
    return _install([*client, "--python", sys.executable], index, folder)


def _install(client: list[str], index: str, folder: Path) -> subprocess.CompletedProcess[str]:
    options = ("--require-hashes", "--target", "target", "--index-url", f"{index}simple/")
    return subprocess.run(
        [*client, *options, "-r", "requirements.txt"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


CLIENTS = [uv, pytest.param(pip, marks=pytest.mark.slow)]


@pytest.mark.parametrize("client", CLIENTS)
def test_it_installs_from_a_folder_and_from_a_static_server(
    tmp_path: Path, site: Path, client: object
) -> None:
    assert callable(client)
    with served(site) as url:
        for index in (f"{site.as_uri()}/", url):
            done = client(index, tmp_path)
            assert done.returncode == 0, done.stderr
            assert (tmp_path / "target/mini_a.py").is_file()
            shutil.rmtree(tmp_path / "target")


@pytest.mark.parametrize("client", [uv, pip])
def test_a_swapped_wheel_is_refused(tmp_path: Path, site: Path, client: object) -> None:
    assert callable(client)
    wheel = next((site / "wheels").glob("*-any.whl"))
    other = handmade.put(tmp_path / "x", "mini-a", "1.0+l", files={"mini_a.py": "evil = 1\n"})
    wheel.write_bytes(other.read_bytes())
    done = client(f"{site.as_uri()}/", tmp_path)
    assert done.returncode != 0
    assert "hash" in (done.stdout + done.stderr).lower()
    assert not (tmp_path / "target/mini_a.py").exists()
