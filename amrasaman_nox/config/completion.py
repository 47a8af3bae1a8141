"""What shells complete behind ``asaman``: commands, options, files, and the words of an option."""

from __future__ import annotations

import click
from click.shell_completion import shell_complete

from amrasaman_nox.config.commands import COMMANDS
from amrasaman_nox.config.parser import click_command
from amrasaman_nox.config.variables import completion_variable


def answer(script: str, instruction: str) -> int:
    """Print what a shell asks for, the completions or the script to source; return the exit code.

    :param script: the console script, ``asaman`` or ``asaman-generate``
    """
    first = next(each for each in COMMANDS if each.script == script)
    program: click.Command = click_command(first, script)
    if first is COMMANDS[0]:
        program = click.Group(
            script,
            params=program.params,
            commands={each.word: click_command(each) for each in COMMANDS},
            add_help_option=False,
        )
    return shell_complete(program, {}, script, completion_variable(script), instruction)
