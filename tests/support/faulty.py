"""Run a build and write its verified file in this process; one operation fails, or kills it.

Arguments: the operation's number, what happens then (``kill`` or the name of an error number, such
as ``ENOSPC``), and the arguments of the build. The last line of stdout counts the operations.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path

from amrasaman_nox import commands
from amrasaman_nox.config.commands import by_session
from amrasaman_nox.config.parser import parse

from . import faults

#: Ends the line that counts the operations.
COUNTED = "operations"


def main() -> int:
    at, what, *arguments = sys.argv[1:]
    act = faults.kill if what == "kill" else faults.failing(getattr(errno, what))
    here = Path.cwd()

    def run(session: str, *own: str) -> int:
        command = by_session(session)
        call = commands.Call(
            command=command,
            values=parse(command, own).values,
            invoked_from=here,
            program=command.script,
        )
        return commands.run(call)

    with faults.counted(act, int(at)) as names:
        code = run("reproducible_wheels", "-r", "requirements.txt", *arguments)
        code = code or run("verified_requirements", "requirements.txt", "-w", "wheels")
    print(len(names), COUNTED)
    return code


if __name__ == "__main__":
    sys.exit(main())
