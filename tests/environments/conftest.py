from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from amrasaman_nox.errors import AsamanError
from amrasaman_nox.sandbox.ladder import choose

from .making import Maker

if TYPE_CHECKING:
    from amrasaman_nox.model import Interpreter
    from amrasaman_nox.sources.store import Store


@pytest.fixture(params=["full", "namespaces", "none"])
def maker(request: pytest.FixtureRequest, store: Store, interpreter: Interpreter) -> Maker:
    try:
        isolation = choose(request.param)
    except AsamanError as error:
        pytest.skip(str(error))
    return Maker(store, isolation, interpreter)
