from __future__ import annotations

import dataclasses
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from amrasaman_nox.config import config as settings
from amrasaman_nox.config import processors
from amrasaman_nox.config.config import Config
from amrasaman_nox.errors import AsamanError, ExitCode
from amrasaman_nox.model import DEFAULT_SOURCE_DATE_EPOCH, IndexOptions, Limits


def test_the_defaults_are_valid_and_those_of_the_original() -> None:
    config = Config()
    assert config.output == Path("wheels")
    assert config.epoch == DEFAULT_SOURCE_DATE_EPOCH == 1309379017
    assert config.jobs == processors.available() >= 1
    assert config.limits == Limits()
    assert config.index == IndexOptions()
    assert config.given() == {}


def test_a_configuration_is_hashable_and_can_cross_a_process() -> None:
    config = Config(requirement=Path("r.txt"), only_binary=("uv",))
    assert pickle.loads(pickle.dumps(config)) == config
    assert hash(config) == hash(dataclasses.replace(config))


def test_every_field_is_checked_in_exactly_one_row() -> None:
    names = [name for row, _ in settings._CONVERSIONS for name in row]
    assert sorted(names) == sorted(each.name for each in dataclasses.fields(Config))


def test_strings_become_paths_and_lists_become_tuples() -> None:
    values: dict[str, Any] = {"requirement": "r.txt", "output": "out", "python": ["3.11"]}
    config = Config(**values)
    assert config.requirement == Path("r.txt")
    assert config.output == Path("out")
    assert config.python == ("3.11",)


def test_given_names_what_differs_from_the_defaults() -> None:
    assert Config(sde=1400000000, quiet=True).given() == {"sde": 1400000000, "quiet": True}


def test_names_of_projects_are_normalised() -> None:
    assert Config(only_binary=("Foo_Bar", "a.b--c")).only_binary == ("foo-bar", "a-b-c")


def test_secrets_are_not_in_the_representation() -> None:
    config = Config(environment=(("HTTPS_PROXY", "s3cret"),), expandable=(("TOKEN", "s3cret"),))
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        (None, None),
        ("now", "now"),
        ("2025-04-03", "2025-04-03T00:00:00Z"),
        ("2025-04-03T04:57:03Z", "2025-04-03T04:57:03Z"),
        ("2025-04-03T06:57:03+02:00", "2025-04-03T04:57:03Z"),
        ("2025-04-03T04:57:03.999", "2025-04-03T04:57:03Z"),
        (date(2025, 4, 3), "2025-04-03T00:00:00Z"),
        (datetime(2025, 4, 3, tzinfo=UTC), "2025-04-03T00:00:00Z"),
        (datetime(2025, 4, 3, tzinfo=timezone(timedelta(hours=1))), "2025-04-02T23:00:00Z"),
    ],
)
def test_a_moment_is_kept_in_utc(given: Any, normal: str | None) -> None:
    assert Config(as_of=given).as_of == normal
    single = Config(as_of="2020-01-01", as_of_packages=(("A_b", given or "now"),))
    assert single.as_of_packages == (("a-b", normal or "now"),)
    assert single.as_of_project("a-b") == (normal or "now")
    assert single.as_of_project("other") == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("sde", value) for value in (-1, 0, 315532799, 4354819199, 10**30, 1.5, "1309379017")],
        *[("jobs", value) for value in (0, -1, 10**9, 1.0, True, "x", None)],
        *[("build_processors", value) for value in (0, 1025, True, "two", None)],
        *[("isolation", value) for value in ("", "strong", None, 3)],
        *[("as_of", value) for value in ("yesterday", "2025-13-01", "", "0001-01-01T00:00+14", 5)],
        *[("timeout", value) for value in (-1, float("nan"), float("inf"), "1", True)],
        *[("max_log", value) for value in (-1, 1.5, "64M", True)],
        *[("max_processes", value) for value in (-1, "x")],
        *[("only_binary", value) for value in ((":all:",), ("",), "uv", ("a b",), ("-x",))],
        *[("requirement", value) for value in ("", "a\0b", 3, b"x")],
        *[("output", value) for value in ("", None)],
        *[("index_url", value) for value in ("", 3)],
        *[("find_links", value) for value in ("x", ("",), (3,))],
        *[("config_settings", value) for value in ("a=b", (("a",),), (("a", 1),))],
        *[("locked", value) for value in (1, "yes", None)],
        ("allow", "different"),
        ("color", "red"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused(field: str, value: Any) -> None:
    with pytest.raises(AsamanError) as caught:
        Config(**{field: value})
    assert caught.value.code is ExitCode.BAD_INPUT
    assert caught.value.what == field.replace("_", "-")


@pytest.mark.parametrize("epoch", [315532800, 4354819198])
def test_the_epochs_that_zip_can_store_are_accepted(epoch: int) -> None:
    assert Config(sde=epoch).epoch == epoch


def test_the_epoch_that_is_asked_for_counts_before_that_of_a_commit() -> None:
    assert Config(commit_epoch=1500000000).epoch == 1500000000
    assert Config(commit_epoch=1500000000, sde=1400000000).epoch == 1400000000


@pytest.mark.parametrize(
    "values",
    [
        {"requirement": Path("a"), "source": Path("b")},
        {"source": Path("a"), "directory": Path("b")},
        {"requirement": Path("a"), "project": Path("b")},
        {"locked": True, "relock": True},
        {"quiet": True, "verbose": True},
    ],
)
def test_a_contradiction_is_refused_and_names_both(values: dict[str, Any]) -> None:
    with pytest.raises(AsamanError) as caught:
        Config(**values)
    assert caught.value.what == " and ".join(values)


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(AsamanError) as caught:
        Config(jobs=0, sde=1, quiet=True, verbose=True)
    assert sum(line.startswith("error: ") for line in caught.value.lines()) == 3


def test_index_options_and_limits_follow_the_fields() -> None:
    config = Config(
        index_url="https://index.example/simple",
        extra_index_url=("https://other.example",),
        find_links=("links",),
        no_index=True,
        trusted_host=("localhost",),
        offline=True,
        environment=(("HTTPS_PROXY", "x"),),
        timeout=1,
        silence_timeout=2,
        max_log=3,
        max_memory=4,
        max_processes=5,
        max_disk=6,
    )
    assert config.index == IndexOptions(
        index_url="https://index.example/simple",
        extra_index_urls=("https://other.example",),
        find_links=("links",),
        no_index=True,
        trusted_hosts=("localhost",),
        offline=True,
        environment=(("HTTPS_PROXY", "x"),),
    )
    limits = Limits(time=1, silence=2, log=3, memory=4, processes=5, disk=6)
    assert config.limits == limits
