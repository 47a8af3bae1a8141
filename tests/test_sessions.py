"""The sessions through nox itself, with the work played by tests/support/work.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .support import work

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[1]
NOXFILE = """
import nox
import amrasaman_nox
from tests.support import work

work.install()
nox.options.error_on_external_run = True

{body}

if __name__ == "__main__":
    nox.main()
"""
REGISTERED = 'amrasaman_nox.register(amrasaman_nox.Config(requirement="r.txt"))'
OTHER = """
@nox.session(venv_backend="none", tags=["release"])
def other(session):
    print("the other one ran", *session.posargs)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    (folder / "r.txt").write_text("")
    return folder


def noxfile(project: Path, *body: str) -> None:
    (project / "noxfile.py").write_text(NOXFILE.format(body="\n".join(body)))


def nox(
    folder: Path, *arguments: str, python: bool = False, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(() if python else ("-m", "nox")), *arguments]
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NOX", "GITHUB_", "PYTEST")) and name != "FORCE_COLOR"
    }
    return subprocess.run(
        command,
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


# --- what is registered ----------------------------------------------------------------------


def test_the_sessions_are_listed_with_a_line_each(project: Path) -> None:
    noxfile(project, REGISTERED)
    done = nox(project, "-l")
    assert done.returncode == 0
    for line in (
        "- reproducible_wheels [release] -> Build reproducible wheels of everything that is "
        "pinned.",
        "- verified_requirements [release] -> Write a requirements file with the hashes of "
        "the wheels.",
        "- release_check [release] -> Check a project before its release: commit, tag, metadata.",
        "- verify [release] -> Rebuild under variations, compare, and name the causes.",
        "- lock_build_requirements -> Write or refresh the build lock only.",
        "- merge_wheels -> Merge the wheels, records and locks of several runs.",
    ):
        assert line in done.stdout.splitlines()
    # nox runs them in this order.
    assert done.stdout.index("- release_check") < done.stdout.index("- reproducible_wheels")


def test_importing_registers_nothing(project: Path) -> None:
    noxfile(project, "from amrasaman_nox import *", OTHER)
    listed = nox(project, "-l").stdout
    assert "reproducible_wheels" not in listed
    assert "other" in listed


def test_a_prefix_is_put_in_front_of_the_names(project: Path) -> None:
    noxfile(project, 'amrasaman_nox.register(prefix="asaman_", tags=["ship"])')
    listed = nox(project, "-l").stdout
    assert "- asaman_verify [ship] -> " in listed
    assert "- verify" not in listed


def test_a_bare_nox_runs_them_only_if_asked_to_and_never_renews_the_lock(project: Path) -> None:
    noxfile(project, REGISTERED, OTHER)
    assert "* reproducible_wheels" not in nox(project, "-l").stdout
    noxfile(project, "amrasaman_nox.register(default=True)")
    listed = nox(project, "-l").stdout
    assert listed.count("\n* ") == 4
    assert "- lock_build_requirements" in listed


@pytest.mark.parametrize("python", [False, True])
def test_a_session_of_the_user_is_never_replaced(project: Path, python: bool) -> None:
    mine = '@nox.session(venv_backend="none")\ndef verify(session):\n    print("mine")'
    noxfile(project, mine, "amrasaman_nox.register()")
    done = nox(project, *(["noxfile.py"] if python else []), "-s", "verify", python=python)
    assert done.returncode == 2
    assert "error: session verify: the noxfile already has a session with this name" in done.stderr
    assert "hint: call register() with a prefix" in done.stderr
    assert "Traceback" not in done.stderr
    noxfile(project, mine, 'amrasaman_nox.register(prefix="asaman_")')
    assert "mine" in nox(project, "-s", "verify").stdout


# --- how they run ----------------------------------------------------------------------------


def test_nox_runs_a_session(project: Path) -> None:
    noxfile(project, REGISTERED)
    done = nox(project, "-s", "reproducible_wheels", "--", "-j", "3")
    assert done.returncode == 0
    assert "six-1.17.0-py3-none-any.whl" in done.stdout
    assert "nox > Session reproducible_wheels was successful" in done.stderr
    asked = work.asked(project / "wheels")
    assert (asked["requirement"], asked["jobs"]) == (str(project / "r.txt"), 3)


def test_the_noxfile_runs_as_a_script(project: Path) -> None:
    noxfile(project, REGISTERED)
    done = nox(project, "noxfile.py", "-s", "reproducible_wheels", python=True)
    assert (done.returncode, "Warning" in done.stderr) == (0, False)
    assert work.asked(project / "wheels")["command"] == "reproducible_wheels"


def test_options_count_from_where_nox_was_called_and_the_rest_from_the_noxfile(
    project: Path,
) -> None:
    noxfile(project, REGISTERED)
    (project / "pyproject.toml").write_text('[tool.amrasaman]\nlock = "l.toml"')
    (project / "sub/other.txt").write_text("")
    call = ("-f", "../noxfile.py", "-s", "reproducible_wheels")
    assert nox(project / "sub", *call).returncode == 0
    asked = work.asked(project / "wheels")
    assert asked["requirement"] == str(project / "r.txt")
    assert asked["lock"] == str(project / "l.toml")
    done = nox(project / "sub", *call, "--", "-r", "other.txt", "-o", "out")
    assert done.returncode == 0
    asked = work.asked(project / "sub/out")
    assert asked["requirement"] == str(project / "sub/other.txt")
    assert asked["lock"] == str(project / "l.toml")


def test_a_release_runs_in_order_and_renews_no_lock(project: Path) -> None:
    noxfile(project, REGISTERED)
    done = nox(project, "-t", "release")
    assert done.returncode == 0
    ran = [line for line in done.stderr.splitlines() if "Running session" in line]
    assert [line.split()[-1] for line in ran] == [
        "release_check",
        "reproducible_wheels",
        "verified_requirements",
        "verify",
    ]


@pytest.mark.parametrize("fails", [True, False])
def test_nothing_is_put_into_dist_where_the_check_before_a_release_fails(
    project: Path, fails: bool
) -> None:
    (project / "pyproject.toml").write_text("[project]\n[tool.amrasaman]\ndist = 'out'")
    finding = f"Finding(check='tag', what='no tag', fix='tag it', allowed={not fails})"
    noxfile(
        project,
        "from amrasaman_nox.model import Finding, Report",
        "from amrasaman_nox.releases import check",
        "check.check = lambda config, *, notify: Report(",
        f"    command='release_check', findings=({finding},))",
        "amrasaman_nox.register()",
    )
    done = nox(project, "-t", "release")
    assert bool(done.returncode) is fails
    assert ("release_check failed: nothing is put into dist" in done.stderr) is fails
    dist = work.asked(project / "wheels")["dist"]
    assert dist == (None if fails else str(project / "out"))


def test_a_release_takes_the_input_from_the_command_line(project: Path) -> None:
    noxfile(project, "amrasaman_nox.register()")
    done = nox(project, "-t", "release", "--", "-r", "r.txt")
    assert done.returncode == 0
    assert "was skipped" not in done.stderr


def test_a_project_without_a_requirements_file_skips_the_verified_one(project: Path) -> None:
    (project / "pyproject.toml").write_text("[project]")
    noxfile(project, "amrasaman_nox.register()")
    done = nox(project, "-t", "release")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified_requirements skipped: missing argument REQUIREMENT" in done.stderr
    assert work.asked(project / "wheels")["project"] == str(project)


def test_the_plain_function_can_be_decorated(project: Path) -> None:
    noxfile(
        project,
        '@nox.session(venv_backend="none", python=False)',
        "def mine(session):",
        "    config = amrasaman_nox.Config(requirement='r.txt', jobs=5)",
        "    amrasaman_nox.reproducible_wheels(session, config=config)",
    )
    assert nox(project, "-s", "mine").returncode == 0
    assert work.asked(project / "wheels")["jobs"] == 5


# --- what of nox's own options they follow ---------------------------------------------------


def ran(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [
        line.partition("Running session ")[2]
        for line in done.stderr.splitlines()
        if "Running session " in line
    ]


@pytest.mark.parametrize("option", ["-P", "--force-python"])
def test_the_python_that_is_forced_is_what_builds(project: Path, option: str) -> None:
    noxfile(project, REGISTERED)
    done = nox(project, "-s", "reproducible_wheels", option, "3.12")
    assert done.returncode == 0, done.stderr
    assert ran(done) == ["reproducible_wheels-3.12"]
    assert work.asked(project / "wheels")["python"] == ["3.12"]


def test_the_python_that_is_forced_wins_over_the_noxfile_and_an_option_over_it(
    project: Path,
) -> None:
    (project / "pyproject.toml").write_text('[tool.amrasaman]\npython = ["3.10"]')
    noxfile(
        project,
        'amrasaman_nox.register(amrasaman_nox.Config(requirement="r.txt", python=("3.13",)))',
    )
    call = ("-s", "reproducible_wheels", "-P", "3.12")
    assert nox(project, *call).returncode == 0
    assert work.asked(project / "wheels")["python"] == ["3.12"]
    assert nox(project, *call, "--", "--python", "3.14").returncode == 0
    assert work.asked(project / "wheels")["python"] == ["3.14"]


def test_several_pythons_are_a_session_each(project: Path) -> None:
    noxfile(project, REGISTERED)
    done = nox(project, "-s", "reproducible_wheels", "-P", "3.11", "3.12", "--", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert ran(done) == ["reproducible_wheels-3.11", "reproducible_wheels-3.12"]
    assert work.asked(project / "out")["python"] == ["3.12"]


def test_a_release_for_a_python_is_one_in_all_of_its_sessions(project: Path) -> None:
    noxfile(project, REGISTERED)
    done = nox(project, "-t", "release", "-P", "3.12")
    assert done.returncode == 0, done.stderr
    assert ran(done)[1::2] == ["reproducible_wheels-3.12", "verify-3.12"]
    assert work.asked(project / "wheels")["python"] == ["3.12"]


def test_a_path_counts_from_where_nox_was_called(project: Path) -> None:
    noxfile(project, REGISTERED)
    call = ("-f", "../noxfile.py", "-s", "reproducible_wheels", "-P", "./py/bin/python3")
    done = nox(project / "sub", *call)
    assert done.returncode == 0, done.stderr
    asked = work.asked(project / "wheels")["python"]
    assert asked == [str(project / "sub/py/bin/python3")]


MINE = """
@nox.session({how})
def mine(session):
    amrasaman_nox.reproducible_wheels(session, config=amrasaman_nox.Config(requirement="r.txt",
        output=f"wheels-{{session.python}}"))
    print("bin:", session.venv_backend, session.bin_paths)
"""
RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("virtualenv", "python"),
        ("venv", "parametrize"),
        ("uv", "python"),
        ("uv", "-P"),
        ("uv", "--extra-python"),
    ],
)
def test_a_session_with_an_environment_builds_with_its_python(
    project: Path, backend: str, how: str
) -> None:
    rows = {
        "python": f'python="{RUNNING}"',
        "-P": "",
        "--extra-python": f'python=["{RUNNING}"]',
        "parametrize": "",
    }
    body = MINE.format(how=", ".join(filter(None, (f'venv_backend="{backend}"', rows[how]))))
    if how == "parametrize":
        body = body.replace("\ndef ", f'\n@nox.parametrize("python", ["{RUNNING}"])\ndef ')
    noxfile(project, body)
    options = (how, RUNNING) if how.startswith("-") else ()
    done = nox(project, "-s", "mine", *options)
    assert done.returncode == 0, done.stderr
    (python,) = work.asked(project / f"wheels-{RUNNING}")["python"]  # type: ignore[misc]
    assert f"bin: {backend} ['{Path(python).parent}']" in done.stdout


@pytest.mark.parametrize("how", ['@nox.parametrize("x", [1])\n', ""])
def test_a_session_without_an_environment_builds_for_each_python_of_its_list(
    project: Path, how: str
) -> None:
    body = MINE.format(how='python=["3.11", "3.12"], venv_backend="none"')
    if how:
        body = body.replace("\ndef mine(session)", f"\n{how}def mine(session, x)")
    noxfile(project, body)
    done = nox(project, "-s", "mine")
    assert done.returncode == 0, done.stderr
    assert work.asked(project / "wheels-False")["python"] == ["3.11", "3.12"]
    # Forced, it is a session each.
    assert nox(project, "-s", "mine", "-P", "3.13").returncode == 0
    assert work.asked(project / "wheels-3.13")["python"] == ["3.13"]


def test_a_session_without_a_python_builds_with_that_of_nox(project: Path) -> None:
    noxfile(project, MINE.format(how='venv_backend="virtualenv"'))
    assert nox(project, "-s", "mine").returncode == 0
    assert work.asked(project / "wheels-None")["python"] == []


@pytest.mark.parametrize("options", [("-R",), ("--no-install", "-x"), ("-fb", "uv"), ("-db", "uv")])
def test_options_about_environments_change_nothing(project: Path, options: tuple[str, ...]) -> None:
    noxfile(project, REGISTERED)
    for _ in range(2):
        done = nox(project, *options, "-s", "reproducible_wheels")
        assert done.returncode == 0, done.stderr
        assert "six-1.17.0-py3-none-any.whl" in done.stdout
    assert work.asked(project / "wheels")["python"] == []


@pytest.mark.parametrize(
    "option", ["default_venv_backend = 'uv'", "reuse_venv = 'always'", "stop_on_first_error = True"]
)
def test_options_of_the_noxfile_about_environments_change_nothing(
    project: Path, option: str
) -> None:
    noxfile(project, f"nox.options.{option}", REGISTERED)
    done = nox(project, "-s", "reproducible_wheels")
    assert done.returncode == 0, done.stderr
    assert not (project / ".nox/reproducible_wheels/bin").exists()


@pytest.mark.parametrize(
    "option",
    ['sessions = ["reproducible_wheels"]', 'tags = ["release"]', 'keywords = "reproducible"'],
)
def test_what_nox_runs_by_itself_may_be_ours(project: Path, option: str) -> None:
    noxfile(project, f"nox.options.{option}", "amrasaman_nox.register(default=True)")
    (project / "pyproject.toml").write_text('[tool.amrasaman]\nrequirement = "r.txt"')
    done = nox(project)
    assert done.returncode == 0, done.stderr
    assert "reproducible_wheels" in ran(done)


def test_another_session_may_notify_one_with_options_of_its_own(project: Path) -> None:
    noxfile(
        project,
        REGISTERED,
        '@nox.session(venv_backend="none")',
        "def before(session):",
        '    session.notify("reproducible_wheels", posargs=["-j", "7"])',
    )
    done = nox(project, "-s", "before", "--", "--not-for-us")
    assert done.returncode == 0, done.stderr
    assert ran(done) == ["before", "reproducible_wheels"]
    assert work.asked(project / "wheels")["jobs"] == 7


def test_a_parametrised_session_may_call_one_with_each_of_its_values(project: Path) -> None:
    noxfile(
        project,
        '@nox.session(venv_backend="none")',
        '@nox.parametrize("jobs", [2, 3])',
        "def each(session, jobs):",
        '    config = amrasaman_nox.Config(requirement="r.txt", jobs=jobs, output=f"out-{jobs}")',
        "    amrasaman_nox.reproducible_wheels(session, config=config)",
    )
    done = nox(project, "-s", "each")
    assert done.returncode == 0, done.stderr
    assert [work.asked(project / f"out-{jobs}")["jobs"] for jobs in (2, 3)] == [2, 3]
    done = nox(project, "-s", "each(jobs=2)", "--", "--bogus")
    assert "error: nox -s 'each(jobs=2)' --: no such option" in done.stderr


# --- how they end ----------------------------------------------------------------------------


@pytest.mark.parametrize("python", [False, True])
def test_help_ends_its_own_session_with_success_and_no_other(project: Path, python: bool) -> None:
    noxfile(project, REGISTERED, OTHER)
    script = ["noxfile.py"] if python else []
    done = nox(project, *script, "-s", "verify", "other", "--", "--help", python=python)
    assert done.returncode == 0
    assert "Usage: nox -s verify -- [OPTIONS]" in done.stdout
    assert "the other one ran --help" in done.stdout
    assert not (project / "wheels").exists()


def test_a_usage_error_fails_its_own_session_and_the_others_go_on(project: Path) -> None:
    noxfile(project, REGISTERED, OTHER)
    done = nox(project, "-s", "reproducible_wheels", "other", "--", "--bogus")
    assert done.returncode == 1
    assert "error: nox -s reproducible_wheels --: no such option" in done.stderr
    assert "Session reproducible_wheels aborted: exit code 2" in done.stderr
    assert "the other one ran --bogus" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("first_line", "code", "said"),
    [
        ("fail", 3, "error: lxml==5.2.1: build: the hook ended with 1"),
        ("refuse", 2, "error: six: not hashed"),
        ("disk", 5, "error: /somewhere/store: No space left on device"),
        ("break", 5, "error: internal error: RuntimeError"),
    ],
)
def test_a_session_fails_with_a_line_and_no_traceback(
    project: Path, first_line: str, code: int, said: str
) -> None:
    (project / "r.txt").write_text(first_line)
    noxfile(project, REGISTERED, OTHER)
    done = nox(project, "-s", "reproducible_wheels", "other")
    assert done.returncode == 1
    assert said in done.stderr
    assert f"Session reproducible_wheels aborted: exit code {code}" in done.stderr
    assert "the other one ran" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_bad_configuration_fails_the_session(project: Path) -> None:
    (project / "pyproject.toml").write_text("[tool.amrasaman]\njob = 1")
    noxfile(project, REGISTERED)
    done = nox(project, "-s", "reproducible_wheels")
    assert done.returncode == 1
    assert "[tool.amrasaman] job: unknown key" in done.stderr
    assert "hint: did you mean jobs?" in done.stderr


def test_sigterm_ends_the_whole_run_as_ctrl_c_does(project: Path) -> None:
    (project / "r.txt").write_text("terminate")
    noxfile(project, REGISTERED, OTHER)
    done = nox(project, "-s", "reproducible_wheels", "other")
    assert done.returncode == 130
    assert "the other one ran" not in done.stdout
    assert "Traceback" not in done.stderr


def test_messages_of_libraries_stay_off_the_screen(project: Path) -> None:
    noxfile(
        project,
        "import logging",
        "def chat():",
        "    logging.getLogger('urllib3').debug('chatter')",
        "    logging.getLogger('urllib3').warning('chatter')",
        "    return work.BUILT",
        "work.OUTCOMES[''] = chat",
        REGISTERED,
        "@nox.session(venv_backend='none')",
        "def after(session):",
        "    session.log('heard again')",
    )
    done = nox(project, "-s", "reproducible_wheels", "after")
    assert "chatter" not in done.stderr
    assert "heard again" in done.stderr


def test_sessions_of_one_run_take_what_they_have_of_its_options(project: Path) -> None:
    noxfile(project, REGISTERED)
    arguments = ("--", "--html", "report.html")
    together = nox(project, "-s", "verified_requirements", "merge_wheels", *arguments)
    assert "no such option" not in together.stderr
    assert "no such option '--html'" in nox(project, "-s", "merge_wheels", *arguments).stderr
