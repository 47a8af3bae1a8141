"""The isolation ladder: what a process sees on each rung, how rungs are chosen, how runs end."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox import memory, process, system_calls, view
from amrasaman_nox.sandbox import meter as limits_module
from amrasaman_nox.sandbox.process import give_to_build
from amrasaman_nox.sandbox.view import Isolation, interpreter_folders

from ..support.rungs import ISOLATED, chosen, put

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from amrasaman_nox.model import Interpreter


FACTS = """
import grp, json, os, pwd, socket, sys
def text(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode().replace("\\0", " ").strip()
    except FileNotFoundError:
        return ""
def works(attack):
    try:
        return bool(attack())
    except OSError:
        return False
def loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), 2):
            return True
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
pids = [name for name in os.listdir("/proc") if name.isdigit()]
walked = [path for path, _, _ in os.walk("/") if not path.startswith(("/proc/", "/sys/", "/dev/"))]
os.umask(mask := os.umask(0))
print(json.dumps({
    "root": sorted(os.listdir("/")),
    "etc": sorted(os.listdir("/etc")),
    "build": sorted(os.listdir("/build")),
    "devices": sorted(os.listdir("/dev")),
    "writable": sorted(path for path in walked if os.access(path, os.W_OK)),
    "user": pwd.getpwuid(os.getuid())[:4],
    "group": grp.getgrgid(os.getgid())[:3],
    "host": socket.gethostname(),
    "directory": os.getcwd(),
    "environment": dict(os.environ),
    "files": sorted(int(name) for name in os.listdir("/proc/self/fd"))[:3],
    "more_files": len(os.listdir("/proc/self/fd")),
    "stdin": os.readlink("/proc/self/fd/0"),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "loopback": works(loopback),
    "capabilities": [status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")],
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "proc_sys_read_only": bool(os.statvfs("/proc/sys").f_flag & os.ST_RDONLY),
    "root_read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
    "commands": sorted(text(f"/proc/{pid}/cmdline") for pid in pids),
    "umask": mask,
}))
"""


@pytest.fixture(scope="session", params=ISOLATED)
def isolated(request: pytest.FixtureRequest) -> Isolation:
    """Each rung that isolates and works here."""
    return chosen(request.param)


@pytest.fixture(scope="session", params=(*ISOLATED, "none"))
def any_rung(request: pytest.FixtureRequest) -> Isolation:
    """Each rung that works here."""
    return chosen(request.param)


@pytest.fixture
def command(tmp_path: Path, interpreter: Interpreter) -> Callable[..., view.ProcessSpec]:
    """Makes a command: a program of the interpreter in a folder of its own."""

    def made(program: str, *arguments: str, **changes: Any) -> view.ProcessSpec:
        for name in ("work", "output", "read"):
            (tmp_path / name).mkdir(exist_ok=True, mode=0o700)
        give_to_build(tmp_path / "output")
        (tmp_path / "read").chmod(0o755)
        plain = view.ProcessSpec(
            argv=(interpreter.executable, "-I", "-c", program, *arguments),
            directory="/",
            variables={"PATH": "/usr/bin:/bin", "MARK": "one two"},
            folders=(
                view.Folder(host=tmp_path / "output", inside="/build/output", writable=True),
                view.Folder(host=tmp_path / "read", inside="/build/read"),
                *interpreter_folders(interpreter),
            ),
            environment=BuildEnvironment(),
            limits=replace(Limits(), time=30.0),
            log=tmp_path / "work" / "log",
            python=interpreter.executable,
        )
        return replace(plain, **changes)

    return made


def facts(command: view.ProcessSpec, isolation: Isolation) -> dict[str, Any]:
    done = process.run(command, isolation)
    assert done.code == 0, done
    found: dict[str, Any] = json.loads(done.tail.splitlines()[-1])
    return found


# --- what a process sees -------------------------------------------------------------------------


def test_a_process_sees_what_is_named_and_nothing_else(
    isolated: Isolation, command: Callable[..., view.ProcessSpec], interpreter: Interpreter
) -> None:
    found = facts(command(FACTS, memory=("/build/source",)), isolated)
    ways = {path.split("/")[1] for path in interpreter.shown}
    system = {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr"}
    assert set(found["root"]) <= {"build", "dev", "etc", "proc", "sys", "tmp"} | system | ways
    assert set(found["etc"]) <= {"alternatives", "group", "hosts", "ld.so.cache", "passwd"}
    assert found["build"] == ["home", "output", "read", "source"]
    assert found["writable"] == ["/build/home", "/build/output", "/build/source", "/tmp"]
    assert set(found["devices"]) == {
        *("core", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin"),
        *("stdout", "tty", "urandom", "zero"),
    }
    assert found["root_read_only"]
    assert found["proc_sys_read_only"]


def test_a_process_has_a_constant_name_and_user_and_no_privileges(
    isolated: Isolation, command: Callable[..., view.ProcessSpec]
) -> None:
    found = facts(command(FACTS), isolated)
    assert found["user"] == ["builder", "x", 1000, 1000]
    assert found["group"] == ["builder", "x", 1000]
    assert found["host"] == "build"
    assert found["capabilities"] == ["0000000000000000"] * 4
    assert found["no_new_privileges"] == "1"
    assert found["umask"] == 0o022


def test_a_process_has_its_own_variables_and_files_only(
    any_rung: Isolation, command: Callable[..., view.ProcessSpec], tmp_path: Path
) -> None:
    directory = "/" if any_rung.constant_paths else str(tmp_path)
    program = (
        FACTS
        if any_rung.constant_paths
        else FACTS.replace('os.walk("/")', "()").replace('os.listdir("/build")', "()")
    )
    found = facts(command(program, directory=directory), any_rung)
    # The interpreter itself sets the last one where the locale is C.
    del found["environment"]["LC_CTYPE"]
    assert found["environment"] == {"PATH": "/usr/bin:/bin", "MARK": "one two"}
    assert found["files"] == [0, 1, 2]
    assert found["more_files"] <= 4
    assert found["stdin"] == "/dev/null"
    assert found["directory"] == directory


def test_the_only_interface_is_loopback(
    isolated: Isolation, command: Callable[..., view.ProcessSpec]
) -> None:
    found = facts(command(FACTS), isolated)
    assert set(found["interfaces"]) <= {"lo", "sit0", "tunl0", "ip6tnl0", "gre0", "erspan0"}
    assert found["loopback"] or not shutil.which("ip")


def test_no_argument_of_a_sandbox_holds_a_path_of_the_host(
    isolated: Isolation, command: Callable[..., view.ProcessSpec], tmp_path: Path
) -> None:
    assert str(tmp_path) not in str(facts(command(FACTS), isolated)["commands"])
    with running(command(SLEEPS), isolated) as pids:
        seen = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in pids]
    assert seen
    assert not [line for line in seen if str(tmp_path) in line]


@pytest.mark.parametrize("name", ["with blank", "with'quote", 'a"b$c`d\\e', "näme", "new\nline"])
def test_any_path_of_the_host_can_be_shown(
    isolated: Isolation,
    command: Callable[..., view.ProcessSpec],
    tmp_path: Path,
    name: str,
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "file").write_text("shown")
    plain = command("print(open('/build/odd/file').read())")
    shown = view.Folder(host=folder, inside="/build/odd")
    done = process.run(replace(plain, folders=(*plain.folders, shown)), isolated)
    assert done.tail == "shown\n"


def test_what_is_shown_is_read_only_unless_it_is_said(
    isolated: Isolation, command: Callable[..., view.ProcessSpec], tmp_path: Path
) -> None:
    program = "import errno\nopen('/build/output/a', 'w').close()\ntry: open('/build/read/a', 'w')"
    program += "\nexcept OSError as error: print(errno.errorcode[error.errno])"
    done = process.run(command(program), isolated)
    assert done.tail == "EROFS\n"
    assert (tmp_path / "output" / "a").exists()
    assert not list((tmp_path / "read").iterdir())


# --- how a process ends --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "codes"),
    [
        ("", {0}),
        ("raise SystemExit(7)", {7}),
        ("import os; os.kill(os.getpid(), 15)", {-15, 143}),
        ("import os; os.abort()", {-6, 134}),
    ],
)
def test_the_exit_status_is_that_of_the_process(
    any_rung: Isolation,
    command: Callable[..., view.ProcessSpec],
    tmp_path: Path,
    program: str,
    codes: set[int],
) -> None:
    directory = "/" if any_rung.constant_paths else str(tmp_path)
    done = process.run(command(program, directory=directory), any_rung)
    assert done.code in codes
    assert not done.limit


def test_the_processor_time_of_all_children_is_counted(
    isolated: Isolation, command: Callable[..., view.ProcessSpec]
) -> None:
    program = (
        "import subprocess, sys\n"
        "work = 'import time\\nwhile time.process_time() < 0.3: pass'\n"
        "subprocess.run([sys.executable, '-c', work])"
    )
    assert process.run(command(program), isolated).cpu_seconds >= 0.3


def test_what_a_build_says_is_not_taken_for_the_isolations_words(
    any_rung: Isolation, command: Callable[..., view.ProcessSpec], tmp_path: Path
) -> None:
    directory = "/" if any_rung.constant_paths else str(tmp_path)
    program = "print('bwrap: no such thing'); raise SystemExit(1)"
    done = process.run(command(program, directory=directory), any_rung)
    assert (done.code, done.tail) == (1, "bwrap: no such thing\n")


def test_output_that_is_more_than_a_log_keeps_ends_no_build(
    isolated: Isolation, command: Callable[..., view.ProcessSpec]
) -> None:
    """More than 64 MiB, which ended a build in 0.3.0: warnings of numpy come to that."""
    program = "for n in range(700_000): print(n, 'x' * 99)\nprint('done')"
    told = command(program)
    done = process.run(told, isolated)
    assert (done.code, done.limit) == (0, "")
    assert done.tail.endswith("\n699999 " + "x" * 99 + "\ndone\n")
    assert told.log.stat().st_size < 17 << 20
    text = told.log.read_text()
    assert text.startswith("0 xxx")
    assert "bytes of output are left out here]" in text


def test_output_that_is_too_long_ends_a_build_and_its_end_is_kept(
    isolated: Isolation, command: Callable[..., view.ProcessSpec]
) -> None:
    few = replace(Limits(), log=50_000)
    done = process.run(command("while True: print('x' * 99)", limits=few), isolated)
    assert done.limit == "log size limit exceeded (50000 bytes)"
    assert len(done.tail) >= 50_000


@contextlib.contextmanager
def running(command: view.ProcessSpec, isolation: Isolation) -> Iterator[list[int]]:
    """Run a command that says something and sleeps; the value is its processes on the host."""
    command.log.unlink(missing_ok=True)
    done: list[process.Completed] = []
    thread = threading.Thread(target=lambda: done.append(process.run(command, isolation)))
    thread.start()
    limit = time.monotonic() + 10
    while time.monotonic() < limit and not (command.log.exists() and command.log.stat().st_size):
        time.sleep(0.05)
    yield limits_module.descendants(os.getpid())
    process.kill_all()
    thread.join(10)
    assert done[0].code != 0


SLEEPS = "import time; print('begun', flush=True); time.sleep(60)"


def test_an_interrupted_run_leaves_no_process(
    any_rung: Isolation, command: Callable[..., view.ProcessSpec], tmp_path: Path
) -> None:
    directory = "/" if any_rung.constant_paths else str(tmp_path)
    program = "import os; os.fork() or os.setsid()\n" + SLEEPS
    with running(command(program, directory=directory), any_rung) as pids:
        assert pids
        started = time.monotonic()
        process.kill_all()
        assert time.monotonic() - started < 2
        assert not [pid for pid in pids if is_alive(pid)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


KILLED = """
import os, sys
from pathlib import Path
from amrasaman_nox.model import BuildEnvironment, Limits
from amrasaman_nox.sandbox import limited, process, system_calls, view
rung, folder, token = sys.argv[1:]
base = view.Folder(host=Path(sys.base_prefix), inside=sys.base_prefix)
print("ready", flush=True)
process.run(view.ProcessSpec(
    argv=("/bin/sh", "-c", "sleep 60 & sleep 60; : $0", token), directory="/", variables={},
    folders=() if view.is_of_system(base.inside) else (base,), environment=BuildEnvironment(),
    limits=Limits(), log=Path(folder) / "log", python=os.path.realpath(sys.executable),
), view.Isolation(rung=rung))
"""


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2])
def test_no_process_survives_when_the_tool_is_killed(
    isolated: Isolation, tmp_path: Path, after: float
) -> None:
    token = f"killed-{os.getpid()}-{isolated.rung}-{after}"
    tool = subprocess.Popen(
        [sys.executable, "-c", KILLED, isolated.rung, str(tmp_path), token],
        stdout=subprocess.PIPE,
    )
    assert tool.stdout is not None
    with tool, tool.stdout as said:
        assert said.readline() == b"ready\n"
        time.sleep(after)
        tool.send_signal(signal.SIGKILL)
    limit = time.monotonic() + 2
    while time.monotonic() < limit and processes_with(token):
        time.sleep(0.02)
    assert not processes_with(token)


def processes_with(token: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if token.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


# --- what keeps it from starting ------------------------------------------------------------------


@pytest.mark.parametrize("filtered", [True, False])
def test_no_process_starts_with_the_keys_of_the_caller(
    isolated: Isolation,
    command: Callable[..., view.ProcessSpec],
    monkeypatch: pytest.MonkeyPatch,
    filtered: bool,
) -> None:
    def refuse() -> None:
        raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))

    monkeypatch.setattr(system_calls, "join_new_keyring", refuse)
    # Under the filter no key can be used, whosever they are.
    if filtered:
        assert process.run(command("pass"), isolated).code == 0
        return
    with pytest.raises(AsamanError) as caught:
        process.run(command("pass"), replace(isolated, filtered=False))
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert "cannot create a session keyring: Disk quota exceeded" in str(caught.value)


@pytest.mark.parametrize(
    "script",
    [
        "echo 'bwrap: Creating new namespace failed: No space left on device'; exit 1",
        "exit 1",
        "exit 0",
        "kill -9 $$",
    ],
)
def test_isolation_that_fails_at_the_build_is_no_failure_of_the_build(
    programs: Path, command: Callable[..., view.ProcessSpec], tmp_path: Path, script: str
) -> None:
    isolation = chosen("full")
    put(programs / "bwrap", script)
    with pytest.raises(AsamanError) as caught:
        process.run(command("open('/build/output/ran', 'w')"), isolation)
    assert caught.value.code is ExitCode.NOT_AVAILABLE
    assert "before the build started" in str(caught.value)
    # It was not tried again without isolation.
    assert not list((tmp_path / "output").iterdir())


# --- measuring -----------------------------------------------------------------------------------


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    size, hidden = limits_module._size([tmp_path], 1 << 40)
    assert 1 << 20 <= size < 2 << 20
    assert not hidden


def test_a_sparse_file_counts_what_it_takes(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 30)
    assert limits_module._size([tmp_path], 1 << 40)[0] < 1 << 20


def test_counting_ends_where_there_is_enough(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / str(number)).write_bytes(b"x")
    assert limits_module._size([tmp_path], 10_000)[0] < 20_000


def test_a_folder_that_is_gone_is_not_hidden(tmp_path: Path) -> None:
    assert limits_module._size([tmp_path / "gone"], 1 << 40) == (0, False)


@pytest.mark.parametrize(("killed", "expected"), [((3, 3), None), ((3, 4), ExitCode.INPUT_OUTPUT)])
def test_what_the_kernel_ends_for_want_of_memory_is_no_fault_of_the_build(
    isolated: Isolation,
    command: Callable[..., view.ProcessSpec],
    monkeypatch: pytest.MonkeyPatch,
    killed: tuple[int, int],
    expected: ExitCode | None,
) -> None:
    counts = iter(killed)
    monkeypatch.setattr(memory, "killed", lambda: next(counts))
    program = command("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    if expected is None:
        assert process.run(program, isolated).code in {-signal.SIGKILL, 128 + signal.SIGKILL}
        return
    with pytest.raises(
        AsamanError, match=r"memory: out of memory: the kernel killed the build"
    ) as caught:
        process.run(program, isolated)
    assert caught.value.code is expected
