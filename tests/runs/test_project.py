"""The canonical sdist of a working tree."""

from __future__ import annotations

import json

import pytest

from amrasaman_nox import records
from amrasaman_nox.errors import AsamanError


def test_the_record_of_an_sdist_has_its_own_type_and_no_source() -> None:
    from tests.test_records import record

    statement = json.loads(records.render_sdist(record()))
    definition = statement["predicate"]["buildDefinition"]
    assert definition["buildType"] == records.SDIST_TYPE
    assert [item["name"] for item in definition["resolvedDependencies"]] == ["h-1-py3-none-any.whl"]
    with pytest.raises(AsamanError, match=r"schema urn:amrasaman-nox:sdist"):
        records.parse(records.render_sdist(record()).encode(), "r")
