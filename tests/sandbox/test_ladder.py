"""Which rung a run gets, and what it says of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.config.rungs import RUNGS
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.sandbox import limited, system_calls
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sandbox.view import Isolation

from ..support import miniatures
from ..support.rungs import ISOLATED, chosen, put

if TYPE_CHECKING:
    from pathlib import Path

    from ..support.bench import Bench

BROKEN = {
    "missing": (None, 0o755, "not installed"),
    "not executable": ("exit 0", 0o644, "not installed"),
    "127": ("echo 'bwrap: error 127' >&2; exit 127", 0o755, "bwrap: error 127"),
    "old": ("echo 'bwrap: Unknown option --disable-userns' >&2; exit 1", 0o755, "Unknown option"),
    "silent": ("exit 1", 0o755, "exit status 1"),
    "does nothing": ("exit 0", 0o755, "exit status 0"),
    "no interpreter": ("", 0o755, "not available"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_full_isolation_that_is_not_to_be_had_is_refused(programs: Path, kind: str) -> None:
    script, mode, why = BROKEN[kind]
    if script is None:
        (programs / "bwrap").unlink(missing_ok=True)
    else:
        put(programs / "bwrap", script, mode)
    if kind == "no interpreter":
        (programs / "bwrap").write_text("#!/no/such/interpreter\n")
    with pytest.raises(AsamanError) as caught:
        choose("full")
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert why in str(caught.value)
    assert "package bubblewrap" in caught.value.hint
    assert len(caught.value.lines()) == 2


def test_the_next_rung_is_taken_with_the_reason(programs: Path) -> None:
    put(programs / "bwrap", *BROKEN["127"][:2])
    chosen("namespaces")
    found = choose("auto")
    assert found.rung == "namespaces"
    assert len(found.reasons) == 1
    assert "bwrap: error 127" in found.reasons[0]


def test_the_last_rung_has_the_reasons_of_both(programs: Path) -> None:
    put(programs / "bwrap", *BROKEN["127"][:2])
    put(programs / "unshare", "echo 'unshare: unshare failed: Operation not permitted'; exit 1")
    found = choose("auto")
    assert found.rung == "none"
    assert [reason.partition(":")[0] for reason in found.reasons] == [
        'isolation "full" is not available',
        'isolation "namespaces" is not available',
    ]
    assert "Operation not permitted" in found.reasons[1]
    with pytest.raises(AsamanError) as caught:
        choose("namespaces")
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert "package util-linux" in caught.value.hint


REFUSES = "import sys; sys.exit('the kernel refuses the system call filter: no such thing')"


def test_a_rung_says_where_the_kernel_refuses_the_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = tmp_path / "confine.py"
    stub.write_text(REFUSES)
    monkeypatch.setattr(limited.confine, "__file__", str(stub))
    chosen("full")
    for rung in ("namespaces", "none"):
        found = chosen(rung)
        assert not found.filtered
        (reason,) = found.reasons
        assert reason.startswith(f'isolation "{rung}" does not filter system calls: ')
        assert reason.endswith("the kernel refuses the system call filter: no such thing")


SETARCH = "echo 'setarch: failed to set personality: Operation not permitted' >&2; exit 1"


@pytest.mark.parametrize("rung", ["full", "namespaces", "none"])
def test_a_rung_says_where_the_kernel_does_not_fix_addresses(rung: str, programs: Path) -> None:
    assert chosen(rung).fixed_addresses
    put(programs / "setarch", SETARCH)
    found = chosen(rung)
    assert found.filtered
    assert not found.fixed_addresses
    (reason,) = found.reasons
    assert reason.startswith(f'isolation "{rung}" does not turn off address space randomisation: ')
    # A sandbox does not show the program of this test; that it cannot run is as good.
    why = "No such file" if found.constant_paths else "Operation not permitted"
    assert why in reason


def test_a_kernel_that_places_memory_by_chance_all_the_same_is_found_out(programs: Path) -> None:
    put(programs / "setarch", 'shift 2; exec "$@"')
    found = chosen("none")
    assert not found.fixed_addresses
    assert "still randomises addresses" in found.reasons[-1]


def test_a_stack_below_the_constant_one_fixes_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited.resource, "getrlimit", lambda _: (1 << 20, 4 << 20))
    found = chosen("none")
    assert not found.fixed_addresses
    assert "ulimit -Hs" in found.reasons[-1]


def test_full_isolation_is_refused_where_there_is_no_filter_for_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(system_calls, "MACHINES", {})
    with pytest.raises(AsamanError) as caught:
        choose("full")
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert "system call filter: not available for" in str(caught.value)
    found = choose("auto")
    assert (found.rung, found.filtered) in (("namespaces", False), ("none", False))
    assert [reason for reason in found.reasons if "does not filter system calls" in reason]


def test_a_chosen_rung_is_what_was_asked_for() -> None:
    assert choose("none") == Isolation(rung="none")
    assert not choose("none").constant_paths
    assert choose("auto").rung in {*ISOLATED, "none"}


def test_a_run_says_on_which_rung_it_was_and_why(cold: Bench, programs: Path) -> None:
    put(programs / "bwrap", *BROKEN["127"][:2])
    cold.write(*miniatures.pins("mini-in-tree"))
    cold.variables["PATH"] = f"{programs}:{os.environ['PATH']}"
    done = cold.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr
    (record,) = cold.wheels.glob("*.provenance.json")
    text = record.read_text()
    assert "isolation: full" not in done.stdout
    assert "isolation: " in done.stdout
    assert "bwrap: error 127" in done.stdout + done.stderr
    assert "bwrap: error 127" in text


def test_a_run_that_needs_full_isolation_builds_nothing_without_it(
    cold: Bench, programs: Path
) -> None:
    put(programs / "bwrap", *BROKEN["127"][:2])
    cold.write(*miniatures.pins("mini-in-tree"))
    cold.variables["PATH"] = f"{programs}:{os.environ['PATH']}"
    done = cold.asaman("-r", "requirements.txt", "--isolation", "full")
    assert done.returncode == 4
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith('error: isolation "full": not available: ')
    assert "package bubblewrap" in hint
    assert not cold.wheels.exists()


# --- without isolation ---------------------------------------------------------------------------


@pytest.fixture
def bare(cold: Bench, programs: Path) -> Bench:
    """A working folder with one project, on a machine that can isolate nothing."""
    put(programs / "bwrap", *BROKEN["127"][:2])
    put(programs / "unshare", "echo 'unshare: unshare failed: Operation not permitted'; exit 1")
    cold.write(*miniatures.pins("mini-in-tree"))
    cold.variables["PATH"] = f"{programs}:{os.environ['PATH']}"
    return cold


WARNING = f"warning: {RUNGS['none'].warning}"
COLOURED = f"\033[1;33m{WARNING}\033[0m"


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-q",), ("--json", "-"), ("--isolation", "none")])
def test_a_run_without_isolation_warns_first_and_last(
    bare: Bench, options: tuple[str, ...]
) -> None:
    done = bare.asaman("-r", "requirements.txt", *options)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [lines[0], lines[-1], lines.count(WARNING)] == [WARNING, WARNING, 2]
    for word in ("your files", "the network", "other processes", "package bubblewrap"):
        assert word in WARNING
    # Also where nothing is left to be built, and in colour where that is wanted.
    again = bare.asaman("-r", "requirements.txt", *options, "--color", "always")
    lines = again.stderr.splitlines()
    assert [lines[0], lines[-1], lines.count(COLOURED)] == [COLOURED, COLOURED, 2]


@pytest.mark.slow
def test_every_report_has_the_warning_and_verify_says_it_twice(bare: Bench) -> None:
    reports = ("--json", "report.json", "--markdown", "report.md", "--html", "report.html")
    done = bare.asaman("verify", "-r", "requirements.txt", "--vary", "umask", *reports)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert [lines[0], lines[-1], lines.count(WARNING)] == [WARNING, WARNING, 2]
    for name in reports[1::2]:
        assert "builds run without isolation" in (bare.folder / name).read_text()


@pytest.mark.parametrize("value", ["true", "1", "woodpecker"])
@pytest.mark.parametrize("command", [(), ("verify",), ("lock",)])
def test_in_ci_no_isolation_is_never_taken_unasked(
    bare: Bench, value: str, command: tuple[str, ...]
) -> None:
    bare.variables["CI"] = value
    done = bare.asaman(*command, "-r", "requirements.txt")
    assert done.returncode == 4
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: isolation: in CI, builds run without isolation only with")
    assert "bwrap: error 127" in error
    assert "Operation not permitted" in error
    assert "package bubblewrap" in hint
    assert hint.endswith("; or pass --isolation none")
    assert not bare.wheels.exists()


@pytest.mark.slow
def test_in_ci_no_isolation_can_be_asked_for(bare: Bench) -> None:
    bare.variables["CI"] = "true"
    done = bare.asaman("-r", "requirements.txt", "--isolation", "none")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == WARNING


@pytest.mark.slow
@pytest.mark.parametrize("value", ["", "false", "0"])
def test_outside_of_ci_a_warning_is_enough(bare: Bench, value: str) -> None:
    bare.variables["CI"] = value
    done = bare.asaman("-r", "requirements.txt")
    assert done.returncode == 0, done.stderr


def test_an_isolated_run_warns_of_nothing(bench: Bench) -> None:
    chosen("full")
    bench.write(*miniatures.pins("mini-in-tree"))
    done = bench.asaman("-r", "requirements.txt", CI="true")
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
