"""The normalised process environment: what every build sees, whoever runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amrasaman_nox.model import BuildEnvironment

#: Of the world, and not seen by a build: what ``target-cpu=native`` stands for in rustc.
NATIVE_CPU = "AMRASAMAN_NATIVE_CPU"
#: Programs that a build may reach, after those of its own environment.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def variables(environment: BuildEnvironment) -> dict[str, str]:
    """Return all environment variables of a build; nothing of the user's own is among them.

    The variables that the user passes on purpose come last and win.
    """
    fixed = {
        "PATH": f"{environment.environment_path}/bin:{SYSTEM_PATH}",
        "HOME": environment.home,
        "USER": environment.user,
        "LOGNAME": environment.user,
        "LANG": environment.locale,
        "LC_ALL": environment.locale,
        "TZ": environment.time_zone,
        "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
        "PYTHONHASHSEED": str(environment.hash_seed),
        # A cache written into the source tree would be packed as data.
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1" if environment.locale == "C.UTF-8" else "0",
        **_compiler(environment),
    }
    if environment.source_date_epoch is not None:
        fixed["SOURCE_DATE_EPOCH"] = str(environment.source_date_epoch)
    return {**fixed, **passed(environment)}


def passed(environment: BuildEnvironment) -> dict[str, str]:
    """Return the variables that are passed to a build on purpose."""
    return {name: value for name, value in environment.variables if name != NATIVE_CPU}


def _compiler(environment: BuildEnvironment) -> Mapping[str, str]:
    """Return flags that keep paths out of compiled code.

    setuptools *adds* LDFLAGS and CPPFLAGS to the interpreter's own flags, while CFLAGS would
    replace them: ``-O3 -DNDEBUG`` would be gone.
    """
    maps = (
        f"-ffile-prefix-map={environment.build_path}=/build/source",
        f"-ffile-prefix-map={environment.environment_path}=/build/environment",
    )
    if environment.keep_debug_info:
        return {"CPPFLAGS": " ".join(maps)}
    # To make what is stripped at link takes compilers a fifth of their time.
    return {"CPPFLAGS": " ".join(("-g0", *maps)), "LDFLAGS": "-Wl,-s"}
