"""Build backends that build themselves, as sdists and as published wheels: sound and poisoned."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .projects import make_sdist, make_wheel, wheel_of_installed

if TYPE_CHECKING:
    from pathlib import Path

    from amrasaman_nox.model import Report

    from .index import LocalIndex

#: When the backends were uploaded, and when their former releases were: before all pins.
NEW, OLD = datetime(2023, 6, 1, tzinfo=UTC), datetime(2023, 1, 1, tzinfo=UTC)
#: A day on which only the former releases were there.
BEFORE = "2023-03-01"
#: What a poisoned backend puts into what it builds.
POISON = "# This line is in no source."

#: A backend in one module. What it does to the text of each module is up to ``changed``.
_BACKEND = """
import base64
import hashlib
import pathlib
import zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    lines = pathlib.Path("PKG-INFO").read_text().splitlines()
    facts = dict(line.split(": ", 1) for line in lines if ": " in line)
    stem = facts["Name"].replace("-", "_") + "-" + facts["Version"]
    members = {
        path.name: changed(path.name, path.read_text()) for path in pathlib.Path().glob("*.py")
    }
    info = stem + ".dist-info/"
    members[info + "METADATA"] = "\\n".join(lines) + "\\n"
    members[info + "WHEEL"] = (
        "Wheel-Version: 1.0\\nGenerator: NAME\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    )
    rows = [row(name, text) for name, text in members.items()] + [info + "RECORD,,"]
    members[info + "RECORD"] = "\\n".join(rows) + "\\n"
    filename = stem + "-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, filename), "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return filename


def row(name, text):
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(text.encode())}"


"""
_SOUND = """def changed(name, text):
    return text
"""
#: Puts a line into all it builds, and itself in the place of its own source.
_POISONS_ITSELF = f"""def changed(name, text):
    if name == "NAME.py":
        return pathlib.Path(__file__).read_text()
    return text + "{POISON}\\n"
"""
_POISONS_OTHERS = f"""def changed(name, text):
    return text if name == "NAME.py" else text + "{POISON}\\n"
"""
#: Counts how often it was built by itself.
_COUNTS = """COUNT = 0


def changed(name, text):
    return text.replace("COUNT = " + "0", f"COUNT = {COUNT + 1}") if name == "NAME.py" else text
"""
BEHAVIOURS = {
    "sound": _SOUND,
    "poisons itself": _POISONS_ITSELF,
    "poisons others": _POISONS_OTHERS,
    "counts": _COUNTS,
}


def backend(name: str, behaviour: str = "sound") -> str:
    """Return the module of a backend."""
    return (_BACKEND + BEHAVIOURS[behaviour]).replace("NAME", name)


def add_backend(
    index: LocalIndex,
    name: str = "minibuild",
    *,
    version: str = "2.0",
    source: str = "sound",
    wheel: str | None = None,
    requires: tuple[str, ...] | None = None,
    uploaded: datetime = NEW,
    sdist: bool = True,
) -> None:
    """Add a backend that is built with itself, or with what it *requires*.

    :param source: how what is in the sdist behaves
    :param wheel: how what is in the published wheel behaves, if that is another thing
    """
    module = backend(name, wheel or source)
    file = f"{name}-{version}-py3-none-any.whl"
    index.add(make_wheel(name, version, {f"{name}.py": module}), file, uploaded=uploaded)
    if sdist:
        needs = (name,) if requires is None else requires
        data = make_sdist(
            name,
            version,
            {f"{name}.py": backend(name, source)},
            requires=needs,
            backend=next(iter(needs)).partition(">")[0] if needs else name,
            backend_path="" if needs else ".",
        )
        index.add(data, f"{name}-{version}.tar.gz", uploaded=uploaded)


def add_flit(index: LocalIndex) -> None:
    """Add the installed flit-core as a wheel, and as an sdist that builds itself."""
    wheel, data = wheel_of_installed("flit_core")
    index.add(data, wheel, uploaded=OLD)
    distribution = importlib.metadata.distribution("flit_core")
    files = {
        str(path): distribution.locate_file(path).read_bytes()  # type: ignore[attr-defined]
        for path in distribution.files or ()
        if path.parts[0] == "flit_core" and path.suffix != ".pyc"
    }
    sdist = make_sdist("flit_core", distribution.version, files, requires=(), backend_path=".")
    index.add(sdist, f"flit_core-{distribution.version}.tar.gz", uploaded=OLD)


def add_pin(
    index: LocalIndex, name: str, *requires: str, backend: str = "minibuild", version: str = "1.0"
) -> str:
    """Add an sdist that is built with a backend; return its pin."""
    sdist = make_sdist(name, version, requires=requires or (backend,), backend=backend)
    file = index.add(sdist, f"{name}-{version}.tar.gz")
    return f"{name}=={version} --hash={file.digest}"


def add_broken(index: LocalIndex, name: str = "broken") -> None:
    """Add a backend whose published wheel is sound, and which cannot be built from its sdist."""
    add_backend(index, name, requires=())
    data = make_sdist(
        name, "2.0", {f"{name}.py": "1 / 0\n"}, requires=(), backend=name, backend_path="."
    )
    index.add(data, f"{name}-2.0.tar.gz", uploaded=NEW)


def written(folder: Path) -> set[str]:
    """Return what a run leaves in *folder* beside its input and its cache."""
    return {path.name for path in folder.iterdir()} - {"requirements.txt", "cache"}


def stages(report: Report) -> list[tuple[int, int | None]]:
    """Return for each stage how many were built, and how many are as in the stage before."""
    (told,) = report.build.bootstraps
    return [(stage.count, stage.same) for stage in told.stages]
