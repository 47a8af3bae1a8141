"""What goes between machines: versions are read first, and the rest only if they are equal."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from amrasaman_nox.runs import message


def sent(line: object, body: bytes = b"") -> bytes:
    return json.dumps(line).encode() + b"\n" + body


def test_a_value_arrives_as_it_was_with_the_address_of_its_worker() -> None:
    value = {"bytes": b"\0\n" * 9, "number": 1}
    found = message.opened(message.pack(value, "tcp://w:1"))
    assert found.worker == "tcp://w:1"
    assert found.versions == message.versions()
    assert found.value() == value


def test_the_versions_can_be_read_without_this_package() -> None:
    line, _, body = message.pack("value").partition(b"\n")
    assert json.loads(line) == {"versions": dict(message.versions()), "worker": ""}
    assert pickle.loads(body) == "value"
    assert next(iter(message.versions()))[0] == "amrasaman-nox"


class Runs:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        ({"amrasaman-nox": "0.3.0"}, "it has amrasaman-nox 0.3.0, but "),
        ({"uv": "0.0.1"}, "it has uv 0.0.1, but "),
        ({"virtualenv": None}, "it has no virtualenv, but "),
    ],
)
def test_what_comes_from_another_version_is_not_read(
    versions: dict[str, str | None],
    reason: str,
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(str(tmp_path))
    theirs = {**dict(message.versions()), **versions}
    line = {"versions": {name: text for name, text in theirs.items() if text}, "worker": "w"}
    found = message.opened(sent(line, pickle.dumps(Runs())))
    assert found.worker == "w"
    with pytest.raises(message.NotReadError, match=f"^{reason}"):
        found.value()
    assert not Path("ran").exists()


def test_what_more_the_other_side_has_does_not_matter() -> None:
    line = {"versions": {**dict(message.versions()), "more": "1"}, "worker": "", "later": 1}
    assert message.opened(sent(line, pickle.dumps(7))).value() == 7


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "text",
        b"",
        b"{}",
        b"{}\n",
        b"[]\n",
        b"[" * 60_000 + b"\n",
        b" " * 70_000 + b"{}\n",
        b"\xff\n",
        sent({"versions": 1, "worker": ""}),
        sent({"versions": {}}),
    ],
)
def test_what_is_no_message_is_refused(broken: object) -> None:
    with pytest.raises(message.NotReadError, match="did not send a message"):
        message.opened(broken)


@pytest.mark.parametrize("body", [b"", b"\x80", pickle.dumps([1])[:-2], b"cno_such\nthing\n."])
def test_a_damaged_value_is_refused(body: bytes) -> None:
    line = {"versions": dict(message.versions()), "worker": ""}
    with pytest.raises(message.NotReadError, match="the message is damaged"):
        message.opened(sent(line, body)).value()
