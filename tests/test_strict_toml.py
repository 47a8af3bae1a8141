from __future__ import annotations

import ast
import time

import pytest

from amrasaman_nox.strict_toml import NotToml, parse
from tests.support import house


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a = ", "Invalid value"),
        (b"a = 1\na = 2\nb = 1", "Cannot overwrite a value.*line 2"),
        (b"\xff", "not UTF-8"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "[" * 3000 + "]" * 3000, "nested too deeply"),
        ("a = " + "{a = " * 3000, "nested too deeply"),
        ("a = " + "9" * 5000, "a number is too long"),
        ("a = [" + "9" * 5000 + "]", "a number is too long"),
        (".".join("a" * 200_000) + " = 1", "more than 64 parts"),
        (" . ".join("a" * 200_000) + " = 1", "more than 64 parts"),
        ("[" + '."".'.join("a" * 100_000) + "]", "more than 64 parts"),
        ("[[" + ".'#'.".join("a" * 100_000) + "]]", "more than 64 parts"),
        ("x = {" + ".".join("a" * 200_000) + " = 1}", "more than 64 parts"),
        ('x = """""" # """\n' + ".".join("a" * 200_000) + " = 1", "more than 64 parts"),
        ("x = '\\'\n" + ".".join("a" * 200_000) + " = 1 # '", "more than 64 parts"),
    ],
)  # fmt: skip
def test_what_is_not_toml_or_costs_much_is_refused_at_once(content: bytes, why: str) -> None:
    begun = time.process_time()
    with pytest.raises(NotToml, match=why):
        parse(content)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "piece", ['"""', "'''", '"', "'", "\\", '"""\\', "#", "''' '", '" "\n', ".", "a\n", '""""']
)
def test_no_text_takes_more_than_linear_time(piece: str) -> None:
    begun = time.process_time()
    with pytest.raises(NotToml):
        parse("=" + piece * (500_000 // len(piece)))
    assert time.process_time() - begun < 2


DOTS = "." * 200


@pytest.mark.parametrize(
    "text",
    [
        f'a = "{DOTS}"',
        f"a = '{DOTS}'",
        f'a = """\n{DOTS}"{DOTS}\\"""{DOTS}"""',
        f"a = '''\n{DOTS}'{DOTS}''{DOTS}'''",
        f"a = 1 # {DOTS}",
        f"a = 'b' # \"{DOTS}",
        "a = [" + "1.5, " * 200 + "]",
        "\n".join(f"a{number}.b.c = 1.5" for number in range(100)),
        ".".join(f"k{number}" for number in range(60)) + " = 1",
    ],
)
def test_dots_in_texts_and_numbers_are_no_parts_of_a_key(text: str) -> None:
    assert parse(text)
    assert parse(text.encode()) == parse(text)


def test_no_other_module_reads_toml_itself() -> None:
    users = {
        path.name
        for path in house.PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and node.names[0].name == "tomllib"
    }
    assert users == {"strict_toml.py"}
