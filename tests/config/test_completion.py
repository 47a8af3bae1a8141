"""Completion, in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent

_BASH = """
eval "$(_ASAMAN_COMPLETE=bash_source asaman)"
complete -p asaman >/dev/null || exit 1
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
[ -n "{last}" ] || {{ COMP_WORDS+=(""); COMP_CWORD=$((COMP_CWORD + 1)); }}
_asaman_completion asaman
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
_ZSH = """
autoload -U compinit; compinit -u -D
compadd() {{ local -a offered; offered=("${{(@P)${{@[-1]}}}}"); print -rl -- $offered; }}
_describe() {{ print -rl -- "${{(@P)3}}"; }}
_path_files() {{ print -rl -- *; }}
eval "$(_ASAMAN_COMPLETE=zsh_source asaman)"
(( $+functions[_asaman_completion] )) || exit 1
words=({words}); [ -n "{last}" ] || words+=("")
CURRENT=$#words
_asaman_completion
"""
_FISH = """
env _ASAMAN_COMPLETE=fish_source asaman | source
complete -C "{line}"
"""
SHELLS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completed(shell: str, line: str, folder: Path) -> list[str]:
    """Return what *shell* offers behind *line*, without what describes it."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    words, last = " ".join(line.split()), line.split(" ")[-1]
    start = [program, *(["-f"] if shell == "zsh" else []), "-c"]
    done = subprocess.run(
        [*start, SHELLS[shell].format(words=words, last=last, line=line)],
        env={"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line.split("\t")[0].split(":")[0].strip() for line in done.stdout.splitlines())
    return [line for line in lines if line]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("asaman ver", {"verify"}),
        ("asaman verify --ag", {"--against"}),
        ("asaman --keep", {"--keep-sources"}),
        ("asaman verify --isolation n", {"namespaces", "none"}),
    ],
)
def test_a_shell_completes_commands_options_and_their_words(
    shell: str, line: str, offered: set[str], tmp_path: Path
) -> None:
    assert offered <= set(completed(shell, line, tmp_path))


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_is_offered(shell: str, tmp_path: Path) -> None:
    assert {"build", "verify", "lock"} <= set(completed(shell, "asaman ", tmp_path))


def test_a_shell_completes_files(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("")
    assert completed("fish", "asaman lock -r req", tmp_path) == ["requirements.txt"]
