"""The keygen command: a new key that signs records, and its public half."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from amrasaman_nox import system
from amrasaman_nox.agreement import keys
from amrasaman_nox.config.config import COMMAND_KEY
from amrasaman_nox.config.variables import PASSPHRASE
from amrasaman_nox.errors import AsamanError, ExitCode, system_reason
from amrasaman_nox.model import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrasaman_nox.config.config import Config
    from amrasaman_nox.model import Event

_DEFAULT: Final = "rebuilder.pem"


def keygen(config: Config, *, notify: Callable[[Event], None] | None = None) -> Report:
    """Make a new Ed25519 key in the file that *config* names, and its public half beside it.

    The private key has mode 0600; with a passphrase it is encrypted. Nothing is replaced.

    :param notify: not used: nothing here takes long
    :raises AsamanError: one of the files exists (exit 2), or cannot be written (exit 5); a library
        for signatures is missing (exit 4)
    """
    name = config.key or _DEFAULT
    if name.startswith(COMMAND_KEY):
        raise AsamanError(f"key {name}", "keygen makes files; that key is the command's own")
    private = Path(name)
    public = private.with_suffix(".pub")
    if private == public:
        raise AsamanError(str(private), "the public key would have the same name")
    pem = keys.new_private_key(config.passphrase)
    taken = [path for path in (private, public) if os.path.lexists(path)]
    if taken:
        raise AsamanError(str(taken[0]), "it exists, and a key is never replaced")
    _write(private, pem, 0o600)
    key = keys.signing_key(name, config.passphrase).public_key
    _write(public, keys.public_pem(key).encode(), 0o644)
    return Report(command="keygen", notes=_advice(private, public, config.passphrase is not None))


def _advice(private: Path, public: Path, encrypted: bool) -> tuple[str, ...]:
    shown = shlex.quote(str(private))
    locked = (
        f"encrypted; asaman reads the passphrase from {PASSPHRASE}"
        if encrypted
        else f"not encrypted; for that, set {PASSPHRASE} when you make a key"
    )
    return (
        f"{private} is the private key ({locked}): keep it on the machine that signs, with a "
        "backup offline, and never in a repository",
        f"{public} is the public key: give it to those who write a policy, over a way by which "
        "they know that it is yours",
        f"sign with: asaman sign DIRECTORY --key {shown}",
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a new file with *mode*, whatever the umask is."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(number, "wb") as file:
            system.set_mode(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise AsamanError(str(path), "it exists, and a key is never replaced") from None
    except OSError as error:
        raise AsamanError(str(path), system_reason(error), code=ExitCode.INPUT_OUTPUT) from None
