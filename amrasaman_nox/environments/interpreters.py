"""Interpreters describe themselves; nothing of a project runs here."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging import tags

from amrasaman_nox.environments import prefix
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.model import Digest, Interpreter

if TYPE_CHECKING:
    from collections.abc import Iterator

# Runs in the interpreter that is asked about, so it holds to what Python 3.8 knows.
_QUESTION = """
import json, os, platform, sys, sysconfig
name = sys.implementation.name
info = sys.implementation.version
implementation_version = "{0.major}.{0.minor}.{0.micro}".format(info)
if info.releaselevel != "final":
    implementation_version += info.releaselevel[0] + str(info.serial)
paths = sysconfig.get_paths(vars={"base": sys.base_prefix, "platbase": sys.base_exec_prefix})
executable = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
var = sysconfig.get_config_var
print("amrasaman" + json.dumps({
    "executable": executable,
    "implementation": name,
    "version": platform.python_version(),
    "platform": sysconfig.get_platform(),
    "prefix": sys.base_prefix,
    "paths": {"executable": executable,
              "libdir": var("LIBDIR") or os.path.join(sys.base_prefix, "lib"),
              **{name: paths[name] for name in ("stdlib", "platstdlib", "include", "platinclude",
                                                "purelib", "platlib")}},
    "markers": {
        "implementation_name": name,
        "implementation_version": implementation_version,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_system": platform.system(),
        "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": ".".join(platform.python_version_tuple()[:2]),
        "sys_platform": sys.platform,
    },
    "free_threaded": bool(var("Py_GIL_DISABLED")),
    "debug": bool(var("Py_DEBUG")),
    "soabi": var("SOABI") or "",
    "compile_flags": var("CFLAGS") or "",
    "library": os.path.join(var("LIBDIR") or "", var("INSTSONAME") or "")
               if var("Py_ENABLE_SHARED") else "",
}))
"""
_SECONDS = 20


def inspect(request: str = "") -> Interpreter:
    """Return the interpreter that *request* names.

    :param request: a version (``3.12``), a command (``python3.12``) or a path; ``""`` for the
        interpreter that runs this
    :raises AsamanError: there is none, or it does not answer (exit 4)
    """
    path = _find(request)
    answer = _ask(path, request or str(path))
    implementation, version = answer["implementation"], answer["version"]
    wanted = request if request[:1].isdigit() else ""
    if wanted and not f"{version}.".startswith(f"{wanted}."):
        raise _not_available(request, f"{path} is Python {version}")
    minor = ".".join(version.split(".")[:2])
    shown = prefix.shown(answer["paths"], minor)
    return Interpreter(
        executable=answer["executable"],
        implementation=implementation,
        version=version,
        platform=answer["platform"],
        prefix=answer["prefix"],
        shown=shown,
        hidden=prefix.hidden(answer["paths"], shown),
        markers=tuple(sorted(answer["markers"].items())),
        tags=tuple(str(tag) for tag in _tags(answer)),
        digest=_digest(answer["executable"], answer["library"]),
        compile_flags=answer["compile_flags"],
        free_threaded=answer["free_threaded"],
    )


def _find(request: str) -> Path:
    if not request:
        return Path(sys.executable)
    if "/" in request:
        return Path(request).absolute()
    command = f"python{request}" if request[0].isdigit() else request
    found = shutil.which(command)
    if found is None:
        raise _not_available(request, f"{command} is not on PATH")
    return Path(found)


def _ask(path: Path, request: str) -> dict[str, Any]:
    if not path.is_file():
        raise _not_available(request, f"{path} is not an executable file")
    command = [str(path), "-I", "-c", _QUESTION]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _not_available(request, f"no answer within {_SECONDS} seconds") from None
    except OSError as error:
        raise _not_available(request, system_reason(error)) from None
    text = done.stdout.decode(errors="replace")
    for line in text.splitlines():
        if line.startswith("amrasaman{"):
            with contextlib.suppress(ValueError):
                answer: dict[str, Any] = json.loads(line.removeprefix("amrasaman"))
                return answer
    said = (done.stderr.decode(errors="replace").strip() or text.strip()).splitlines()
    raise _not_available(request, f"not a Python interpreter: {said[0] if said else 'no answer'}")


def _not_available(request: str, why: str) -> AsamanError:
    return AsamanError(
        f"interpreter {request}",
        why,
        hint="give a version (--python 3.12) or the path of an installed interpreter",
        code=ExitCode.NOT_AVAILABLE,
    )


def _tags(answer: dict[str, Any]) -> Iterator[tags.Tag]:
    major, minor = (int(part) for part in answer["version"].split(".")[:2])
    platforms = list(tags.platform_tags())
    if answer["implementation"] == "cpython":
        suffix = ("t" if answer["free_threaded"] else "") + ("d" if answer["debug"] else "")
        interpreter = f"cp{major}{minor}"
        yield from tags.cpython_tags((major, minor), [interpreter + suffix], platforms)
    else:
        interpreter = f"{'pp' if answer['implementation'] == 'pypy' else 'py'}{major}{minor}"
        abi = answer["soabi"].replace(".", "_").replace("-", "_")
        yield from tags.generic_tags(interpreter, [abi], platforms)
    yield from tags.compatible_tags((major, minor), interpreter, platforms)


def _digest(*paths: str) -> Digest:
    """Return one sha256 over the files of an interpreter: its executable and shared library."""
    whole = hashlib.sha256()
    for path in paths:
        if path and Path(path).is_file():
            with Path(path).open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
    return Digest(algorithm="sha256", value=whole.hexdigest())
