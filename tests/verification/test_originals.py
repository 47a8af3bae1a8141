"""What can be rebuilt: a project's own sdist by its tree."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.model import Report, Verdict

from ..support import defects

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Report]


# --- rebuild -------------------------------------------------------------------------------------


BACKEND = """
import io, os, tarfile, time
from miniature import build_wheel

def build_sdist(sdist_directory, config_settings=None):
    import made
    made.prepare()
    name = "PROJECT-1.0"
    with tarfile.open(os.path.join(sdist_directory, f"{name}.tar.gz"), "w:gz") as archive:
        for path in sorted(os.listdir()) if made.SORTED else os.listdir():
            if os.path.isfile(path):
                archive.add(path, f"{name}/{path}")
    return f"{name}.tar.gz"
"""


def project(folder: Path, prepare: str = "pass", *, ordered: bool = True) -> Path:
    """Make a project whose sdist is prepared by a statement."""
    folder.mkdir()
    name = folder.name
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "backend"\n'
        f'backend-path = ["."]\n[project]\nname = "{name}"\nversion = "1.0"\n',
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        "backend.py": BACKEND.replace("PROJECT", name),
        "made.py": f"import os, socket, time\nSORTED = {ordered}\ndef prepare():\n    {prepare}\n",
        "step.py": 'def members(folder):\n    return {"a.py": "A = 1\\n"}\n',
    }
    for path, text in files.items():
        (folder / path).write_text(text)
    shutil.copy(defects.PROJECTS / "miniature.py", folder)
    return folder


def test_a_project_is_verified_from_its_tree_to_its_wheel(run: Run, tmp_path: Path) -> None:
    report = run(project=project(tmp_path / "miniature"))
    assert [(one.wheel, str(one.verdict)) for one in report.comparisons] == [
        ("miniature-1.0.tar.gz", "identical"),
        ("miniature-1.0-py3-none-any.whl", "identical"),
    ]
    assert (tmp_path / "wheels" / "miniature-1.0.tar.gz").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "variation"),
    [
        ("open('made.txt', 'w').write(socket.gethostname())", "host-name"),
        ("open('made.txt', 'w').write(str(os.stat('step.py').st_mtime))", "source-times"),
        ("open('made.txt', 'w').write(os.urandom(9).hex())", "random"),
        ("os.uname().nodename == 'build' or os.remove('PKG-INFO') or "
         "open('PKG-INFO', 'w').write('Metadata-Version: 2.1\\nName: miniature\\n"
         "Version: 1.0\\nSummary: x\\n')", "host-name"),
    ],
)  # fmt: skip
def test_the_cause_of_a_differing_sdist_is_named(
    prepare: str, variation: str, run: Run, tmp_path: Path
) -> None:
    report = run(project=project(tmp_path / "miniature", prepare))
    sdist, _ = report.comparisons
    assert sdist.verdict is Verdict.DIFFERENT, sdist
    assert {one.variation for one in sdist.causes} == {variation}
    folder = tmp_path / "wheels" / "different" / "miniature-1.0" / "sdist"
    names = []
    for side in ("first", "rebuilt"):
        with tarfile.open(folder / side / "miniature-1.0.tar.gz") as archive:
            names.append(archive.getnames())
    assert names[0] == names[1]


@pytest.mark.slow
def test_the_order_of_a_folder_on_disk_is_not_said_to_be_varied(run: Run, tmp_path: Path) -> None:
    sdist, wheel = run(project=project(tmp_path / "miniature")).comparisons
    assert "directory-order" not in sdist.varied
    assert "directory-order: the source is on disk" in sdist.not_varied
    assert "directory-order" in wheel.varied


@pytest.mark.slow
def test_order_times_owners_and_modes_of_an_sdist_are_made_up_for(run: Run, tmp_path: Path) -> None:
    folder = project(tmp_path / "miniature", ordered=False)
    (folder / "step.py").chmod(0o600)
    report = run(project=folder)
    assert [str(one.verdict) for one in report.comparisons] == ["identical"] * 2


@pytest.mark.slow
def test_a_version_that_comes_from_git_is_found_in_the_copy(run: Run, tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    folder = project(
        tmp_path / "miniature",
        "import subprocess; open('made.txt', 'w').write(subprocess.run(['git', 'describe', "
        "'--tags', '--dirty'], check=True, capture_output=True, text=True).stdout)",
    )
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for command in (
        ("init", "-q"),
        ("add", "."),
        (*identity, "commit", "-qm", "one"),
        ("tag", "v1.0"),
    ):
        subprocess.run(["git", *command], cwd=folder, check=True, capture_output=True)
    report = run(project=folder)
    assert [str(one.verdict) for one in report.comparisons] == ["identical"] * 2
    with tarfile.open(tmp_path / "wheels" / "miniature-1.0.tar.gz") as archive:
        content = archive.extractfile("miniature-1.0/made.txt")
        assert content is not None
        assert content.read() == b"v1.0\n"
