"""Libraries that only an extra of this project installs."""

from __future__ import annotations

import importlib

from amrasaman_nox.errors import AsamanError, ExitCode


def check(what: str, extra: str, *modules: str, project: str = "") -> None:
    """Check that *modules* can be imported, and import them.

    :param what: what needs them, for the message
    :param extra: the extra that installs them
    :param project: what the message calls them; by default the name of what is missing
    :raises AsamanError: one cannot (exit 4)
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise AsamanError(
                what,
                f"{project or error.name or module} is not installed",
                hint=f"install it: pip install 'amrasaman-nox[{extra}]'",
                code=ExitCode.NOT_AVAILABLE,
            ) from None
