from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import amrasaman_nox
from amrasaman_nox import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Digest, Event, Verdict

from .support import work
from .support.projects import make_wheel


@pytest.fixture(autouse=True)
def _played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    work.install(monkeypatch.setattr)
    monkeypatch.chdir(tmp_path)


def test_build_wheels_completes_the_configuration_and_reports(tmp_path: Path) -> None:
    Path("pyproject.toml").write_text("[tool.amrasaman]\njobs = 3")
    seen: list[Event] = []
    report = amrasaman_nox.build_wheels(Config(requirement=Path("r.txt")), notify=seen.append)
    assert [record.name for record in report.build.records] == ["six"]
    asked = work.asked(tmp_path / "wheels")
    assert (asked["jobs"], asked["requirement"]) == (3, str(tmp_path / "r.txt"))
    assert asked["cache_dir"] is not None
    assert seen


def test_build_wheels_without_a_configuration_builds_the_project(tmp_path: Path) -> None:
    Path("pyproject.toml").write_text("")
    amrasaman_nox.build_wheels()
    assert work.asked(tmp_path / "wheels")["project"] == str(tmp_path)


def test_write_verified_requirements_hands_over_its_arguments(tmp_path: Path) -> None:
    amrasaman_nox.write_verified_requirements("r.txt", "v.txt", wheels="w", skip=["Foo_Bar"])
    asked = work.asked(tmp_path / "w")
    assert [asked[name] for name in ("requirement", "verified", "output", "skip")] == [
        *("r.txt", "v.txt", "w"),
        ["foo-bar"],
    ]
    amrasaman_nox.write_verified_requirements(Path("r.txt"))
    asked = work.asked(tmp_path / "wheels")
    assert [asked[name] for name in ("requirement", "verified", "output", "skip")] == [
        *("r.txt", None, "wheels"),
        [],
    ]


def test_compare_wheels_gives_a_verdict(tmp_path: Path) -> None:
    name = "example-1.0-py3-none-any.whl"
    contents = {"a": "x = 1\n", "b": "x = 1\n", "c": "x = 2\n"}
    for folder, code in contents.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(make_wheel("example", "1.0", {"example.py": code}))
    same = amrasaman_nox.compare_wheels(f"a/{name}", f"b/{name}")
    assert (same.name, same.version, same.verdict) == ("example", "1.0", Verdict.IDENTICAL)
    assert same.ours == same.theirs
    other = amrasaman_nox.compare_wheels(tmp_path / "a" / name, tmp_path / "c" / name)
    assert other.verdict is Verdict.DIFFERENT
    assert other.ours != other.theirs
    assert {difference.member for difference in other.differences} >= {"example.py"}


@pytest.mark.parametrize("names", [("no.txt", "no.txt"), ("a-1-py3-none-any.whl", "b.whl")])
def test_compare_wheels_refuses_what_it_cannot_read(names: tuple[str, str]) -> None:
    with pytest.raises(AsamanError):
        amrasaman_nox.compare_wheels(*names)


class Session:
    """As much of nox's session as is needed."""

    python: str | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ran: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def create_tmp(self) -> str:
        return str(self.folder)

    def run(self, *command: str, **options: Any) -> None:
        self.ran.append((command, options))


def test_a_throwaway_environment_takes_hashed_wheels_of_ours_alone(tmp_path: Path) -> None:
    session: Any = Session(tmp_path)
    folder = amrasaman_nox.create_environment(session, "verified-requirements.txt")
    assert folder.parent == tmp_path
    (create, _), (install, options) = session.ran
    assert create[-1] == str(folder)
    assert sys.executable in create
    for part in ("--no-index", "--require-hashes", "--only-binary", "--no-config", "--offline"):
        assert part in install
    assert install[install.index("--find-links") + 1] == str(tmp_path / "wheels")
    assert install[-1] == f"--requirement={tmp_path / 'verified-requirements.txt'}"
    assert options == {"env": {}, "include_outer_env": False, "external": True}


class RunningSession(Session):
    def run(self, *command: str, **options: Any) -> None:
        assert options["include_outer_env"] is False
        subprocess.run(command, env=options["env"], check=True, capture_output=True)


def test_a_throwaway_environment_holds_what_is_pinned(tmp_path: Path) -> None:
    wheel = make_wheel("example", "1.0", {"example.py": "x = 1"})
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels/example-1.0-py3-none-any.whl").write_bytes(wheel)
    session: Any = RunningSession(tmp_path)
    (tmp_path / "v.txt").write_text(f"example==1.0 --hash={Digest.of(wheel)}\n")
    python = amrasaman_nox.create_environment(session, "v.txt") / "bin/python"
    subprocess.run([python, "-c", "import example"], check=True)
    (tmp_path / "v.txt").write_text(f"example==1.0 --hash={Digest.of(b'')}\n")
    with pytest.raises(subprocess.CalledProcessError):
        amrasaman_nox.create_environment(session, "v.txt")


def test_two_throwaway_environments_share_nothing(tmp_path: Path) -> None:
    session: Any = Session(tmp_path)
    first = amrasaman_nox.create_environment(session)
    assert first != amrasaman_nox.create_environment(session)
    assert len(session.ran) == 2
