"""Three rebuilders with caches and keys of their own, and what a policy admits of their wheels."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from amrasaman_nox import records
from amrasaman_nox.model import Digest
from amrasaman_nox.record_files import beside, read_file

from .support import miniatures
from .support.bench import Bench
from .support.rebuilders import Rebuilder, policy_text, rebuilder

if TYPE_CHECKING:
    from .support.index import LocalIndex

pytestmark = pytest.mark.slow

PINS = ("mini-flit", "mini-c", "mini-hatch")


@pytest.fixture(scope="module")
def teams(
    miniature_index: LocalIndex, tmp_path_factory: pytest.TempPathFactory
) -> tuple[tuple[Bench, Rebuilder], ...]:
    """Three rebuilders that have built and signed the same pins."""
    found = []
    for name in ("team-a", "team-b", "team-c"):
        folder = tmp_path_factory.mktemp(name)
        bench = Bench(folder / "work", miniature_index.url, folder / "cache")
        own = rebuilder(folder, name)
        pins = bench.write(*(miniatures.pin(each) for each in PINS))
        done = bench.asaman("-r", pins, "--sign", str(own.pem))
        assert done.returncode == 0, done.stderr
        found.append((bench, dataclasses.replace(own, folder=bench.wheels)))
    return tuple(found)


def test_what_three_of_three_agree_on_is_admitted_and_a_poisoned_pin_alone_is_not(
    teams: tuple[tuple[Bench, Rebuilder], ...],
) -> None:
    (bench, a), (_, b), (other, c) = teams
    policy = bench.folder / "policy.toml"
    policy.write_text(policy_text(a, b, c, threshold=3))
    call = (
        *("requirements.txt", "--policy", "policy.toml", "--vsa", "vsa.json"),
        *("--sign", str(a.pem), "--against", str(b.folder), "--against", str(c.folder)),
    )
    done = bench.generate(*call)
    assert done.returncode == 0, done.stderr
    assert "3 of 3 wheels have 3 votes or more" in done.stdout
    assert "signatures" in json.loads((bench.folder / "vsa.json").read_text())

    # Another compiler flag, in one project.
    done = other.asaman(
        "-r", "requirements.txt", "--env", "mini-c:CFLAGS=-O0", "--sign", str(c.pem)
    )
    assert done.returncode == 0, done.stderr
    # A changed byte, and a record that says so; the inputs are said to be the same.
    (wheel,) = c.folder.glob("mini_hatch*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    own = read_file(beside(wheel)).record
    digest = Digest.of(wheel.read_bytes())
    forged = dataclasses.replace(own.wheel, digest=digest, content_digest=digest)
    beside(wheel).write_text(records.render(dataclasses.replace(own, wheel=forged)))
    c.sign()

    (bench.folder / "verified-requirements.txt").unlink()
    done = bench.generate(*call)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in errors] == ["mini-c==1.0", "mini-hatch==1.0"]
    assert "team-c differs (other inputs: variable CFLAGS none → -O0" in errors[0]
    assert "team-c differs (from the same inputs)" in errors[1]
    assert not (bench.folder / "verified-requirements.txt").exists()

    done = bench.asaman(
        *("verify", "-r", "requirements.txt", "--policy", "policy.toml"),
        *("--against", str(b.folder), "--against", str(c.folder)),
    )
    assert done.returncode == 1
    assert "3 of 3 votes; team-a agrees; team-b agrees; team-c agrees" in done.stdout
