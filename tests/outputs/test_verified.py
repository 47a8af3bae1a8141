"""From records in a folder to a verified file; a wheel without a record never gets into it."""

from __future__ import annotations

import dataclasses
import tomllib
from typing import TYPE_CHECKING

import pytest
from packaging.pylock import Pylock

from amrasaman_nox import records
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildRecord, Digest, Interpreter, Pin, Source, Wheel
from amrasaman_nox.outputs.verified import verified_path, write_verified

from ..test_records import record as example

if TYPE_CHECKING:
    from pathlib import Path

SDIST = Digest.of(b"sdist")
PIN = f"demo==1.0 --hash={SDIST}\n"


def with_record(folder: Path, name: str = "demo", version: str = "1.0", tag: str = "py3-none-any",
            **changes: object) -> BuildRecord:  # fmt: skip
    """Put a wheel and its record into *folder*."""
    filename = f"{name.replace('-', '_')}-{version}-{tag}.whl"
    content = filename.encode()
    pin = Pin(name=name, version=version, digests=(SDIST,))
    record = BuildRecord(
        name=name,
        version=version,
        wheel=Wheel(
            filename=filename,
            digest=Digest.of(content),
            content_digest=Digest.of(content),
            size=len(content),
        ),
        source=Source(pin=pin, filename=f"{name}-{version}.tar.gz", digest=SDIST),
        key="0" * 64,
    )
    record = dataclasses.replace(record, **changes)  # type: ignore[arg-type]
    folder.mkdir(exist_ok=True)
    (folder / filename).write_bytes(content)
    (folder / f"{filename}{records.SUFFIX}").write_text(records.render(record))
    return record


def written(folder: Path, text: str = PIN, **options: object) -> str:
    requirement = folder / "requirements.txt"
    requirement.write_text(text)
    write_verified(Config(requirement=requirement, output=folder / "wheels", **options))  # type: ignore[arg-type]
    return (folder / "verified-requirements.txt").read_text()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("requirements.txt", "verified-requirements.txt"),
        ("req-3.11.in", "verified-req-3.11.in"),
        ("pylock.toml", "pylock.verified.toml"),
        ("pylock.dev.toml", "pylock.verified-dev.toml"),
    ],
)
def test_the_verified_file_is_beside_its_input(tmp_path: Path, name: str, expected: str) -> None:
    assert verified_path(tmp_path / name) == tmp_path / expected


def test_all_wheels_of_a_pin_are_listed(tmp_path: Path) -> None:
    made = [
        with_record(tmp_path / "wheels", tag=tag)
        for tag in ("cp311-cp311-linux_x86_64", "cp312-cp312-linux_x86_64")
    ]
    text = written(tmp_path)
    assert all(f"--hash={record.wheel.digest}" in text for record in made)


def of(version: str, platform: str) -> Interpreter:
    own = example().interpreter
    assert own is not None
    return dataclasses.replace(own, version=version, platform=platform)


def test_a_pin_without_a_wheel_for_a_platform_of_others_is_named(tmp_path: Path) -> None:
    x86, arm = of("3.11.2", "linux-x86_64"), of("3.12.1", "linux-aarch64")
    pure = "py3-none-any"
    with_record(tmp_path / "wheels", "a", tag="cp311-cp311-linux_x86_64", interpreter=x86)
    with_record(tmp_path / "wheels", "b", tag="cp311-cp311-linux_x86_64", interpreter=x86)
    with_record(tmp_path / "wheels", "c", tag=pure, interpreter=arm)
    texts = ("a==1.0", 'b==1.0 ; platform_machine == "x86_64"', "c==1.0")
    requirement = tmp_path / "requirements.txt"
    requirement.write_text("".join(f"{text} --hash={SDIST}\n" for text in texts))
    report = write_verified(Config(requirement=requirement, output=tmp_path / "wheels"))
    assert report.notes == ("a==1.0 has no wheel for cpython-3.12-linux-aarch64",)


def test_a_requirements_file_gives_a_lock_with_the_wheels_of_all_platforms(tmp_path: Path) -> None:
    made = [
        with_record(tmp_path / "wheels", tag=tag, interpreter=of("3.11.2", platform))
        for tag, platform in (
            ("cp311-cp311-linux_aarch64", "linux-aarch64"),
            ("cp311-cp311-linux_x86_64", "linux-x86_64"),
        )
    ]
    requirement, lock = tmp_path / "requirements.txt", tmp_path / "pylock.toml"
    requirement.write_text(PIN)
    write_verified(Config(requirement=requirement, output=tmp_path / "wheels", verified=lock))
    (package,) = Pylock.from_dict(tomllib.loads(lock.read_text())).packages
    assert [(wheel.name, dict(wheel.hashes)) for wheel in package.wheels or ()] == [
        (record.wheel.filename, {"sha256": record.wheel.digest.value}) for record in made
    ]


@pytest.mark.parametrize("version", ["1.0.1", "1.0.post1", "1.0rc1", "11.0", "1!1.0"])
def test_a_neighbouring_version_does_not_count(tmp_path: Path, version: str) -> None:
    with_record(tmp_path / "wheels", version=version)
    with pytest.raises(AsamanError, match=r"demo==1\.0: it has no wheel with a provenance record"):
        written(tmp_path)
    assert not (tmp_path / "verified-requirements.txt").exists()


@pytest.mark.parametrize("name", ["demo-more", "dem", "demo.x"])
def test_a_neighbouring_name_does_not_count(tmp_path: Path, name: str) -> None:
    with_record(tmp_path / "wheels", name=name.replace(".", "-"))
    with pytest.raises(AsamanError, match="it has no wheel with a provenance record"):
        written(tmp_path)


def test_a_wheel_from_another_sdist_is_told_apart(tmp_path: Path) -> None:
    with_record(tmp_path / "wheels")
    other = f"demo==1.0 --hash={Digest.of(b'another sdist')}\n"
    with pytest.raises(AsamanError, match="its wheel was built from another source"):
        written(tmp_path, other)


@pytest.mark.parametrize("how", ["changed", "gone", "a link", "a folder"])
def test_a_wheel_that_is_not_what_its_record_says_is_ignored(tmp_path: Path, how: str) -> None:
    wheel = tmp_path / "wheels" / with_record(tmp_path / "wheels").wheel.filename
    content = wheel.read_bytes()
    wheel.unlink()
    match how:
        case "changed":
            wheel.write_bytes(content + b"\0")
        case "a link":
            (tmp_path / "aside").write_bytes(content)
            wheel.symlink_to(tmp_path / "aside")
        case "a folder":
            wheel.mkdir()
    with pytest.raises(AsamanError, match="it has no wheel with a provenance record"):
        written(tmp_path)


def test_a_record_under_another_name_does_not_count(tmp_path: Path) -> None:
    filename = with_record(tmp_path / "wheels").wheel.filename
    beside = tmp_path / "wheels" / f"{filename}{records.SUFFIX}"
    beside.rename(tmp_path / "wheels" / f"other-1.0-py3-none-any.whl{records.SUFFIX}")
    with pytest.raises(AsamanError, match="it has no wheel with a provenance record"):
        written(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"predicate": 1}', "null"])
def test_a_broken_record_is_named_where_a_wheel_is_missing(tmp_path: Path, text: str) -> None:
    filename = with_record(tmp_path / "wheels").wheel.filename
    (tmp_path / "wheels" / f"{filename}{records.SUFFIX}").write_text(text)
    with pytest.raises(AsamanError) as caught:
        written(tmp_path)
    assert any("not a provenance file" in line for line in caught.value.lines())


def test_skipping_is_by_name(tmp_path: Path) -> None:
    with_record(tmp_path / "wheels")
    more = f"{PIN}De.Mo_More==1.0 --hash={SDIST}\n"
    assert "more" not in written(tmp_path, more, skip=("de-mo-more",))
    with pytest.raises(AsamanError, match=r"de-mo-more==1\.0"):
        written(tmp_path, more, skip=("de-mo", "more", "de"))


def test_what_was_taken_is_marked(tmp_path: Path) -> None:
    with_record(tmp_path / "wheels", as_published=True)
    assert "    # published as is, not rebuilt\n" in written(tmp_path)


def test_a_pin_for_elsewhere_needs_no_wheel(tmp_path: Path) -> None:
    with_record(tmp_path / "wheels")
    text = written(tmp_path, f"{PIN}other==1 ; sys_platform == 'no' --hash={SDIST}\n")
    assert '# left out: other==1 ; sys_platform == "no"' in text or "# left out: other==1" in text
    assert text.count("--hash=sha256") == 1


def test_a_release_that_is_pinned_twice_is_written_once(tmp_path: Path) -> None:
    record = with_record(tmp_path / "wheels")
    text = written(tmp_path, f"{PIN}demo[x]==1.0 --hash={SDIST}\n")
    assert text.count("demo") == text.count("demo[x]==1.0") == 1
    assert str(record.wheel.digest) in text


def test_a_constraint_with_a_marker_lets_no_pin_be_missing(tmp_path: Path) -> None:
    with_record(tmp_path / "wheels", "other")
    marked = f'demo==1.0; os_name == "posix" --hash={SDIST}'
    (tmp_path / "c.txt").write_text(f"{marked}\n")
    with pytest.raises(AsamanError, match="it has no wheel with a provenance record"):
        written(tmp_path, f"-c c.txt\n{PIN.strip()} --hash={Digest.of(b'x')}\nother=={PIN[6:]}")


def checked(folder: Path, text: str = PIN, **options: object) -> list[str]:
    requirement = folder / "requirements.txt"
    requirement.write_text(text)
    config = Config(requirement=requirement, output=folder / "wheels", check=True, **options)  # type: ignore[arg-type]
    return [finding.what.rpartition("/")[2] for finding in write_verified(config).findings]


def test_a_check_writes_nothing_and_says_what_would_change(tmp_path: Path) -> None:
    with_record(tmp_path / "wheels")
    assert checked(tmp_path) == ["verified-requirements.txt is missing"]
    assert not (tmp_path / "verified-requirements.txt").exists()
    written(tmp_path)
    assert checked(tmp_path) == []
    (tmp_path / "verified-requirements.txt").write_text("# older\n")
    assert checked(tmp_path) == ["verified-requirements.txt would change"]
    assert (tmp_path / "verified-requirements.txt").read_text() == "# older\n"


def test_a_check_without_wheels_compares_the_pins(tmp_path: Path) -> None:
    with_record(tmp_path / "wheels")
    written(tmp_path)
    for path in (tmp_path / "wheels").iterdir():
        path.unlink()
    assert checked(tmp_path) == []
    other = PIN.replace("1.0", "1.1")
    assert checked(tmp_path, other) == ["verified-requirements.txt would change"]
    assert checked(tmp_path, PIN, skip=("demo",)) == ["verified-requirements.txt would change"]
