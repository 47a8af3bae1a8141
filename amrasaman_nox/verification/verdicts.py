"""What ``verify`` came to with a wheel, from its JSON reports, to be kept beside the wheel."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from amrasaman_nox import strict_json
from amrasaman_nox.errors import AsamanError
from amrasaman_nox.files import read_regular
from amrasaman_nox.model import Digest, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from amrasaman_nox.strict_json import Value

#: The largest report that is read, in bytes.
_LARGEST: Final = 256 << 20
#: The version of the JSON report, and of the files beside wheels.
_SCHEMA: Final = 1
#: The verdicts, the one that says most against a wheel first.
_WORST_FIRST: Final = (
    Verdict.DIFFERENT,
    Verdict.FAILED,
    Verdict.UNCHECKED,
    Verdict.EQUIVALENT,
    Verdict.IDENTICAL,
)


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Found:
    """What ``verify`` came to with the bytes of a wheel.

    ``against`` says what they were compared with: ``rebuild``, ``published``, or the last part of a
    path. ``varied`` are the variations that the build saw, ``proof`` is set where the published
    sha256 was reproduced, ``reason`` says why the verdict is not better.
    """

    against: str
    verdict: Verdict
    varied: tuple[str, ...] = ()
    proof: str = ""
    reason: str = ""


#: What reports say, by file name and digest of a wheel.
Reports = dict[tuple[str, Digest], tuple[Found, ...]]
#: What follows the name of a wheel in that of the file beside it.
SUFFIX: Final = ".verdicts.json"


def beside(wheel: Path) -> Path:
    """Return the path of what is kept beside *wheel*."""
    return wheel.with_name(f"{wheel.name}{SUFFIX}")


def worst(found: Iterable[Found]) -> Verdict:
    """Return the verdict that says most against a wheel, ``unchecked`` where there is none."""
    return worst_of(each.verdict for each in found)


def worst_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the one of *verdicts* that says most against a wheel, ``unchecked`` for none."""
    return min(verdicts, key=_WORST_FIRST.index, default=Verdict.UNCHECKED)


def read_reports(paths: Iterable[Path]) -> Reports:
    """Return what the JSON reports of ``verify`` at *paths* say, by file name and digest.

    A later report replaces what an earlier one says of the same comparison.

    :raises AsamanError: a file cannot be read, or is no such report (exit 2)
    """
    found: dict[tuple[str, Digest], dict[str, Found]] = {}
    for path in paths:
        content = read_regular(path, _LARGEST, f"report {path}")
        try:
            for wheel, one in _comparisons(strict_json.parse(content)):
                found.setdefault(wheel, {})[one.against] = one
        except strict_json.Malformed as malformed:
            hint = "write one with: asaman verify --json FILE"
            raise AsamanError(f"report {path}", f"malformed: {malformed}", hint=hint) from None
    return {wheel: _sorted(of_wheel.values()) for wheel, of_wheel in found.items()}


def render(digest: Digest, found: Iterable[Found]) -> str:
    """Return the text of the file beside the wheel with *digest*."""
    rows = [asdict(each) for each in _sorted(found)]
    content = {"schema": _SCHEMA, "wheel": str(digest), "comparisons": rows}
    return json.dumps(content, indent=1) + "\n"


def read_beside(path: Path, digest: Digest) -> tuple[Found, ...]:
    """Return what :func:`render` wrote for the wheel with *digest* at *path*.

    It is nothing where there is no such file, or where it is of other bytes.

    :raises AsamanError: it cannot be read, or is no such file (exit 2)
    """
    if not path.exists():
        return ()
    try:
        document = strict_json.parse(read_regular(path, _LARGEST, f"report {path}"))
        if document["wheel"].text() != str(digest):
            return ()
        return _sorted(_found(each) for each in document["comparisons"].items())
    except strict_json.Malformed as malformed:
        raise AsamanError(str(path), f"malformed: {malformed}") from None


def merged(former: Iterable[Found], later: Iterable[Found]) -> tuple[Found, ...]:
    """Return both; of what was compared with the same, the *later*."""
    return _sorted({each.against: each for each in (*former, *later)}.values())


def _sorted(found: Iterable[Found]) -> tuple[Found, ...]:
    return tuple(sorted(found))


def _comparisons(document: Value) -> Iterable[tuple[tuple[str, Digest], Found]]:
    if document["schema"].whole() != _SCHEMA:
        raise document["schema"].malformed(f"{_SCHEMA} is required")
    for one in document["comparisons"].items():
        ours = one.get("ours")
        if ours is not None:
            yield (one["wheel"].text(), _digest(ours)), _found(one)


def _found(one: Value) -> Found:
    verdict = one["verdict"]
    if verdict.text() not in set(Verdict):
        raise verdict.malformed("not a verdict")
    return Found(
        against=_against(one["against"].text()),
        verdict=Verdict(verdict.text()),
        varied=one["varied"].texts(),
        proof=one["proof"].text(),
        reason=one["reason"].text(),
    )


def _against(text: str) -> str:
    """Return *text* without the folders of this machine in front of a path."""
    return PurePath(text).name or text


def _digest(value: Value) -> Digest:
    try:
        return Digest.parse(value.text())
    except AsamanError as error:
        raise value.malformed(str(error)) from None
