"""What a record claims that no build of ours has is refused before anything runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import BuildRecord, Digest, LockedFile
from amrasaman_nox.record_files import RecordFile
from amrasaman_nox.verification import claims

from ..test_records import of_rust, record

if TYPE_CHECKING:
    from collections.abc import Callable


def check(changed: BuildRecord) -> None:
    claims.check(RecordFile(record=changed, text=b"", path=Path("r.json")))


def having(**values: Any) -> Callable[[BuildRecord], BuildRecord]:
    return lambda own: dataclasses.replace(own, **values)


def world(**values: Any) -> Callable[[BuildRecord], BuildRecord]:
    def change(own: BuildRecord) -> BuildRecord:
        assert own.environment is not None
        return dataclasses.replace(own, environment=dataclasses.replace(own.environment, **values))

    return change


def wheel(filename: str) -> Callable[[BuildRecord], BuildRecord]:
    return having(wheel=dataclasses.replace(record().wheel, filename=filename))


def source(filename: str) -> Callable[[BuildRecord], BuildRecord]:
    return having(source=dataclasses.replace(record().source, filename=filename))


def needs(*names: str) -> Callable[[BuildRecord], BuildRecord]:
    found = tuple(LockedFile(filename=name, digest=Digest.of(name.encode())) for name in names)
    return having(requirements=found)


def test_records_of_ours_are_accepted() -> None:
    check(record())
    check(of_rust())
    check(world(processors=8, temporary_names="constant", keep_debug_info=True)(record()))
    taken = having(as_published=True, interpreter=None, environment=None)(record())
    check(source("attrs-25.3.0-py3-none-any.whl")(taken))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (wheel("attrs-25.3.1-py3-none-any.whl"), "is not of attrs 25.3.0"),
        (wheel("other-25.3.0-py3-none-any.whl"), "is not of attrs 25.3.0"),
        (wheel("attrs-25.3.0.tar.gz"), "is not of attrs 25.3.0"),
        (source("other-25.3.0.tar.gz"), "is not of attrs 25.3.0"),
        (source("attrs-25.3.0-py3-none-any.whl"), "is not of attrs 25.3.0"),
        (having(version="1.0"), "is not of attrs 1.0"),
        (having(interpreter=None), "by which interpreter"),
        (having(environment=None), "by which interpreter"),
        (needs("evil.tar.gz"), "not a wheel"),
        (needs("a-1-py3-none-any.whl", "A-2-py3-none-any.whl"), "two build requirements are a"),
        (needs(*(f"p{number}-1-py3-none-any.whl" for number in range(2001))), "more than 2000"),
        (world(build_path="/etc"), "no build has build path /etc"),
        (world(environment_path="/home/x"), "no build has environment path /home/x"),
        (world(home="../.."), "no build has home ../.."),
        (world(user="root"), "no build has user root"),
        (world(uid=0), "no build has uid 0"),
        (world(umask=0), "no build has umask 0"),
        (world(host_name="a\nb"), "no build has host name"),
        (world(clock=0), "no build has clock 0"),
        (world(random_addresses=True), "no build has random addresses True"),
        (world(source_date_epoch=None), "invalid source date epoch None"),
        (world(source_date_epoch=10**18, source_times=10**18), "invalid source date epoch"),
        (world(source_times=1309379018), "its source times are not"),
        (world(processors=0), "invalid number of processors"),
        (world(processors=10**9), "invalid number of processors"),
        (world(temporary_names="/etc"), "invalid temporary names"),
        (world(variables=(("A=B", "x"),)), "a variable that no program can be given"),
        (world(variables=(("A", "x\0y"),)), "a variable that no program can be given"),
    ],
)
def test_what_no_build_of_ours_has_is_one_line_with_the_record(
    change: Callable[[BuildRecord], BuildRecord], why: str
) -> None:
    with pytest.raises(AsamanError) as caught:
        check(change(record()))
    (line, *_) = caught.value.lines()
    assert line.startswith("error: record r.json: ")
    assert why in line


def test_a_key_that_is_not_that_of_the_inputs_is_noticed() -> None:
    assert not claims.key_is_of_inputs(record())
    assert not claims.key_is_of_inputs(having(interpreter=None)(record()))


@pytest.mark.parametrize("version", ["/opt/evil", "../evil", "", "stable", "1.95.0/..", "1.95"])
def test_a_toolchain_is_chosen_by_a_whole_version_only(version: str) -> None:
    rust = of_rust().rust
    assert rust is not None
    with pytest.raises(AsamanError, match="invalid Rust version"):
        check(dataclasses.replace(of_rust(), rust=dataclasses.replace(rust, version=version)))
