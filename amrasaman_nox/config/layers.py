"""Where a configuration comes from: options, index variables, the noxfile, ``pyproject.toml``.

The order is options > index variables > ``register(Config(...))`` > ``[tool.amrasaman]`` >
defaults. Only the variables named here are read from the environment, once, into an explicit
mapping; what is not named here has no influence.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from amrasaman_nox.config import inputs, options, places, reports
from amrasaman_nox.config.config import COMMAND_KEY, EXCLUSIVE, Config
from amrasaman_nox.config.packages import Package
from amrasaman_nox.config.variables import (
    PASSPHRASE,
    access_variables,
    default_cache,
    in_ci,
    index_values,
)
from amrasaman_nox.errors import AsamanError, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
#: What settings say of the project that they are beside, and of no other one.
_OF_ONE_PROJECT: Final = (*inputs.FIELDS, "output", "lock", "dist", "against", "policy", "vsa")
# What pip expands in a requirements file.
_EXPANDABLE = re.compile(r"[A-Z0-9_]+")


def load(
    given: Mapping[str, Any],
    *,
    registered: Config | None = None,
    folder: Path,
    invoked_from: Path,
    environ: Mapping[str, str],
    defaults: Mapping[str, Any] | None = None,
    project: Path | None = None,
    here: Path | None = None,
) -> Config:
    """Return the configuration of a run; all its paths are absolute.

    :param given: the fields that options set, and ``file`` for one named without an option;
        their paths count from *invoked_from*
    :param registered: what the noxfile says; its paths count from *folder*
    :param folder: the one with the settings: its ``pyproject.toml`` counts
    :param environ: the variables of the process
    :param defaults: of this command, where nothing says otherwise; paths count from *project*
    :param project: the folder of the project, if that is not *folder*: then inputs and results
        that the settings name are those of another project, and do not count
    :param here: where wheels are put by default if *given* names an input; *folder* if ``None``
    :raises AsamanError: a file or a variable that cannot be understood, values out of range,
        contradictions
    """
    settings = _anchored(_file_values(folder / places.NAME), folder)
    if project not in (None, folder):
        settings = {name: each for name, each in settings.items() if name not in _OF_ONE_PROJECT}
    layers = (
        settings,
        _anchored(registered.given() if registered is not None else {}, folder),
        _anchored(index_values(environ), invoked_from),
        _anchored(inputs.with_file(given, invoked_from), invoked_from),
    )
    base = (here or folder) if _names_input(given) else (project or folder)
    values = {"output": base / "wheels", **_anchored(defaults or {}, project or folder)}
    for layer in layers:
        for group in EXCLUSIVE:
            if any(layer.get(name) for name in group):
                values = {name: value for name, value in values.items() if name not in group}
        # What is said of single projects is added to, project by project.
        dates = (*values.get("as_of_packages", ()), *layer.get("as_of_packages", ()))
        values |= layer
        if dates:
            values["as_of_packages"] = tuple(dict(dates).items())
    return Config(**_completed(values, environ))


def _names_input(given: Mapping[str, Any]) -> bool:
    return not given.keys().isdisjoint((*inputs.FIELDS, "file", "folders", "wheel"))


def with_project(config: Config, folder: Path) -> Config | None:
    """Return *config* with an input: its own, else the project in *folder*; ``None`` if none."""
    from dataclasses import replace

    if any(getattr(config, name) for name in inputs.FIELDS):
        return config
    if pins_to_check(config) is not None:
        return config
    if (folder / "pyproject.toml").is_file():
        return replace(config, project=folder)
    return None


def without_pins(config: Config, folder: Path) -> Config:
    """Return *config* for the project in *folder* alone, whatever input it has.

    The lock of other inputs is none of the project's.
    """
    from dataclasses import replace

    project = config.project or folder
    none: dict[str, Any] = {} if config.project else {"lock": None}
    return replace(
        config,
        **{
            **dict.fromkeys((*inputs.FIELDS, "policy")),
            "project": project,
            "against": None,
            **none,
        },
    )


def pins_to_check(config: Config) -> Path | None:
    """Return the file of pins that wheels are compared with, ``None`` if there is none.

    A folder, a record and a wheel are compared with as such.
    """
    if not isinstance(config.against, str) or config.policy is not None:
        return None
    path = Path(config.against)
    if path.name.endswith((".whl", ".provenance.json", ".intoto.jsonl")) or not path.is_file():
        return None
    return path


def _color(environ: Mapping[str, str]) -> str:
    """Return what variables say of colours: no-color.org, then force-color.org."""
    if environ.get("NO_COLOR"):
        return "never"
    if environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return "always"
    # A dumb terminal shows escapes as they are.
    return "never" if environ.get("TERM") == "dumb" else "auto"


def _completed(values: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    if values.get("cache_dir") is None:
        values["cache_dir"] = default_cache()
    if "environment" not in values:
        values["environment"] = access_variables(environ)
    values["expandable"] = tuple(
        (name, value) for name, value in sorted(environ.items()) if _EXPANDABLE.fullmatch(name)
    )
    values["in_ci"] = in_ci(environ)
    values.setdefault("passphrase", environ.get(PASSPHRASE) or None)
    if values.get("color", "auto") == "auto":
        values["color"] = _color(environ)
    published = [each.name for each in values.get("packages", ()) if each.only_binary]
    values["only_binary"] = (*values.get("only_binary", ()), *published)
    values.setdefault("annotations", environ.get("GITHUB_ACTIONS") == "true")
    if environ.get("GITHUB_STEP_SUMMARY"):
        values.setdefault("summary", environ["GITHUB_STEP_SUMMARY"])
    return values


def is_project(folder: Path) -> bool:
    """Tell whether *folder* has something to build, not only settings of tools."""
    table = places.table(folder / places.NAME)
    built = not table.keys().isdisjoint(("project", "build-system"))
    return built or (folder / "setup.py").is_file()


def _file_values(path: Path) -> dict[str, Any]:
    tool = places.table(path).get("tool", {})
    ours = tool.get("amrasaman", {}) if isinstance(tool, dict) else {}
    if not isinstance(ours, dict):
        raise AsamanError(f"{path}: tool.amrasaman", "a table is required")
    values = options.from_toml(ours, str(path))
    try:
        Config(**values)  # What is out of range is said with the name of this file.
    except AsamanError as error:
        error.origin = Origin(path=str(path))
        raise
    return values


# --- paths -----------------------------------------------------------------------------------


def _absolute(value: Any, base: Path) -> Any:
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    # Config refuses what is not a path, with a better message.
    return Path(os.path.abspath(base / text)) if text and "\0" not in text else value  # noqa: PTH100


def _path_text(value: Any, base: Path) -> Any:
    return str(_absolute(value, base)) if isinstance(value, str | os.PathLike) and value else value


def _unless(*words: str) -> Callable[[Any, Path], Any]:
    return lambda value, base: value if value in words else _path_text(value, base)


def _key(value: Any, base: Path) -> Any:
    is_command = isinstance(value, str) and value.startswith(COMMAND_KEY)
    return value if is_command else _path_text(value, base)


def _links(value: Any, base: Path) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return tuple(
        each if not each or re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", each) else _path_text(each, base)
        for each in value
    )


def _against(value: Any, base: Path) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_against(each, base) for each in value)
    is_path = value != "published" and not re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", str(value))
    return _path_text(value, base) if is_path else value


def _folders(value: Any, base: Path) -> Any:
    return tuple(_absolute(each, base) for each in value) if isinstance(value, tuple) else value


def _one_or_more(value: Any, base: Path) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_absolute(each, base) for each in value)
    return _absolute(value, base)


def _interpreters(value: Any, base: Path) -> Any:
    if not isinstance(value, list | tuple):
        return value
    # A name without a slash is a version, or is looked for on the PATH.
    return tuple(_path_text(each, base) if os.sep in each else each for each in value)


def _packages(value: Any, base: Path) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return tuple(each.within(base) if isinstance(each, Package) else each for each in value)


_ANCHORS: Final[dict[str, Callable[[Any, Path], Any]]] = {
    **dict.fromkeys(inputs.FIELDS, _one_or_more),
    **dict.fromkeys(
        (
            *("output", "verified", "lock", "cache_dir", "wheel", "sources", "dist", "site"),
            *("sbom", "before", "verdicts"),
        ),
        _absolute,
    ),
    **dict.fromkeys(("summary", "policy", "vsa", *reports.TO_FILE), _absolute),
    **dict.fromkeys(reports.TO_STDOUT, _unless("-")),
    "against": _against,
    "key": _key,
    "find_links": _links,
    "folders": _folders,
    "records": _folders,
    "reports": _folders,
    "python": _interpreters,
    "packages": _packages,
}


def _anchored(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    return {
        name: _ANCHORS[name](value, base) if name in _ANCHORS and value is not None else value
        for name, value in values.items()
    }


# --- variables -------------------------------------------------------------------------------
