"""What a Cargo.lock may hold, and what is refused in it."""

from __future__ import annotations

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sdists.cargo_lock import LARGEST, read_lock

REGISTRY = "registry+https://example.org/index"
SUM = "ab" * 32


def package(**facts: str) -> str:
    lines = [f'{key} = "{value}"' for key, value in facts.items()]
    return "\n".join(["[[package]]", *lines, ""])


ITOA = package(name="itoa", version="1.0.11", source=REGISTRY, checksum=SUM)
OWN = package(name="mine", version="0.1.0")


@pytest.mark.parametrize("head", ["", "version = 3\n", "version = 4\n"])
def test_crates_of_a_registry_are_returned_with_their_hash(head: str) -> None:
    (crate,) = read_lock((head + ITOA + OWN).encode(), "Cargo.lock")
    assert (crate.name, crate.version, crate.digest.value) == ("itoa", "1.0.11", SUM)
    assert crate.registry == REGISTRY
    assert crate.filename == "itoa-1.0.11.crate"


def test_checksums_are_found_where_the_first_format_has_them() -> None:
    text = package(name="itoa", version="1.0.11", source=REGISTRY)
    text += f'[metadata]\n"checksum itoa 1.0.11 ({REGISTRY})" = "{SUM}"\n'
    (crate,) = read_lock(text.encode(), "Cargo.lock")
    assert crate.digest.value == SUM


def test_two_versions_of_a_crate_are_both_returned() -> None:
    other = package(name="itoa", version="0.4.8", source=REGISTRY, checksum=SUM)
    assert [str(crate) for crate in read_lock((ITOA + other).encode(), "Cargo.lock")] == [
        "itoa 1.0.11",
        "itoa 0.4.8",
    ]


REFUSED = {
    "not TOML": ("[[package", "malformed: "),
    "not UTF-8": (b"\xff", "malformed: "),
    "packages are no list": ("package = 1", "is not a list of tables"),
    "packages are no tables": ("package = [1]", "is not a list of tables"),
    "unknown format": ("version = 5", "unknown lock format '5'"),
    "format is a text": ('version = "4"', "unknown lock format '4'"),
    "listed twice": (ITOA + ITOA, "crate itoa 1.0.11 is listed twice"),
    "dots in a name": (ITOA.replace("itoa", "../itoa"), "is not the name and version of a crate"),
    "slash in a version": (ITOA.replace("1.0.11", "1.0.11/.."), "not the name and version"),
    "no version": (package(name="itoa", source=REGISTRY), "not the name and version"),
    "no checksum": (
        package(name="itoa", version="1.0.11", source=REGISTRY),
        f"crate itoa 1.0.11 has no checksum: '{REGISTRY}'",
    ),
    "malformed checksum": (ITOA.replace(SUM, "ab"), "malformed checksum 'ab'"),
    "git": (
        package(
            name="itoa", version="1.0.11", source="git+https://me:secret@example.org/i?rev=1#2"
        ),
        "crate itoa 1.0.11 comes from a git repository without a hash: 'git+https://example.org/i'",
    ),
    "unknown source": (
        package(name="itoa", version="1.0.11", source="ftp://example.org"),
        "comes from an unknown kind of source",
    ),
    "name is a number": (ITOA.replace('"itoa"', "1"), "name of a package is not a string"),
    "metadata is no table": ("metadata = 1", "[metadata] is not a table of strings"),
    "too large": (b"#" * (LARGEST + 1), "larger than 4 MiB"),
    "too deep": ("a = " + "[" * 100_000, "malformed: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_malformed_or_has_no_hash_is_refused_in_one_line(name: str) -> None:
    text, why = REFUSED[name]
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(AsamanError) as refused:
        read_lock(content, "x-1.tar.gz: Cargo.lock")
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)
