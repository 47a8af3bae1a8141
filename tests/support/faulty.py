"""Run a build and write its verified file in this process; one operation fails, or kills it.

Arguments: the operation's number, what happens then (``kill`` or the name of an error number, such
as ``ENOSPC``), and the arguments of the build. The last line of stdout counts the operations.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path

from amrasaman_nox import commands
from amrasaman_nox.config import options
from amrasaman_nox.config.parser import parse

from . import faults

#: Ends the line that counts the operations.
COUNTED = "operations"


def main() -> int:
    at, what, *arguments = sys.argv[1:]
    act = faults.kill if what == "kill" else faults.failing(getattr(errno, what))
    here = Path.cwd()

    def run(session: str, *own: str) -> int:
        values = parse(session, own).values
        return commands.run(
            commands.Call(session=session, values=values, folder=here, invoked_from=here)
        )

    with faults.counted(act, int(at)) as names:
        code = run(options.BUILD, "-r", "requirements.txt", *arguments)
        code = code or run(options.GENERATE, "requirements.txt", "-w", "wheels")
    print(len(names), COUNTED)
    return code


if __name__ == "__main__":
    sys.exit(main())
