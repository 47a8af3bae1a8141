"""Backends that mean harm, on every rung of the isolation ladder.

Each is a file of tests/projects/hostile. What a probe could do is in the wheel that it makes;
the table of docs/explanation/isolation.md says what it should be.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.builds import builder
from amrasaman_nox.environments import installed
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import (
    BuildEnvironment,
    BuildFailure,
    BuildJob,
    BuildRecord,
    Digest,
    Limits,
    LockedFile,
    Pin,
    Source,
)
from amrasaman_nox.reports.console import _failure_lines
from amrasaman_nox.sandbox import memory, system_calls, view
from amrasaman_nox.sandbox.ladder import choose
from amrasaman_nox.sandbox.view import Isolation

from ..support.projects import make_sdist, make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store

PROJECTS = Path(__file__).parents[1] / "projects" / "hostile"
RUNGS = ("full", "namespaces", "none")
STOPPED, REACHED = "stopped", "reached"
#: What nobody but root may do, root may do without isolation.
AS_USER = REACHED if os.geteuid() == 0 else STOPPED
TOKEN = f"token-{os.getpid()}-for-hostile-builds"
LIMITS = replace(Limits(), time=120.0, silence=120.0)


@pytest.fixture(scope="module", params=RUNGS)
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """Each rung that works here."""
    try:
        return choose(request.param)
    except AsamanError as error:
        pytest.skip(str(error))


def build(
    attack: str,
    *,
    store: Store,
    isolation: Isolation,
    interpreter: Interpreter,
    limits: Limits = LIMITS,
    requirements: tuple[LockedFile, ...] = (),
    **targets: object,
) -> BuildRecord | BuildFailure:
    """Build the project of an attack; its targets become variables."""
    names = ("backend.py", "wheel.py")
    files: dict[str, bytes | str] = {name: (PROJECTS / name).read_bytes() for name in names}
    files["attack.py"] = (PROJECTS / f"{attack}.py").read_bytes()
    sdist = make_sdist("hostile", "1.0", files, requires=(), backend="backend", backend_path=".")
    digest = Digest.of(sdist)
    store.add([sdist], digest)
    variables = {"TARGET_RUNG": isolation.rung} | {
        f"TARGET_{name.upper()}": str(value) for name, value in targets.items()
    }
    job = BuildJob(
        source=Source(
            pin=Pin(name="hostile", version="1.0", digests=(digest,)),
            filename="hostile-1.0.tar.gz",
            digest=digest,
        ),
        requirements=requirements,
        interpreter=interpreter,
        environment=replace(BuildEnvironment(), variables=tuple(sorted(variables.items()))),
        isolation=isolation.rung,
        limits=limits,
    )
    return builder.build_wheel(job, store=store, isolation=isolation)


def outcome(result: BuildRecord | BuildFailure, store: Store) -> str:
    """Return what a hostile backend says that it could do."""
    assert isinstance(result, BuildRecord), f"{result.reason}\n{result.log}"
    file = store.get(result.wheel.digest)
    assert file is not None
    with file, zipfile.ZipFile(file) as archive:
        return archive.read("hostile.py").decode()


def check(found: str, expected: str) -> None:
    assert expected in found, found
    assert expected == REACHED or REACHED not in found, found


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A store, a rung and an interpreter to build with."""

    store: Store
    isolation: Isolation
    interpreter: Interpreter
    folder: Path

    def build(
        self,
        attack: str,
        limits: Limits = LIMITS,
        requirements: tuple[LockedFile, ...] = (),
        **targets: object,
    ) -> BuildRecord | BuildFailure:
        return build(
            attack,
            store=self.store,
            isolation=self.isolation,
            interpreter=self.interpreter,
            limits=limits,
            requirements=requirements,
            **targets,
        )

    def outcome(self, attack: str, **targets: object) -> str:
        return outcome(self.build(attack, **targets), self.store)

    def expect(self, row: tuple[str, str, str]) -> str:
        return dict(zip(RUNGS, row, strict=True))[self.isolation.rung]


@pytest.fixture
def bench(store: Store, isolation: Isolation, interpreter: Interpreter, tmp_path: Path) -> Bench:
    return Bench(store=store, isolation=isolation, interpreter=interpreter, folder=tmp_path)


# --- reaching out --------------------------------------------------------------------------------


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[dict[str, object]]:
    """Services of the host: TCP, UDP that answers, and two sockets with names."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        threading.Thread(target=answer_once, args=(udp,), daemon=True).start()
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hostile-"))
        paths = {"abstract": f"\0{TOKEN}", "socket": f"{folder}/socket"}
        for path in paths.values():
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(path)
            server.listen()
        yield {
            "port": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": TOKEN,
            "socket": paths["socket"],
        }
        udp.sendto(b"end", udp.getsockname())


def answer_once(udp: socket.socket) -> None:
    asked, address = udp.recvfrom(100)
    if asked != b"end":
        udp.sendto(b"answer", address)


@pytest.mark.parametrize("attack", ["connects", "resolves"])
def test_the_network_is_out_of_reach(
    bench: Bench, listening: dict[str, object], attack: str
) -> None:
    check(bench.outcome(attack, **listening), bench.expect((STOPPED, STOPPED, REACHED)))


def test_what_belongs_to_the_user_is_not_seen(bench: Bench) -> None:
    secret = bench.folder / "secret"
    secret.write_text("secret")
    found = bench.outcome("reads_secrets", secret=secret)
    check(found, bench.expect((STOPPED, STOPPED, REACHED)))


def test_no_other_process_shows_its_environment(bench: Bench) -> None:
    # A process like the one that started the tool: with a token in its environment.
    with other_process(TOKEN) as _:
        found = bench.outcome("reads_environments", token=TOKEN[:-1])
    own = bench.expect((STOPPED, STOPPED, REACHED))
    # What a build's own first process has is what the build has: it was passed on purpose.
    check(found if own == REACHED else own, own)


@contextlib.contextmanager
def other_process(token: str) -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], env={"CI_JOB_TOKEN": token}
    )
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def test_no_other_process_is_found(bench: Bench) -> None:
    with other_process("none") as pid:
        found = bench.outcome("finds_processes", pid=pid)
    check(found, bench.expect((STOPPED, STOPPED, REACHED)))


# --- writing elsewhere ---------------------------------------------------------------------------


def test_the_build_environment_cannot_be_changed(bench: Bench) -> None:
    found = bench.outcome("writes_environment")
    check(found, bench.expect((STOPPED, STOPPED, REACHED)))


def test_the_store_and_other_builds_cannot_be_changed(bench: Bench) -> None:
    root = bench.store.root
    with bench.store.temporary("build-") as other:
        (other / "source").mkdir()
        output = bench.folder / "wheels"
        output.mkdir()
        (output / "former.whl").write_bytes(b"the rebuild before")
        paths = (
            *(root / "files/sha256/evil", root / "values/evil", root / "environments/evil"),
            *(other / "source/evil", output / "former.whl", root / "tmp/evil"),
        )
        found = bench.outcome("writes_elsewhere", paths=":".join(map(str, paths)))
    check(found, bench.expect((STOPPED, STOPPED, REACHED)))
    if bench.isolation.constant_paths:
        assert (output / "former.whl").read_bytes() == b"the rebuild before"
        assert not list(root.rglob("evil"))


def test_the_system_cannot_be_changed(bench: Bench) -> None:
    found = bench.outcome("writes_system")
    check(found, bench.expect((STOPPED, STOPPED, AS_USER)))


# --- privileges ----------------------------------------------------------------------------------


def test_no_privileges_are_held_or_gained(bench: Bench) -> None:
    if bench.isolation.rung == "none":
        pytest.skip("nothing is promised, and as root it would succeed")
    check(bench.outcome("gains_privileges"), STOPPED)


def calls(
    store: Store, isolation: Isolation, interpreter: Interpreter, token: str = ""
) -> dict[str, str | bool]:
    """Return what a ``.pth`` file of the build environment could ask of the kernel."""
    result = build(
        "says_calls",
        store=store,
        isolation=isolation,
        interpreter=interpreter,
        requirements=added(store),
        **({"token": token} if token else {}),
    )
    said = outcome(result, store).partition("=")[2].strip()
    found: dict[str, str | bool] = json.loads(ast.literal_eval(said))
    return found


def added(store: Store) -> tuple[LockedFile, ...]:
    """Add a build requirement to *store* whose ``.pth`` file tries every refused call."""
    module = (PROJECTS / "calls_kernel.py").read_text()
    files = {"calls_kernel.py": module, "evil.pth": "import calls_kernel"}
    wheel = make_wheel("evil", "1.0", files)
    digest = Digest.of(wheel)
    store.add([wheel], digest)
    return (LockedFile(filename="evil-1.0-py3-none-any.whl", digest=digest),)


def expected_calls() -> dict[str, str]:
    """Return what each system call of ``calls_kernel.py`` gives under the filter."""
    refused = {name: errno.errorcode[error] for name, (*_, error) in system_calls.CALLS.items()}
    sockets = {f"socket {name}": "" for name in ("unix", "inet", "inet6", "netlink")}
    others = [*(f"socket {name}" for name in ("packet", "alg", "vsock")), "socketpair tipc"]
    return {
        **refused,
        **sockets,
        **dict.fromkeys(others, "EAFNOSUPPORT"),
        "socketpair unix": "",
        "large segment": "EINVAL",
        "huge segment": "EINVAL",
        "small segment": "",
        "large set": "EINVAL",
        "small set": "",
        "x32": "ENOSYS",
        "other architecture": "ENOSYS",
        "ptrace": "",
    }


def test_system_calls_are_filtered_before_the_environment_is_read(bench: Bench) -> None:
    assert calls(bench.store, bench.isolation, bench.interpreter) == expected_calls()


def test_environments_are_installed_and_compiled_under_the_filter(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the place of the installer, what tries the same calls and says what came of it.
    says = "import sys; print(OUTCOMES); sys.exit(3)\n"
    installer = bench.folder / "installer"
    module = (PROJECTS / "calls_kernel.py").read_text()
    installer.write_text(f"#!{bench.interpreter.executable}\n{module}\n{says}")
    installer.chmod(0o755)
    monkeypatch.setattr(installed, "_uv", lambda: installer)
    result = bench.build("closes_output", requirements=added(bench.store))
    assert isinstance(result, BuildFailure)
    found = ast.literal_eval(result.reason[result.reason.index("{") :])
    assert found == expected_calls()


@pytest.mark.parametrize("following", RUNGS)
def test_no_key_is_left_for_the_next_build(
    store: Store, isolation: Isolation, interpreter: Interpreter, following: str
) -> None:
    # Without the filter, under which no build has any key at all.
    token = f"{TOKEN}-{isolation.rung}-{following}"
    try:
        choose(following)
    except AsamanError as error:
        pytest.skip(str(error))
    # As in a login, the tool itself has a session keyring, which its processes would inherit.
    with ThreadPoolExecutor(1, initializer=system_calls.join_new_keyring) as session:
        for rung in (isolation.rung, following):
            unfiltered = Isolation(rung=rung, filtered=False)
            found = session.submit(calls, store, unfiltered, interpreter, token).result()
            assert found == {"token found": False}


def test_a_record_says_whether_system_calls_were_filtered(bench: Bench) -> None:
    result = bench.build("closes_output")
    assert isinstance(result, BuildRecord)
    assert result.filtered is True
    unfiltered = replace(bench.isolation, filtered=False)
    result = build(
        *("closes_output",),
        store=bench.store,
        isolation=unfiltered,
        interpreter=bench.interpreter,
    )
    assert isinstance(result, BuildRecord)
    assert result.filtered is False


def test_a_build_kills_nobody_else(bench: Bench) -> None:
    if bench.isolation.rung == "none":
        pytest.skip("nothing is promised, and it would kill these tests")
    with other_process("none") as pid:
        result = bench.build("kills")
        assert Path(f"/proc/{pid}").exists()
    # With its own sandbox it ends itself.
    if isinstance(result, BuildFailure):
        assert result.reason == "the hook was killed by signal 9"


def test_a_build_that_stops_its_own_sandbox_comes_to_its_limit(bench: Bench) -> None:
    if bench.isolation.rung == "none":
        pytest.skip("nothing is promised, and it would stop these tests")
    result = bench.build("stops_parents", replace(LIMITS, time=2.0))
    if isinstance(result, BuildFailure):
        assert result.reason == "time limit exceeded (2 s)"


# --- outliving -----------------------------------------------------------------------------------


def running_with(token: str) -> list[int]:
    """Return the processes that have *token* among their arguments."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if token.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def test_no_daemon_outlives_its_build(bench: Bench) -> None:
    token = f"{TOKEN}-{bench.isolation.rung}"
    try:
        result = bench.build("daemonises", token=token)
        left = running_with(token)
    finally:
        for pid in running_with(token):
            os.kill(pid, signal.SIGKILL)
    if bench.isolation.rung == "none":
        assert left
        return
    assert not left
    assert isinstance(result, BuildRecord), result.reason
    file = bench.store.get(result.wheel.digest)
    assert file is not None
    file.close()


def test_what_is_published_is_what_was_hashed(bench: Bench) -> None:
    assert "swapped" in bench.outcome("swaps_wheel")


def test_closed_streams_are_no_end(bench: Bench) -> None:
    check(bench.outcome("closes_output"), STOPPED)


def test_a_rebuild_shows_nothing_that_a_first_build_does_not_show(bench: Bench) -> None:
    if not bench.isolation.constant_paths:
        pytest.skip("without a sandbox a build sees the machine")
    locked = make_wheel("fixture", "1.0", {"fixture.py": ""})
    file = LockedFile(filename="fixture-1.0-py3-none-any.whl", digest=Digest.of(locked))
    bench.store.add([locked], file.digest)

    def seen() -> dict[str, object]:
        text = outcome(bench.build("looks_for_tells", requirements=(file,)), bench.store)
        found: dict[str, object] = json.loads(ast.literal_eval(text.partition("=")[2].strip()))
        return found

    # The first one makes the environment: its age is all that can tell them apart.
    alone = seen()
    # What is less than two seconds old counts as made for the sandbox.
    time.sleep(3)
    first, again = seen(), seen()
    assert first == again
    assert {name for name in first if alone[name] != first[name]} <= {"times"}
    assert len(first) > 10


def test_a_second_build_starts_from_fresh_bytes(bench: Bench) -> None:
    first, second = (bench.outcome("changes_source") for _ in range(2))
    assert first == second == "OUTCOME = 'fresh stopped'\n"


# --- limits --------------------------------------------------------------------------------------


BOMBS = (
    ("forks", replace(LIMITS, processes=100), {}, "process limit exceeded (100)"),
    ("starts_threads", replace(LIMITS, processes=100), {}, "process limit exceeded (100)"),
    (
        "fills_memory",
        replace(LIMITS, memory=200 << 20),
        {"count": 1},
        "memory limit exceeded (209715200 bytes)",
    ),
    (
        "fills_memory",
        replace(LIMITS, memory=200 << 20),
        {"count": 8},
        "memory limit exceeded (209715200 bytes)",
    ),
    *(
        (
            *("hides_memory", replace(LIMITS, memory=100 << 20)),
            *({"place": place}, "memory limit exceeded (104857600 bytes)"),
        )
        for place in ("in_flight", "mapped", "entries", "sockets")
    ),
    ("makes_huge_file", LIMITS, {}, "file size limit exceeded (4294967296 bytes)"),
    ("fills_log", replace(LIMITS, log=1 << 20), {}, "log size limit exceeded (1048576 bytes)"),
    ("hangs", replace(LIMITS, silence=0.5), {}, "silence limit exceeded (0.5 s without output)"),
    (
        "hangs_closed",
        replace(LIMITS, silence=0.5),
        {},
        "silence limit exceeded (0.5 s without output)",
    ),
    ("spins", replace(LIMITS, time=1.0), {}, "time limit exceeded (1 s)"),
    # As many small files as fill 100 MiB take a busy disk longer than a build has.
    (
        *("fills_disk", replace(LIMITS, disk=20 << 20)),
        *({"place": "output:small"}, "disk limit exceeded (20971520 bytes)"),
    ),
    *(
        (
            "fills_disk",
            replace(LIMITS, disk=100 << 20),
            {"place": place},
            "disk limit exceeded (104857600 bytes)",
        )
        for place in (
            *("output:large", "output:hidden", "output:unnamed"),
            *("source:large", "temporary:large", "temporary:unnamed"),
        )
    ),
)


@pytest.mark.parametrize(
    ("attack", "limits", "targets", "limit"),
    BOMBS,
    ids=[" ".join([row[0], *map(str, row[2].values())]) for row in BOMBS],
)
def test_a_limit_ends_the_build_at_once_and_is_named(
    bench: Bench, attack: str, limits: Limits, targets: dict[str, object], limit: str
) -> None:
    elsewhere = str(targets.get("place")).startswith(("temporary", "entries"))
    if bench.isolation.rung == "none" and elsewhere:
        pytest.skip("the machine's own temporary folder is not measured")
    started = time.monotonic()
    result = bench.build(attack, limits, **targets)
    took = time.monotonic() - started
    assert isinstance(result, BuildFailure)
    assert result.reason == limit
    assert result.code is ExitCode.BUILD_FAILED
    assert took < LIMITS.time


def test_segments_of_no_process_take_little(bench: Bench) -> None:
    if bench.isolation.rung == "none":
        pytest.skip("nothing is promised, and this machine would keep them")
    check(bench.outcome("hides_memory", place="segments"), STOPPED)


# --- memory --------------------------------------------------------------------------------------


def found_in(bench: Bench, megabytes: int) -> tuple[str, str]:
    """Build what writes as much beside its source; return where that was, and what is recorded."""
    result = bench.build("outgrows_memory", megabytes=megabytes)
    found = outcome(result, bench.store).removeprefix("OUTCOME = ").strip("'\n")
    assert isinstance(result, BuildRecord)
    return found, result.source_on_disk


@pytest.mark.parametrize("megabytes", [0, 10, 40, 80])
def test_a_source_that_outgrows_memory_is_built_again_on_disk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, megabytes: int
) -> None:
    monkeypatch.setattr(view, "MEMORY_SIZE", 32 << 20)
    if bench.isolation.rung == "none":
        assert found_in(bench, megabytes) == ("on disk", "")
    elif megabytes < 32:
        assert found_in(bench, megabytes) == ("in memory", "")
    else:
        assert found_in(bench, megabytes) == ("on disk", builder.OUTGROWN)


def test_a_large_source_is_built_on_disk_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builder, "LARGEST_IN_MEMORY", 100)
    recorded = "" if bench.isolation.rung == "none" else builder.LARGE
    assert found_in(bench, 1) == ("on disk", recorded)


def test_what_is_left_of_memory_is_no_build_s_to_take(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine seems to lose what the build takes, and more."""
    seen = iter([300, 200, *[30] * 1000])
    monkeypatch.setattr(
        memory, "available", lambda: memory.Memory(total=4 << 30, free=next(seen) << 20)
    )
    result = bench.build("fills_memory", count=1)
    assert isinstance(result, BuildFailure)
    assert re.fullmatch(r"memory: only 30 MiB are free, and the build uses \d+ MiB", result.reason)
    assert result.code is ExitCode.INPUT_OUTPUT
    assert "--jobs 1" in result.hint


# --- answers -------------------------------------------------------------------------------------

ANSWERS = (
    *("outside", "absolute", "link", "hard_link", "fifo", "directory", "two", "other_name"),
    *("nothing", "empty", "dot", "number", "none", "a_list", "surrogates", "long", "escapes"),
    *("exits", "raises", "recurses"),
)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_bad_answer_is_one_line_and_no_wheel(bench: Bench, answer: str) -> None:
    refused(bench, bench.build("gives_bad_answer", answer=answer))


@pytest.mark.parametrize(
    "answer", ["fifo", "zero", "folder", "secret", "hard", "text", "missing", "huge"]
)
def test_an_answer_file_is_read_with_care(bench: Bench, answer: str) -> None:
    secret = bench.folder / "secret.json"
    secret.write_text('{"return_val": "a-secret"}')
    started = time.monotonic()
    result = bench.build("spoils_answer_file", answer=answer, secret=secret)
    assert time.monotonic() - started < 20
    refused(bench, result)
    assert "a-secret" not in repr(result)


def refused(bench: Bench, result: BuildRecord | BuildFailure) -> None:
    assert isinstance(result, BuildFailure)
    assert result.code is ExitCode.BUILD_FAILED, result.reason
    error, *hints = AsamanError("hostile==1.0", result.reason, code=result.code).lines()
    assert not hints
    assert error.isprintable()
    assert len(error) <= 500
    assert "Traceback" not in error
    (kept,) = (bench.store.root / "files/sha256").iterdir()
    assert kept.stat().st_mode & 0o777 == 0o400
    assert not stat.S_ISLNK(kept.lstat().st_mode)


@pytest.mark.parametrize("how", ["pattern", "line", "name", "files"])
def test_what_a_build_leaves_does_not_stall_the_tool(bench: Bench, how: str) -> None:
    started = time.process_time()
    result = bench.build("stalls", how=how)
    refused(bench, result)
    assert isinstance(result, BuildFailure)
    assert len(result.reason) <= 1000
    assert all(len(line) <= 20_010 for line in _failure_lines(result, with_log=True))
    assert time.process_time() - started < 5


def test_a_log_commands_nobody(bench: Bench) -> None:
    result = bench.build("prints_commands")
    refused(bench, result)
    assert isinstance(result, BuildFailure)
    lines = list(_failure_lines(result, with_log=True))
    shown = [line for line in lines if line.startswith("| ")]
    assert any("set-output" in line for line in shown)
    assert all(line.isprintable() for line in lines)
    assert [
        line for line in lines if not line.startswith(("| ", "error: ", "hint: ", "log: "))
    ] == []
