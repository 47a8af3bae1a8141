from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError, ExitCode, Origin
from amrasaman_nox.inputs.pylock import read_pylock
from amrasaman_nox.inputs.selection import select
from amrasaman_nox.model import Digest, LockScope

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Requirements

A = "a" * 64
B = "b" * 64
HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'
SDIST = f'{{ url = "https://h.example/foo-1.0.tar.gz", hashes = {{ sha256 = "{A}" }} }}'
WHEEL = f'{{ url = "https://h.example/foo-1.0-py3-none-any.whl", hashes = {{ sha256 = "{B}" }} }}'
MARKERS = {"python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux"}


def package(sdist: str = SDIST, *, name: str = "foo", more: str = "") -> str:
    return f'[[packages]]\nname = "{name}"\nversion = "1.0"\nsdist = {sdist}\n{more}\n'


def location(text: str) -> str:
    return package(f'{{ {text}, hashes = {{ sha256 = "{A}" }} }}')


def read(folder: Path, text: str, *only_binary: str) -> Requirements:
    path = folder / "pylock.toml"
    path.write_text(text)
    return read_pylock(path, only_binary=frozenset(only_binary))


def test_a_lock_gives_the_hashes_of_its_sdists(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files/bar-2.zip").touch()
    text = (
        f'{HEAD}requires-python = ">=3.11"\nenvironments = ["sys_platform == \'linux\'"]\n'
        f'extras = ["x"]\ndependency-groups = ["dev", "doc"]\ndefault-groups = ["dev"]\n'
        f"{package(more=f'wheels = [{WHEEL}]')}"
        f'[[packages]]\nname = "bar"\nmarker = "python_version>\'3\'"\nrequires-python = ">=3"\n'
        f'sdist = {{ path = "files/bar-2.zip", hashes = {{ md5 = "x", sha256 = "{B}" }} }}\n'
    )
    found = read(tmp_path, text)
    path = str(tmp_path / "pylock.toml")
    foo, bar = found.pins
    assert (found.kind, str(foo), foo.url) == (
        "pylock",
        "foo==1.0",
        "https://h.example/foo-1.0.tar.gz",
    )
    assert (foo.digests, foo.path, foo.marker) == (
        (Digest(algorithm="sha256", value=A),),
        None,
        None,
    )
    assert (str(bar), bar.path, bar.url) == ("bar==2", str(tmp_path / "files/bar-2.zip"), None)
    assert (bar.marker, bar.requires_python) == ('python_version > "3"', ">=3")
    assert [pin.origin for pin in found.pins] == [Origin(path=path, line=n) for n in (8, 13)]
    assert found.scope == LockScope(
        environments=('sys_platform == "linux"',),
        requires_python=">=3.11",
        extras=("x",),
        dependency_groups=("dev", "doc"),
        default_groups=("dev",),
    )
    assert found.notes == (f"{path}: bar==2: md5 is ignored",)
    assert select(found, MARKERS) == (found.pins, ())


def test_a_direct_archive_is_a_source(tmp_path: Path) -> None:
    text = (
        f'{HEAD}[[packages]]\nname = "foo-bar"\narchive = {{ '
        f'url = "https://h.example/Foo%5FBar-1.0.tar.gz?x#y", hashes = {{ sha256 = "{A}" }} }}\n'
    )
    pin = read(tmp_path, text).pins[0]
    assert (str(pin), pin.url) == ("foo-bar==1.0", "https://h.example/Foo%5FBar-1.0.tar.gz?x")


@pytest.mark.parametrize(("with_sdist", "digests"), [(False, [B]), (True, [A, B])])
def test_a_package_that_is_taken_may_have_wheels_only(
    tmp_path: Path, with_sdist: bool, digests: list[str]
) -> None:
    text = HEAD + package(more=f"wheels = [{WHEEL}]")
    if not with_sdist:
        text = text.replace(f"sdist = {SDIST}\n", "")
    pin = read(tmp_path, text, "foo").pins[0]
    assert [digest.value for digest in pin.digests] == digests


def test_a_package_without_an_sdist_is_a_pin_with_a_fault(tmp_path: Path) -> None:
    text = HEAD + package().replace(f"sdist = {SDIST}", f"wheels = [{WHEEL}]")
    pin = read(tmp_path, text).pins[0]
    assert (str(pin), pin.digests) == ("foo==1.0", ())
    assert pin.fault is not None
    assert (pin.fault.reason, pin.fault.takes_wheel) == (
        "no sdist: the lock has wheels only",
        True,
    )


@pytest.mark.parametrize("version", ['version = "1.0"\n', ""])
def test_a_checkout_is_a_pin_with_a_fault_and_the_others_are_pins(
    tmp_path: Path, version: str
) -> None:
    vcs = 'vcs = { type = "git", url = "https://h.example/foo", commit-id = "a" }\n'
    text = f'{HEAD}[[packages]]\nname = "foo"\n{version}{vcs}{package(name="bar")}'
    text = text.replace("foo-1.0.tar.gz", "bar-1.0.tar.gz")
    foo, bar = read(tmp_path, text).pins
    assert foo.fault is not None
    assert foo.fault.reason == "no sdist: a version control checkout has no hash"
    assert foo.fault.hint
    assert not foo.fault.takes_wheel
    assert bar.fault is None


def test_a_folder_in_an_archive_is_a_fault_of_that_pin(tmp_path: Path) -> None:
    archive = (
        f'{{ url = "https://h.example/r.zip", subdirectory = "x", hashes = {{ sha256 = "{A}" }} }}'
    )
    (pin,) = read(tmp_path, f'{HEAD}[[packages]]\nname = "foo"\narchive = {archive}\n').pins
    assert pin.fault is not None
    assert pin.fault.reason == "a subdirectory of an archive is not supported"


def test_a_package_without_a_wheel_cannot_be_taken(tmp_path: Path) -> None:
    fault = read(tmp_path, HEAD + package(), "foo").pins[0].fault
    assert fault is not None
    assert fault.reason == "no wheel: the lock has an sdist only"


def test_a_package_that_is_taken_is_located_by_its_hashes_alone(tmp_path: Path) -> None:
    text = HEAD + package(more=f"wheels = [{WHEEL}]")
    assert read(tmp_path, text).pins[0].url == "https://h.example/foo-1.0.tar.gz"
    assert read(tmp_path, text, "foo").pins[0].url is None


def test_the_projects_own_folder_is_left_out_and_said(tmp_path: Path) -> None:
    text = f'{HEAD}{package()}[[packages]]\nname = "own"\ndirectory = {{ path = "." }}\n'
    found = read(tmp_path, text)
    assert [str(pin) for pin in found.pins] == ["foo==1.0"]
    assert found.notes == (f"{tmp_path}/pylock.toml: own: left out: a folder has no hash",)


def test_a_newer_minor_version_of_the_format_is_read_and_said(tmp_path: Path) -> None:
    found = read(tmp_path, HEAD.replace("1.0", "1.3") + package())
    assert "lock-version 1.3 is newer than 1.0, and is read as 1.0" in found.notes[0]


BAD = [
    # one row a bad input: the text, how its line begins, the line of its origin
    ("lock-version = \n", "malformed TOML: Invalid value (at line 1, column 16)", 1),
    (HEAD + "a = 1\na = 2\n", "malformed TOML: Cannot overwrite a value (at line 4, column 6)", 4),
    (HEAD + 'a = "', "malformed TOML: Unterminated string (at end of document)", 3),
    ("a = " + "[" * 5000, "malformed TOML: nested too deeply", 1),
    ('created-by = "x"\npackages = []\n', "unsupported lock-version: it is missing", None),
    (HEAD.replace("1.0", "2.0") + package(), "unsupported lock-version: '2.0'", None),
    (HEAD.replace('"1.0"', "1.0") + package(), "unsupported lock-version: 1.0", None),
    (HEAD.replace("1.0", "x") + package(), "unsupported lock-version: 'x'", None),
    (HEAD, "packages missing: ", None),
    (HEAD + "packages = {}\n", "packages missing: ", None),
    (HEAD + "packages = []\n", "no requirements: ", None),
    ('lock-version = "1.0"\n' + package(), "malformed lock: Missing required value", None),
    (HEAD + "packages = [1]\n", "malformed lock: packages[0]: Unexpected type int", None),
    (
        HEAD + '[[packages]]\nname = "foo"\ndirectory = { path = "." }\n',
        "no requirements: ",
        None,
    ),
    (
        HEAD + package('{ url = "https://h.example/foo-1.0.tar.gz" }'),
        "not hashed: foo (packages[0]): Missing required value",
        3,
    ),
    (
        HEAD + package('{ url = "https://h.example/foo-1.0.tar.gz", hashes = {} }'),
        "not hashed: foo (packages[0]): At least one hash",
        3,
    ),
    (
        HEAD + package(SDIST.replace("sha256", "md5")),
        "not hashed: foo==1.0: weak hash md5: ",
        3,
    ),
    (HEAD + package(SDIST.replace(A, "abc")), "malformed hash sha256:abc: foo==1.0", 3),
    (
        HEAD + location('url = "https://h.example/foo-1.0.tar.gz", path = "foo-1.0.tar.gz"'),
        "invalid artifact location: foo has both a url and a path",
        3,
    ),
    (
        HEAD + location('name = "foo-1.0.tar.gz"'),
        "invalid artifact location: foo (packages[0]): path or url must be provided",
        3,
    ),
    (HEAD + location('path = "/tmp/foo-1.0.tar.gz"'), "invalid artifact location: foo: /tmp", 3),
    (HEAD + location('path = "../foo-1.0.tar.gz"'), "invalid artifact location: foo: ../", 3),
    (HEAD + location('path = "a/../foo-1.0.tar.gz"'), "invalid artifact location: foo: a/", 3),
    (HEAD + location('path = "link/foo-1.0.tar.gz"'), "invalid artifact location: foo: link/", 3),
    (HEAD + location('path = "foo-1.0.tar.gz"'), "invalid artifact location: foo: foo-1.0", 3),
    (
        HEAD + location('url = "file:///tmp/foo-1.0.tar.gz"'),
        "invalid artifact location: foo: not https",
        3,
    ),
    (
        HEAD + location('url = "https://h.example/bar-1.0.tar.gz"'),
        "name mismatch: foo (packages[0]): Name in 'bar-1.0.tar.gz'",
        3,
    ),
    (
        HEAD + location('url = "https://h.example/foo-1.1.tar.gz"'),
        "name mismatch: foo (packages[0]): Version in 'foo-1.1.tar.gz'",
        3,
    ),
    (
        HEAD + location('url = "https://h.example/foo-1.0.tar.xz"'),
        "name mismatch: foo (packages[0]): Invalid sdist filename",
        3,
    ),
    (HEAD + package(name="Foo"), "invalid project name: Foo (packages[0]): ", 3),
    (HEAD + package(name="a\\u001b"), "invalid project name: a\\x1b (packages[0]): ", 3),
    (HEAD + package(more='marker = "x"'), "malformed lock: foo (packages[0]): ", 3),
    (
        HEAD + package(more="marker = \"os_name == 'a\\u001bb'\""),
        "invalid marker: foo (packages[0]): a control character",
        3,
    ),
    (
        HEAD + package() + package(SDIST.replace(A, B)),
        "pinned twice: foo==1.0, and foo==1.0 (",
        8,
    ),
]


@pytest.mark.parametrize(("text", "start", "line"), BAD)
def test_a_bad_lock_is_refused_in_one_line(
    tmp_path: Path, text: str, start: str, line: int | None
) -> None:
    (tmp_path / "link").symlink_to("/")
    with pytest.raises(AsamanError) as caught:
        read(tmp_path, text)
    assert caught.value.lines()[0].startswith(f"error: {start}")
    assert caught.value.origin == Origin(path=str(tmp_path / "pylock.toml"), line=line)
    assert caught.value.code is ExitCode.BAD_INPUT


def test_all_bad_packages_are_named_together(tmp_path: Path) -> None:
    text = HEAD + package(SDIST.replace("foo", "bar")) + package() + package(name="Bar")
    with pytest.raises(AsamanError) as caught:
        read(tmp_path, text)
    errors = [caught.value, *caught.value.others]
    assert [(error.what, error.origin.line) for error in errors if error.origin] == [
        ("name mismatch", 3),
        ("invalid project name", 13),
    ]


def test_a_lock_in_one_line_is_named_by_its_index(tmp_path: Path) -> None:
    with pytest.raises(AsamanError) as caught:
        read(tmp_path, f'{HEAD}packages = [{{ name = "foo", version = "2", sdist = {SDIST} }}]\n')
    assert caught.value.why.startswith("foo (packages[0]): ")


@pytest.mark.parametrize(
    ("head", "more", "what"),
    [
        ('requires-python = ">=3.12"\n', "", "unsupported Python"),
        ("environments = [\"sys_platform == 'win32'\"]\n", "", "unsupported environment"),
    ],
)
def test_a_lock_for_another_interpreter_is_refused(
    tmp_path: Path, head: str, more: str, what: str
) -> None:
    found = read(tmp_path, HEAD + head + package(more=more))
    with pytest.raises(AsamanError) as caught:
        select(found, MARKERS)
    assert caught.value.what == what


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("'dev' in dependency_groups", True),
        ("'doc' in dependency_groups", False),
        ("'x' in extras", False),
    ],
)
def test_default_groups_apply_and_extras_do_not(tmp_path: Path, marker: str, applies: bool) -> None:
    head = 'dependency-groups = ["dev", "doc"]\ndefault-groups = ["dev"]\nextras = ["x"]\n'
    found = read(tmp_path, HEAD + head + package(more=f'marker = "{marker}"'))
    applying, left_out = select(found, MARKERS)
    assert (bool(applying), bool(left_out)) == (applies, not applies)
