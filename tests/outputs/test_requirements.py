from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uv import find_uv_bin

from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.inputs.requirements import parse_requirements, read_requirements
from amrasaman_nox.model import BuildRecord, Digest, Pin, Requirements, Source, Wheel
from amrasaman_nox.outputs.requirements import (
    VerifiedPin,
    render,
    verified,
    write_verified_requirements_file,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SDIST = Digest.of(b"sdist")


def pin(name: str = "foo", version: str = "1.0", **more: object) -> Pin:
    origin = Origin(path="r.txt", line=1)
    return Pin(name=name, version=version, digests=(SDIST,), origin=origin, **more)  # type: ignore[arg-type]


def wheel(filename: str = "foo-1.0-py3-none-any.whl", data: bytes | None = None) -> Wheel:
    content = data if data is not None else filename.encode()
    digest = Digest.of(content)
    return Wheel(filename=filename, digest=digest, content_digest=digest, size=len(content))


def record(
    filename: str = "foo-1.0-py3-none-any.whl",
    *,
    name: str = "foo",
    version: str = "1.0",
    sdist: Digest = SDIST,
    as_published: bool = False,
) -> BuildRecord:
    source = Source(pin=pin(), filename="foo-1.0.tar.gz", digest=sdist)
    return BuildRecord(
        name=name,
        version=version,
        wheel=wheel(filename),
        source=source,
        key="",
        as_published=as_published,
    )


def asked(*pins: Pin) -> Requirements:
    return Requirements(kind="requirements", path="r.txt", pins=pins)


# Which wheels


def test_all_wheels_of_a_pin_are_listed_in_order_of_their_names() -> None:
    names = ["foo-1.0-cp312-cp312-linux_x86_64.whl", "foo-1.0-cp311-cp311-linux_x86_64.whl"]
    (entry,) = verified(asked(pin()), [record(name) for name in names])
    assert [found.filename for found in entry.wheels] == sorted(names)


@pytest.mark.parametrize(
    "other",
    [
        record("foo-1.0.1-py3-none-any.whl", version="1.0.1"),
        record("foo-1.0.1-py3-none-any.whl"),
        record(version="1.0.1"),
        record("foo_bar-1.0-py3-none-any.whl", name="foo-bar"),
        record("foo_bar-1.0-py3-none-any.whl"),
        record(name="foo-bar"),
        record("foo-1.0.tar.gz"),
        record(sdist=Digest.of(b"another sdist")),
    ],
)
def test_a_wheel_of_something_else_does_not_count(other: BuildRecord) -> None:
    with pytest.raises(AsamanError) as caught:
        verified(asked(pin()), [other])
    assert caught.value.lines()[0].startswith("error: foo==1.0: ")
    assert caught.value.code is ExitCode.BAD_INPUT


def test_names_and_versions_are_compared_in_their_normal_form() -> None:
    made = record("Foo_Bar-1.0.0-py3-none-any.whl", name="Foo.Bar", version="1.0.0")
    (entry,) = verified(asked(pin("foo-bar")), [made])
    assert entry.wheels == (made.wheel,)


def test_a_hash_of_another_algorithm_says_nothing_against_a_record() -> None:
    sha512 = Digest.of(b"sdist", "sha512")
    assert verified(asked(pin()), [record(sdist=sha512)])[0].wheels


def test_all_missing_pins_are_named_together() -> None:
    with pytest.raises(AsamanError) as caught:
        verified(asked(pin("one"), pin(), pin("two")), [record()])
    assert [line for line in caught.value.lines() if line.startswith("error")] == [
        f"error: {name}==1.0: it has no wheel with a provenance record (r.txt line 1)"
        for name in ("one", "two")
    ]


def test_skip_is_by_the_whole_name() -> None:
    found = verified(asked(pin(), pin("foo-bar")), [record()], skip=frozenset({"Foo_Bar"}))
    assert [entry.pin.name for entry in found] == ["foo"]
    with pytest.raises(AsamanError):
        verified(asked(pin(), pin("foo-bar")), [record()], skip=frozenset({"fo"}))


def test_to_skip_everything_is_refused() -> None:
    with pytest.raises(AsamanError, match="no requirements"):
        verified(asked(pin()), [record()], skip=frozenset({"foo"}))


def test_a_pin_that_does_not_apply_is_kept_if_it_has_a_wheel_and_else_named() -> None:
    kept = pin(marker="os_name == 'posix'")
    left = pin("bar", marker='python_version < "3"')
    text = render(verified(asked(kept, left), [record()], applies=lambda _: False))
    assert "\nfoo==1.0 ; os_name == 'posix' \\\n" in text
    assert '\n# left out: bar==1.0 ; python_version < "3"\n' in text


# How it is written


def test_the_text_is_as_pip_and_uv_read_it() -> None:
    first = VerifiedPin(
        pin=pin(extras=("x", "y"), marker='os_name == "posix"'),
        wheels=(wheel(data=b"2"), wheel(data=b"1")),
    )
    second = VerifiedPin(pin=pin("bar", "1!2.0"), wheels=(wheel(data=b"3"),), as_published=True)
    one, two = sorted([sha256(b"1").hexdigest(), sha256(b"2").hexdigest()])
    body = "".join(f"{line}\n" for line in render([first, second]).splitlines() if line[0] != "#")
    assert body == (
        'foo[x,y]==1.0 ; os_name == "posix" \\\n'
        f"    --hash=sha256:{one} \\\n    --hash=sha256:{two}\n"
        f"bar==1!2.0 \\\n    --hash={Digest.of(b'3')}\n    # published as is, not rebuilt\n"
    )


def test_the_same_entries_give_the_same_text_whatever_the_order_of_the_records() -> None:
    records = [record(), record("foo-1.0-1-py3-none-any.whl")]
    ways = {render(verified(asked(pin()), order)) for order in (records, records[::-1])}
    assert len(ways) == 1


names = st.from_regex(r"\A[a-z0-9]{1,5}(-[a-z0-9]{1,5})?\Z")
versions = st.from_regex(r"\A([1-9]!)?[0-9](\.[1-9][0-9]?){0,2}(rc1)?(\.post2)?(\+[a-z]{1,3})?\Z")
markers = st.sampled_from([None, 'os_name == "posix"', "python_version < '3' or extra == 'a b'"])
entries = st.lists(
    st.builds(
        VerifiedPin,
        pin=st.builds(
            Pin,
            name=names,
            version=versions,
            marker=markers,
            extras=st.lists(names, max_size=3).map(tuple),
        ),
        wheels=st.lists(st.binary(max_size=2).map(lambda data: wheel(data=data)), max_size=3).map(
            tuple
        ),
        as_published=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda entry: entry.pin.name,
)


@given(entries)
def test_what_is_rendered_reads_back_as_the_same_pins(entries: list[VerifiedPin]) -> None:
    kept = [entry for entry in entries if entry.wheels]
    if not kept:
        return
    found = parse_requirements(render(entries), path="").pins
    for entry, back in zip(kept, found, strict=True):
        pin = entry.pin
        assert (back.name, back.version) == (pin.name, pin.version)
        assert (back.extras, back.marker) == (pin.extras, pin.marker)
        assert set(back.digests) == {made.digest for made in entry.wheels}


# Putting it in place

GOOD = VerifiedPin(pin=pin(), wheels=(wheel(),))


def listing(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        path.name: (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.iterdir()
    }


def test_the_file_is_written_and_replaced_whole(tmp_path: Path) -> None:
    output = tmp_path / "verified.txt"
    output.write_text("old")
    write_verified_requirements_file(output, [GOOD])
    assert output.read_text() == render([GOOD])
    assert [path.name for path in tmp_path.iterdir()] == ["verified.txt"]


def test_all_may_read_the_file_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_verified_requirements_file(tmp_path / "v.txt", [GOOD])
    finally:
        os.umask(before)
    assert (tmp_path / "v.txt").stat().st_mode & 0o777 == 0o644


def make_socket(path: Path) -> None:
    # The path of a socket may be a hundred bytes long, and that of a temporary folder is longer.
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent):
        made.bind(path.name)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.symlink_to("input.txt"), "it is a symbolic link"),
        (lambda path: path.symlink_to("nowhere"), "it is a symbolic link"),
        (lambda path: path.mkdir(), "it is a directory"),
        (os.mkfifo, "it is a named pipe"),
        (make_socket, "it is a socket"),
        (lambda path: path.hardlink_to(path.parent / "input.txt"), "it is the input "),
    ],
)
def test_an_output_that_is_no_plain_file_of_ours_is_refused(
    tmp_path: Path, make: Callable[[Path], object], why: str
) -> None:
    source = tmp_path / "input.txt"
    source.write_text("the input")
    output = tmp_path / "verified.txt"
    make(output)
    before = listing(tmp_path)
    with pytest.raises(AsamanError) as caught:
        write_verified_requirements_file(output, [GOOD], inputs=[source])
    assert caught.value.lines()[0].startswith(f"error: cannot write {output}: {why}")
    assert caught.value.code is ExitCode.BAD_INPUT
    assert listing(tmp_path) == before


def test_a_device_is_refused() -> None:
    with pytest.raises(AsamanError, match="it is a device"):
        write_verified_requirements_file(Path("/dev/null"), [GOOD])


def test_a_nested_file_of_the_input_is_an_input(tmp_path: Path) -> None:
    nested = tmp_path / "nested.txt"
    nested.write_text("pins")
    origin = Origin(path=str(nested), line=1)
    entry = VerifiedPin(pin=Pin(name="foo", version="1", origin=origin), wheels=(wheel(),))
    with pytest.raises(AsamanError, match="it is the input"):
        write_verified_requirements_file(nested, [entry])
    assert nested.read_text() == "pins"


@pytest.mark.parametrize(
    "bad",
    [
        {"name": "foo --index-url https://h.example"},
        {"name": "foo==1\n--no-index\nfoo"},
        {"name": "Foo"},
        {"version": "1.0 --pre"},
        {"version": "1.*"},
        {"version": "01"},
        {"extras": ("x]==1 #",)},
        {"marker": 'os_name == "posix"\n--no-index\n# x'},
        {"marker": 'os_name == "posix" # x'},
        {"marker": "os_name == ' --pre '"},
        {"marker": "os_name"},
    ],
)
def test_text_that_would_read_differently_is_never_put_in_place(
    tmp_path: Path, bad: dict[str, object]
) -> None:
    entry = VerifiedPin(pin=Pin(**{"name": "foo", "version": "1", **bad}), wheels=(wheel(),))  # type: ignore[arg-type]
    with pytest.raises(AsamanError, match="it would not read back as the same requirements"):
        write_verified_requirements_file(tmp_path / "v.txt", [entry])
    assert list(tmp_path.iterdir()) == []


def test_a_pin_that_is_left_out_cannot_bring_a_line(tmp_path: Path) -> None:
    left = VerifiedPin(pin=Pin(name="bar", version="1", marker="x\n--no-index"))
    with pytest.raises(AsamanError, match="it would not read back as the same requirements"):
        write_verified_requirements_file(tmp_path / "v.txt", [GOOD, left])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    output = tmp_path / "v.txt"
    output.write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(AsamanError) as caught:
        write_verified_requirements_file(output, [GOOD])
    monkeypatch.undo()
    assert caught.value.lines() == (f"error: cannot write {output}: no space left on device",)
    assert caught.value.code is ExitCode.INPUT_OUTPUT
    assert listing(tmp_path) == {"v.txt": (output.stat().st_mode, b"old")}


# Who reads it


def make_wheel(folder: Path, name: str) -> Wheel:
    filename = f"{name}-1.0-py3-none-any.whl"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / filename, "w") as archive:
        info = f"{name}-1.0.dist-info"
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(
            f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    return wheel(filename, (folder / filename).read_bytes())


INSTALLERS = {
    "pip": f"{sys.executable} -I -m pip install --isolated --no-cache-dir -q",
    "uv": f"{find_uv_bin()} pip install --no-config --no-cache --offline -q "
    f"--python {sys.executable}",
}


@pytest.mark.slow
@pytest.mark.parametrize("installer", INSTALLERS)
def test_the_file_is_accepted_by(tmp_path: Path, installer: str) -> None:
    pytest.importorskip(installer)
    made = [make_wheel(tmp_path / "wheels", name) for name in ("foo", "bar")]
    entries = [
        VerifiedPin(pin=pin(extras=("x",), marker='os_name == "posix"'), wheels=(made[0],)),
        VerifiedPin(pin=pin("bar"), wheels=(made[1],), as_published=True),
        VerifiedPin(pin=pin("baz", marker='os_name == "nt"')),
    ]
    output = tmp_path / "verified.txt"
    write_verified_requirements_file(output, entries)
    options = ["--require-hashes", "--no-index", "--find-links", "wheels", "--only-binary", ":all:"]
    command = [*INSTALLERS[installer].split(), *options, "--target", "here", "-r", output.name]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "here").glob("*.py")} == {"foo.py", "bar.py"}
    assert len(read_requirements(output).pins) == 2
