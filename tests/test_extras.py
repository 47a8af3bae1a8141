"""Libraries that only an extra installs."""

from __future__ import annotations

import pytest

from amrasaman_nox import extras
from amrasaman_nox.errors import AsamanError, ExitCode


def test_what_is_installed_is_no_error() -> None:
    extras.check("this", "none", "json", "packaging.version")


@pytest.mark.parametrize(("project", "named"), [("", "no_such"), ("no-such", "no-such")])
def test_what_is_missing_is_named_with_the_extra_that_installs_it(project: str, named: str) -> None:
    with pytest.raises(AsamanError) as caught:
        extras.check("this", "more", "json", "no_such.module", project=project)
    error = caught.value
    assert (str(error), error.code) == (f"this: {named} is not installed", ExitCode.NOT_AVAILABLE)
    assert error.hint == "install it: pip install 'amrasaman-nox[more]'"
