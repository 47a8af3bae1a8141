"""Failures as annotations of a GitHub Actions run: its page shows them at the line of the pin.

The form is that of GitHub's workflow commands, ``::error title=…,file=…,line=…::message``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from amrasaman_nox.errors import printable
from amrasaman_nox.reports.wording import verdict_line
from amrasaman_nox.verification.acceptance import is_accepted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from amrasaman_nox.errors import AsamanError, Origin
    from amrasaman_nox.model import Report

_LONGEST: Final = 2_000


def of_report(report: Report) -> Iterator[str]:
    """Yield a line for each verdict that is not accepted, and for each build that failed."""
    for one in report.comparisons:
        if not is_accepted(one, report.allowed):
            yield _line(f"{one.name} {one.version}: {one.verdict}", verdict_line(one))
    for failure in report.build.failures:
        yield _line(
            f"{failure.name} {failure.version}: failed",
            _with_hint(f"{failure.stage}: {failure.reason}", failure.hint),
            failure.origin,
        )


def of_error(error: AsamanError) -> Iterator[str]:
    """Yield a line for *error*, and for each that it comes with."""
    yield _line(error.what, _with_hint(error.why, error.hint), error.origin)
    for other in error.others:
        yield from of_error(other)


def _with_hint(text: str, hint: str) -> str:
    return f"{text} (hint: {hint})" if hint else text


def _line(title: str, message: str, origin: Origin | None = None) -> str:
    properties = {"title": title}
    if origin is not None:
        properties["file"] = origin.path
        if origin.line is not None:
            properties["line"] = str(origin.line)
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {written}::{_data(message)}"


def _data(text: str) -> str:
    cut = printable(text)[:_LONGEST]
    return cut.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
