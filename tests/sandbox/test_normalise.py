from __future__ import annotations

import dataclasses

import pytest

from amrasaman_nox.model import BuildEnvironment
from amrasaman_nox.sandbox.normalise import variables


def test_nothing_of_the_users_environment_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = variables(BuildEnvironment())
    for name in ("CC", "CFLAGS", "PYTHONPATH", "LD_PRELOAD", "PIP_INDEX_URL", "HOME", "LANG", "TZ"):
        monkeypatch.setenv(name, "/tmp/changed")
    assert variables(BuildEnvironment()) == before
    assert "/tmp/changed" not in before.values()


@pytest.mark.parametrize(
    ("field", "value", "variable", "expected"),
    [
        ("source_date_epoch", 1, "SOURCE_DATE_EPOCH", "1"),
        ("hash_seed", 7, "PYTHONHASHSEED", "7"),
        ("locale", "tr_TR.UTF-8", "LC_ALL", "tr_TR.UTF-8"),
        ("time_zone", "Asia/Tokyo", "TZ", "Asia/Tokyo"),
        ("home", "/h", "HOME", "/h"),
        ("user", "u", "USER", "u"),
        ("environment_path", "/e", "PATH", "/e/bin:/usr/local/bin:/usr/bin:/bin"),
    ],
)
def test_each_value_reaches_its_variable(
    field: str, value: object, variable: str, expected: str
) -> None:
    environment = dataclasses.replace(BuildEnvironment(), **{field: value})
    assert variables(environment)[variable] == expected


def test_an_unset_epoch_leaves_the_variable_out() -> None:
    environment = dataclasses.replace(BuildEnvironment(), source_date_epoch=None)
    assert "SOURCE_DATE_EPOCH" not in variables(environment)


def test_debug_information_is_neither_made_nor_linked_unless_it_is_kept() -> None:
    usual = variables(BuildEnvironment())
    assert usual["LDFLAGS"] == "-Wl,-s"
    assert usual["CPPFLAGS"].split()[0] == "-g0"
    kept = variables(dataclasses.replace(BuildEnvironment(), keep_debug_info=True))
    assert "LDFLAGS" not in kept
    assert "-g0" not in kept["CPPFLAGS"]
    assert "-ffile-prefix-map=/build/source=" in kept["CPPFLAGS"]


def test_the_interpreters_own_flags_are_not_replaced() -> None:
    assert not {"CFLAGS", "CXXFLAGS", "OPT"} & variables(BuildEnvironment()).keys()


def test_variables_passed_on_purpose_win() -> None:
    environment = dataclasses.replace(BuildEnvironment(), variables=(("LDFLAGS", "-lm"),))
    assert variables(environment)["LDFLAGS"] == "-lm"
