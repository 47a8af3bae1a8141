"""The action for GitHub, the component for GitLab, and the examples that use them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .support import actions, miniatures
from .support.bench import BIN
from .support.repositories import NEEDS_GIT, git

if TYPE_CHECKING:
    from .support.bench import Bench

ROOT = Path(__file__).parents[1]
ACTION, COMPONENT = ROOT / "action.yml", ROOT / "templates/rebuild.yml"
WORKFLOW, PIPELINE = ROOT / "examples/github-workflow.yml", ROOT / "examples/gitlab-ci.yml"


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-actions", [ACTION]),
        ("github-workflows", [WORKFLOW]),
        ("gitlab-ci", [PIPELINE, COMPONENT]),
    ],
)
def test_files_follow_the_schemas_of_their_formats(
    schema: str, files: list[Path], tmp_path: Path
) -> None:
    parts = []
    for file in files:
        for number, text in enumerate(re.split(r"(?m)^---\n", file.read_text())):
            parts.append(tmp_path / f"{file.stem}-{number}.yml")
            parts[-1].write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, *parts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_others_wrote_is_pinned_by_commit_or_digest() -> None:
    texts = [path.read_text() for path in (ACTION, COMPONENT, WORKFLOW, PIPELINE)]
    used = re.findall(r"(?m)^ *(?:- )?(?:uses|component): (\S+)", "\n".join(texts))
    assert len(used) == 6
    assert all(re.fullmatch(r"\S+@[0-9a-f]{40}", one) for one in used)
    image = actions.read(COMPONENT)["rebuild"]["image"]
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", image)


def test_the_component_uses_the_image_of_the_container() -> None:
    image = actions.read(COMPONENT)["rebuild"]["image"]
    assert f"FROM {image}\n" in (ROOT / "examples/Containerfile").read_text()


@pytest.mark.parametrize("document", [ACTION, COMPONENT, WORKFLOW, PIPELINE])
def test_inputs_reach_a_shell_as_variables_only(document: Path) -> None:
    for line in _scripts(actions.read(document)):
        assert "${{" not in line
        assert "$[[" not in line


def _scripts(value: Any, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [line for name, one in value.items() for line in _scripts(one, name)]
    if isinstance(value, list):
        return [line for one in value for line in _scripts(one, key)]
    return [str(value)] if key in {"run", "script", "before_script", "after_script"} else []


@pytest.fixture
def repository(bench: Bench) -> Bench:
    """A repository whose last commit pins one more project, and another build requirement."""
    bench.write("home/", "wheels/", name=".gitignore")
    bench.write('[tool.amrasaman]\nvary = ["umask"]', name="pyproject.toml")
    bench.write(miniatures.pin("mini-flit"))
    git(bench.folder, "init", "-q")
    git(bench.folder, "add", "-A")
    git(bench.folder, "commit", "-q", "-m", "x")
    bench.write(*miniatures.pins("mini-flit", "mini-hatch"))
    return bench


def run(bench: Bench, **given: str) -> actions.Ran:
    temporary = bench.folder.with_name("temporary")
    temporary.mkdir()
    variables = {
        **bench.environment(),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "UV_DEFAULT_INDEX": bench.index_url,
        "XDG_CACHE_HOME": str(bench.cache),
    }
    base = git(bench.folder, "rev-parse", "HEAD").strip()
    chosen = {"install": "false", "arguments": "", "base": base, "isolation": "auto", **given}
    return actions.run(ACTION, bench.folder, temporary, variables, **chosen)


@NEEDS_GIT
def test_the_steps_build_and_say_what_changed(repository: Bench) -> None:
    ran = run(repository, verify="false")
    assert set(ran.codes.values()) == {0}, ran.printed
    assert ran.outputs["result"] == "same"
    assert Path(ran.outputs["html"]).is_file()
    assert len(repository.hashes()) == 2
    assert "| mini-hatch | none → 1.0 | not pinned before |" in ran.summary
    assert "| mini-flit |" not in ran.summary.partition("## Changes")[2]
    assert ran.used["actions/upload-artifact"] == {"name": "wheels", "path": "wheels/"}
    assert "build-lock.toml" in ran.used["actions/cache"]["key"]


@NEEDS_GIT
def test_a_failure_is_an_annotation_and_an_output_and_the_reports_are_kept(
    repository: Bench,
) -> None:
    repository.write("mini-flit==1.0 --hash=sha256:" + 64 * "0")
    ran = run(repository)
    assert ran.codes["Build"] == 2
    assert "Verify" not in ran.codes
    assert re.search(r"(?m)^::error .*mini-flit", ran.printed["Build"])
    assert ran.outputs["result"] == "failed"
    assert "| mini-flit | 1.0 | the same release with other hashes |" in ran.summary
    assert "actions/upload-artifact" in ran.used


@NEEDS_GIT
@pytest.mark.slow
def test_the_verdicts_are_in_the_summary_of_what_changed(repository: Bench) -> None:
    ran = run(repository)
    assert ran.codes["Verify"] == 0, ran.printed
    report = json.loads(Path(ran.outputs["json"]).read_text())
    assert {one["verdict"] for one in report["comparisons"]} == {"identical"}
    assert "| mini-hatch | none → 1.0 | not pinned before | identical |" in ran.summary
