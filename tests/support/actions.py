"""A runner of the steps of a composite action, read from its file: bash, as GitHub starts it.

Steps that use other actions are not run; they are told, with the inputs that they get.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")
_COMPARED = re.compile(r"inputs\.(?P<name>\w+) (?P<how>[!=]=) '(?P<value>[^']*)'")


@dataclass
class Ran:
    """What a run of an action came to: what each step printed, its exit code, and the files."""

    codes: dict[str, int] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""


def read(path: Path) -> dict[str, Any]:
    """Return the document at *path*; of several, the last."""
    documents = list(YAML(typ="safe").load_all(path.read_text()))
    found: dict[str, Any] = documents[-1]
    return found


def run(
    action: Path, folder: Path, temporary: Path, variables: Mapping[str, str], **given: str
) -> Ran:
    """Run the steps of *action* in *folder* with the inputs *given*, the others by default."""
    document = read(action)
    inputs = {name: str(row.get("default", "")) for name, row in document["inputs"].items()} | given
    ran, failed = Ran(), False
    files = {name: temporary / name.lower() for name in ("OUTPUT", "STEP_SUMMARY", "PATH")}
    for file in files.values():
        file.touch()
    for step in document["runs"]["steps"]:
        if not _applies(step.get("if", ""), inputs, failed=failed):
            continue
        name = step["name"]
        if "uses" in step:
            ran.used[step["uses"].partition("@")[0]] = _filled(step.get("with", {}), inputs)
            continue
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=folder,
            env={
                **variables,
                **{f"GITHUB_{name}": str(file) for name, file in files.items()},
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(action.parent),
                "RUNNER_TEMP": str(temporary),
                **_filled(step.get("env", {}), inputs),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        ran.codes[name], ran.printed[name] = done.returncode, done.stdout + done.stderr
        failed = failed or done.returncode != 0
    ran.outputs = dict(line.split("=", 1) for line in files["OUTPUT"].read_text().splitlines())
    ran.summary = files["STEP_SUMMARY"].read_text()
    return ran


def _filled(values: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, str]:
    """Return *values* with the inputs in the place of their expressions; others stay."""

    def value(match: re.Match[str]) -> str:
        return inputs.get(match[1].removeprefix("inputs."), match[0])

    return {name: _EXPRESSION.sub(value, str(text)) for name, text in values.items()}


def _applies(condition: str, inputs: Mapping[str, str], *, failed: bool) -> bool:
    parts = [part.strip() for part in condition.split("&&") if part.strip()]
    always = "always()" in parts
    for part in parts:
        if part == "always()":
            continue
        match = _COMPARED.fullmatch(part)
        assert match is not None, f"the runner does not know {part}"
        if (inputs[match["name"]] == match["value"]) is not (match["how"] == "=="):
            return False
    return always or not failed
