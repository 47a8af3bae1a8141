"""Rebuilders with keys and folders of their own, whose wheels are a few bytes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amrasaman_nox import records
from amrasaman_nox.agreement import envelopes, keygen, keys, signing
from amrasaman_nox.config.config import Config
from amrasaman_nox.model import BuildRecord, Digest, Pin, Source, Wheel
from amrasaman_nox.record_files import beside

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.agreement.keys import SigningKey


def record(name: str = "six", content: bytes = b"wheel", **changes: Any) -> BuildRecord:
    """Return the record of a wheel of *content*, whose content digest begins with its first line.

    :param changes: fields of the record that are others
    """
    digest = Digest.of(b"sdist")
    pin = Pin(name=name, version="1.0", digests=(digest,))
    own = BuildRecord(
        name=name,
        version="1.0",
        wheel=Wheel(
            filename=f"{name}-1.0-py3-none-any.whl",
            digest=Digest.of(content),
            content_digest=Digest.of(content.split(b"\n")[0]),
            size=len(content),
        ),
        source=Source(pin=pin, filename=f"{name}-1.0.tar.gz", digest=digest),
        key="k",
    )
    return dataclasses.replace(own, **changes)


def put(folder: Path, own: BuildRecord, content: bytes = b"wheel") -> Path:
    """Put a wheel of *content* and its record into *folder*; return the path of the wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / own.wheel.filename
    wheel.write_bytes(content)
    beside(wheel).write_text(records.render(own))
    return wheel


@dataclass(frozen=True)
class Rebuilder:
    """A rebuilder: a name, a folder of wheels, and a key in a file."""

    name: str
    folder: Path
    pem: Path

    @property
    def key(self) -> SigningKey:
        return keys.signing_key(str(self.pem))

    @property
    def public(self) -> Path:
        return self.pem.with_suffix(".pub")

    def has(self, content: bytes = b"wheel", name: str = "six", **changes: Any) -> Path:
        """Put a wheel into the folder, with a record that has *changes*; return its path."""
        return put(self.folder, record(name, content, **changes), content)

    def sign(self) -> None:
        """Sign all that is in the folder."""
        signing.sign(Config(output=self.folder, key=str(self.pem)))

    def signs(self, content: bytes = b"wheel", name: str = "six", **changes: Any) -> Path:
        """Put a wheel into the folder and sign it; return the path of its envelopes."""
        wheel = self.has(content, name, **changes)
        self.sign()
        return envelopes.beside(wheel)


def rebuilder(folder: Path, name: str) -> Rebuilder:
    """Return a new rebuilder, whose folder is in *folder*."""
    pem = folder / f"{name}.pem"
    keygen.keygen(Config(key=str(pem)))
    return Rebuilder(name, folder / name, pem)


def policy_text(*rebuilders: Rebuilder, threshold: int = 2, more: str = "") -> str:
    """Return a policy with the keys of *rebuilders*, each a group of its own."""
    tables = (
        f'[[rebuilders]]\nname = "{each.name}"\nkeys = ["{each.public}"]\n' for each in rebuilders
    )
    return f"version = 1\nthreshold = {threshold}\n{more}\n" + "\n".join(tables)
