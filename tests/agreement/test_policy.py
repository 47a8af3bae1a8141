"""The policy is read strictly, and its JSON schema in the docs says the same."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from amrasaman_nox.agreement import policy
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.model import Publisher

from ..reports.examples import record
from ..support.rebuilders import policy_text, rebuilder
from .test_keys import ED25519, P256, pem_of, public_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "policy.md"
SCHEMA = json.loads(
    re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)[0]
)
KEY = public_of(ED25519).decode()
OTHER = public_of(P256).decode()
TODAY = date(2026, 8, 1)


def table(name: str, key: str = KEY, more: str = "") -> str:
    return f'[[rebuilders]]\nname = "{name}"\nkeys = ["""{key}"""]\n{more}\n'


def exception(more: str = 'until = 2026-12-31\nreason = "slow"') -> str:
    return f'[[exceptions]]\nname = "torch"\n{more}\n'


GROUP = 'group = "b"'
TWO = table("a") + table("b", OTHER)
GOOD = f"version = 1\nthreshold = 2\n{TWO}"


def read(tmp_path: Path, text: str) -> policy.Policy:
    (tmp_path / "policy.toml").write_text(text)
    return policy.read(tmp_path / "policy.toml")


def is_of_schema(text: str) -> bool:
    value = json.loads(json.dumps(tomllib.loads(text), default=str))
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(value)


def publisher(more: str = "") -> str:
    return f'[[publishers]]\nname = "torch"\nrepository = "o/r"\n{more}\n'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD + publisher(),
        GOOD + publisher('workflow = "w.yml"'),
        GOOD + exception(),
        GOOD + exception('version = "2.0"\nuntil = 2026-12-31\nreason = "r"'),
        f'version = 1\nthreshold = 1\nequal = "content"\nonly-binary = "vote"\n{TWO}',
        f"version = 1\nthreshold = 1\n{table('a', more='valid-from = 2026-01-01')}",
        'version = 1\nthreshold = 1\n[[rebuilders]]\nname = "a"\n'
        '[[rebuilders.identities]]\nissuer = "https://issuer"\nidentity = "x"\n',
    ],
)
def test_a_policy_is_read(text: str, tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert is_of_schema(text)
    found = read(tmp_path, text)
    assert found.threshold == tomllib.loads(text)["threshold"]
    assert [each.name for each in found.rebuilders] == [
        each["name"] for each in tomllib.loads(text)["rebuilders"]
    ]


def test_the_example_of_the_docs_is_a_policy(tmp_path: Path) -> None:
    text, identities = re.findall(
        r"^```toml\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    own = rebuilder(tmp_path, "team-a")
    assert own.public.name in text
    found = read(tmp_path, text + identities)
    assert [each.group for each in found.rebuilders] == ["team-a", "team-b", "team-c"]
    assert is_of_schema(text + identities)


def test_keys_in_files_count_from_the_folder_of_the_policy(tmp_path: Path) -> None:
    own = rebuilder(tmp_path, "a")
    text = policy_text(own, threshold=1).replace(str(own.public), "a.pub")
    assert read(tmp_path, text).rebuilders[0].keys == (own.key.public_key,)


#: What is no policy, the message, and whether a schema can say so.
BAD = {
    "no TOML": ("version = ", "not TOML", False),
    "a key twice in TOML": (f"threshold = 1\n{GOOD}", "not TOML", False),
    "no version": (GOOD.replace("version = 1", ""), "no version", True),
    "another version": (GOOD.replace("version = 1", "version = 2"), "version: 1 is required", True),
    "no threshold": (GOOD.replace("threshold = 2", ""), "no threshold", True),
    "a threshold of 0": (GOOD.replace("= 2", "= 0"), "threshold: 0 is out of range", True),
    "a negative threshold": (GOOD.replace("= 2", "= -1"), "threshold: -1 is out of range", True),
    "a threshold that is true": (GOOD.replace("= 2", "= true"), "a whole number", True),
    "a fraction": (GOOD.replace("= 2", "= 1.5"), "a whole number", True),
    "a threshold above the groups": (GOOD.replace("= 2", "= 3"), "there are 2 groups", False),
    "a threshold above one group": (
        f"version = 1\nthreshold = 2\n{table('a', more=GROUP)}{table('b', OTHER)}",
        "there are 1 groups",
        False,
    ),
    "nobody": ("version = 1\nthreshold = 1\n", "there are 0 groups", True),
    "an unknown key": (f"trheshold = 1\n{GOOD}", "trheshold: unknown key", True),
    "an unknown key of a rebuilder": (GOOD + "key = 1\n", "unknown key", True),
    "another name of equal": (f'equal = "same"\n{GOOD}', "one of wheel, content", True),
    "another name of only-binary": (f'only-binary = "yes"\n{GOOD}', "one of refuse, allow", True),
    "a name twice": (GOOD.replace('"b"', '"a"'), "the name of a is there twice", False),
    "the same key twice": (GOOD.replace(OTHER, KEY), "of b is there twice", False),
    "the same key twice in one": (
        GOOD.replace(f'["""{OTHER}"""]', f'["""{OTHER}""", """{OTHER}"""]'),
        "of b is there twice",
        False,
    ),
    "no key": (GOOD.replace(f'["""{OTHER}"""]', "[]"), "keys or identities are required", True),
    "a text for keys": (GOOD.replace(f'["""{OTHER}"""]', '"x"'), "a list is required", True),
    "a private key": (
        GOOD.replace(OTHER, pem_of(P256).decode()),
        "only the public one belongs here",
        False,
    ),
    "a file that is missing": (GOOD.replace(f'"""{OTHER}"""', '"b.pub"'), "No such file", False),
    "a name of two lines": (GOOD.replace('"b"', '"b\\nc"'), "is not a valid name", True),
    "dates that contradict": (
        GOOD + "valid-from = 2026-02-01\nvalid-until = 2026-01-01\n",
        "is after valid-until",
        False,
    ),
    "a date with a time": (GOOD + "valid-until = 2026-01-01T00:00:00Z\n", "without quotes", True),
    "an exception without a reason": (GOOD + exception("until = 2026-12-31"), "no exc", True),
    "an exception of blanks": (
        GOOD + exception('until = 2026-12-31\nreason = " "'),
        "a reason is required",
        True,
    ),
    "an exception without an end": (GOOD + exception('reason = "r"'), "no exceptions", True),
    "an exception twice": (GOOD + exception() * 2, "a second exception for torch", False),
    "an exception of no version": (
        GOOD + exception('version = "new"\nuntil = 2026-12-31\nreason = "r"'),
        "a version is required",
        False,
    ),
    "an exception of all": (
        GOOD + exception().replace("torch", "*"),
        "is not a valid project name",
        True,
    ),
    "an issuer without https": (
        GOOD + '[[rebuilders.identities]]\nissuer = "http://x"\nidentity = "y"\n',
        "an https URL is required",
        True,
    ),
    "deep": ("x = " + "[" * 100_000, "not TOML", False),
    "large": (GOOD + "#" * (1 << 20), "longer than", False),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_policy_is_one_line(kind: str, tmp_path: Path) -> None:
    text, why, in_schema = BAD[kind]
    with pytest.raises(AsamanError, match=re.escape(why)) as raised:
        read(tmp_path, text)
    assert raised.value.what == f"policy {tmp_path / 'policy.toml'}"
    assert not in_schema or not is_of_schema(text)


def test_a_policy_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AsamanError, match=r"policy .*: No such file"):
        policy.read(tmp_path / "policy.toml")


def test_a_rebuilder_counts_from_the_first_to_the_last_day(tmp_path: Path) -> None:
    dates = "valid-from = 2026-08-01\nvalid-until = 2026-08-02\n"
    found = read(tmp_path, f"version = 1\nthreshold = 1\n{table('a', more=dates)}")
    (own,) = found.rebuilders
    assert own.invalid(date(2026, 7, 31)) == "valid from 2026-08-01"
    assert own.invalid(date(2026, 8, 1)) == own.invalid(date(2026, 8, 2)) == ""
    assert own.invalid(date(2026, 8, 3)) == "expired, valid until 2026-08-02"
    found.check_reachable(date(2026, 8, 2))
    with pytest.raises(AsamanError, match=r"only 0 are valid today: a \(expired"):
        found.check_reachable(date(2026, 8, 3))


def test_an_exception_ends(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD + exception())
    last = date(2026, 12, 31)
    assert found.exception("torch", "1.0", last) is not None
    assert found.exception("six", "1.0", last) is None
    assert found.exception("torch", "1.0", date(2027, 1, 1)) is None
    assert found.expired("torch", "1.0", date(2027, 1, 1)) is not None
    assert found.expired("torch", "1.0", last) is None


def test_an_exception_can_be_of_one_version(tmp_path: Path) -> None:
    more = 'version = "2.0.0"\nuntil = 2026-12-31\nreason = "r"'
    found = read(tmp_path, GOOD + exception(more))
    assert found.exception("torch", "2.0.0", TODAY) is not None
    assert found.exception("torch", "2.1", TODAY) is None


def test_who_must_have_published_a_source_is_held_against_the_record(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD + publisher('workflow = "w.yml"'))
    ours = record("torch")
    assert found.unpublished(ours) == ("no attestation says that its source was published from o/r")
    who = Publisher(kind="GitHub", repository="o/r", workflow="w.yml", commit="c0ffee")
    assert found.unpublished(dataclasses.replace(ours, publisher=who)) == ""
    other = dataclasses.replace(who, workflow="x.yml")
    assert found.unpublished(dataclasses.replace(ours, publisher=other)) == (
        "its source was published by GitHub o/r, x.yml, commit c0ffee, and not from o/r w.yml"
    )
    any_workflow = read(tmp_path, GOOD + publisher())
    assert any_workflow.unpublished(dataclasses.replace(ours, publisher=other)) == ""
    assert any_workflow.unpublished(record("other")) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (publisher() + publisher("workflow = 'w.yml'"), "a second publisher of torch"),
        (publisher("branch = 'main'"), "unknown key"),
        (publisher("workflow = 'a b'"), "not a valid workflow"),
        (publisher().replace("o/r", "https:"), "not a valid repository"),
    ],
)
def test_a_publisher_that_cannot_be_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(AsamanError, match=why):
        read(tmp_path, GOOD + text)
