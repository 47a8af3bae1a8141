from __future__ import annotations

import pytest

from amrasaman_nox.archives.names import Subject
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.wheels.entry_points import script_names

SCRIPTS = "[console_scripts]\ndemo = demo.cli:main\n"
SUBJECT = Subject(what="demo.whl")


def names(text: str | bytes) -> tuple[str, ...]:
    return script_names(text if isinstance(text, bytes) else text.encode(), SUBJECT)


@pytest.mark.parametrize(
    ("text", "scripts"),
    [
        ("", ()),
        ("\n\n", ()),
        (SCRIPTS, ("demo",)),
        (SCRIPTS.replace("\n", "\r\n"), ("demo",)),
        ("# why\n[console_scripts]\n# why not\na=b:c\n", ("a",)),
        ("\n    [console_scripts]\n    a = b:c\n    d = e:f\n\n    [x]\n    g = h\n", ("a", "d")),
        (f"{SCRIPTS}[gui_scripts]\ndemo-w = demo.gui:App.run\n", ("demo", "demo-w")),
        ("[console_scripts]\nf2py3.11 = f2py:main [fast, more]\n", ("f2py3.11",)),
        ("[console_scripts]\na = b : c\n", ("a",)),
        ("[pytest11]\nx y: z = m\n../x = ../y ; #\n[a.b-c]\nx y: z =\n", ()),
        ("[distutils.commands]\nname = über:c\n", ()),
    ],
)
def test_what_real_wheels_have_is_accepted(text: str, scripts: tuple[str, ...]) -> None:
    assert names(text) == scripts


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "[DEFAULT]\nevil = e:f\n",
            r"line 1 of entry_points.txt is not a valid group: '\[DEFAULT\]'",
        ),
        (f"{SCRIPTS}[default]\nevil = e:f\n", "line 3 of entry_points.txt is not a valid group"),
        ("[ DEFAULT ]\na = b:c\n", "is not a valid group"),
        ("[]\na = b:c\n", "is not a valid group"),
        ("[console_scripts] ; x\na = b:c\n", "is not a valid group"),
        ("[[console_scripts]]\na = b:c\n", "is not a valid group"),
        (f"{SCRIPTS}[console_scripts]\nother = e:f\n", "line 3 .* repeats the group"),
        (f"{SCRIPTS}demo = evil:main\n", "line 3 of entry_points.txt repeats 'demo'"),
        (f"{SCRIPTS}Demo = evil:main\n", "repeats 'Demo'"),
        (f"{SCRIPTS}[gui_scripts]\ndemo = evil:main\n", "repeats 'demo'"),
        ("[x]\na = b\na = c\n", "repeats 'a'"),
        ("a = b:c\n[console_scripts]\n", "line 1 .* is not a valid entry"),
        (f"{SCRIPTS}alone\n", "is not a valid entry: 'alone'"),
        (f"{SCRIPTS}= b:c\n", "is not a valid entry"),
        (f"{SCRIPTS};x = b:c\n", "is not a valid entry"),
        (f"{SCRIPTS}  more = b:c\n", "line 3 .* is read as part of the previous value"),
        (f"{SCRIPTS}\n  [gui_scripts]\n", "is read as part of the previous value"),
        (f"{SCRIPTS}a = b:c\rd = e:f\n", "has a control character"),
        (f"{SCRIPTS}a = b:c\x0bd = e:f\n", "has a control character"),
        (f"{SCRIPTS}a = b:c\x85d = e:f\n", "has a control character"),
        (f"{SCRIPTS}\u00a0a = b:c\n", "has a control character"),
        (f"\ufeff{SCRIPTS}", "has a control character"),
        (SCRIPTS.encode("utf-16"), "is not UTF-8"),
        (SCRIPTS.encode() + b"\xff = b:c", "is not UTF-8"),
    ],
)
def test_what_readers_differ_about_is_refused_with_its_line(text: str | bytes, why: str) -> None:
    with pytest.raises(AsamanError, match=f"^demo.whl: .*{why}"):
        names(text)


@pytest.mark.parametrize(
    "name",
    [
        *("../../../pwned", "/usr/bin/pwned", "a/b", "a\\b", "..", ".", ".profile", "-rf", "C:x"),
        *("a b", "a:b", "a;b", "a#b", "a$(x)", "é", "'a'"),
    ],
)
@pytest.mark.parametrize("group", ["console_scripts", "gui_scripts"])
def test_a_script_is_a_plain_file(group: str, name: str) -> None:
    with pytest.raises(AsamanError, match="is not a valid script name"):
        names(f"[{group}]\n{name} = demo:main\n")


@pytest.mark.parametrize(
    "value",
    [
        *("demo", "demo:", ":main", "demo.cli main", "demo:main()", "demo:main # x", "demo:a;b"),
        *("os:system('x')", "demo..cli:main", "demo:.main", "1demo:main", "demo-cli:main"),
        *("demo:main\n = x", 'demo:main [extra" x]', "demo:main extra"),
    ],
)
def test_a_script_calls_a_function(value: str) -> None:
    with pytest.raises(
        AsamanError, match=r"is not an object reference|is not a valid entry|is read as"
    ):
        names(f"[console_scripts]\ndemo = {value}\n")
