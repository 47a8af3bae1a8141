"""A run on a machine with little memory: the kernel has no reason to end anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..support import miniatures
from ..support.limited_memory import limited_memory
from ..support.projects import make_sdist

if TYPE_CHECKING:
    from ..support.bench import Bench

pytestmark = pytest.mark.slow

#: An in-tree backend that needs next to nothing, unless TAKES is more.
BACKEND = """
import os, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    parts = []
    for _ in range({takes}):
        parts.append(os.urandom(1 << 20))
    {where}
    name, info = "{name}-1.0-py3-none-any.whl", "{name}-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("{name}.py", "")
        metadata = "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n"
        wheel.writestr(f"{{info}}/METADATA", metadata)
        tag = "Root-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(f"{{info}}/WHEEL", f"Wheel-Version: 1.0\\n{{tag}}")
        rows = ("{name}.py", f"{{info}}/METADATA", f"{{info}}/WHEEL", f"{{info}}/RECORD")
        wheel.writestr(f"{{info}}/RECORD", "".join(record(wheel, row) for row in rows))
    return name

def record(wheel, name):
    if name.endswith("RECORD"):
        return f"{{name}},,\\n"
    import base64, hashlib
    data = wheel.read(name)
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{{name}},sha256={{digest}},{{len(data)}}\\n"
"""
#: Where a hungry build puts what it takes: it keeps it, or writes it to a folder in memory.
WHERE = {"memory": "pass", "/tmp": "open('/tmp/x', 'wb').write(b''.join(parts))"}


def project(bench: Bench, name: str, takes: int = 0, where: str = "memory") -> str:
    """Add a source whose build takes so many MiB; return its pin."""
    assert bench.index is not None
    code = BACKEND.format(name=name, takes=takes, where=WHERE[where])
    sdist = make_sdist(name, "1.0", {"own.py": code}, requires=(), backend="own", backend_path=".")
    return miniatures.add_sdist(bench.index, name, sdist)


def test_200_sources_are_built_with_1_gib(cold: Bench) -> None:
    cold.write(*(project(cold, f"small{number}") for number in range(200)))
    cold.patience = 1800.0
    with limited_memory(1 << 30) as limited:
        cold.before = limited.before
        done = cold.asaman("-r", "requirements.txt", "--jobs", "16")
        assert limited.killed() == 0
    assert done.returncode == 0, done.stderr
    assert len(cold.hashes()) == 200


@pytest.mark.parametrize("where", WHERE)
def test_a_build_that_takes_all_is_one_line_and_the_others_are_built(
    cold: Bench, where: str
) -> None:
    pins = [project(cold, f"small{number}") for number in range(10)]
    cold.write(*pins, project(cold, "hungry", 4096, where))
    with limited_memory(1 << 30) as limited:
        cold.before = limited.before
        done = cold.asaman("-r", "requirements.txt", "--jobs", "4")
        assert limited.killed() == 0
    assert done.returncode == 5, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "hungry==1.0" in line
    assert "MiB are free" in line
    assert len(cold.hashes()) == 10
