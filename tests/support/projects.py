"""Miniature projects: sdists and wheels made in memory, the same bytes every time."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import importlib.metadata
import io
import re
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: 2024-01-01, in seconds since 1970.
MADE = 1704067200


def normalized(name: str) -> str:
    """Return *name* as it stands in file names."""
    return re.sub(r"[-_.]+", "_", name).lower()


def make_sdist(
    name: str,
    version: str,
    files: Mapping[str, bytes | str] | None = None,
    *,
    pyproject: str | None = None,
    requires: Sequence[str] = ("flit_core",),
    backend: str = "flit_core.buildapi",
    backend_path: str = "",
    dynamic: Sequence[str] = (),
    pkg_info: str | None = None,
    top: str | None = None,
) -> bytes:
    """Return a ``.tar.gz`` with a ``PKG-INFO``, a ``pyproject.toml`` and *files*.

    Without *files* there is one module named after the project. ``pyproject=""`` leaves the
    file out, as old projects do.
    """
    module = normalized(name)
    contents: dict[str, bytes | str] = {
        "PKG-INFO": pkg_info or _metadata(name, version, dynamic=dynamic),
        "pyproject.toml": pyproject
        if pyproject is not None
        else _pyproject(name, version, requires, backend, backend_path),
        **(files if files is not None else {f"{module}.py": _module(version)}),
    }
    if pyproject == "":
        del contents["pyproject.toml"]
    folder = top or f"{module}-{version}"
    return gzip.compress(_tar(folder, contents), compresslevel=6, mtime=MADE)


def make_wheel(
    name: str,
    version: str,
    files: Mapping[str, bytes | str] | None = None,
    *,
    tag: str = "py3-none-any",
    requires: Sequence[str] = (),
    requires_python: str = "",
    entry_points: str = "",
    generator: str = "miniature 1.0",
) -> bytes:
    """Return a valid wheel with *files*; without them, one module named after the project."""
    module = normalized(name)
    info = f"{module}-{version}.dist-info"
    pure = "true" if tag.endswith("-any") else "false"
    contents: dict[str, bytes | str] = {
        **(files if files is not None else {f"{module}.py": _module(version)}),
        f"{info}/METADATA": _metadata(
            name, version, requires=requires, requires_python=requires_python
        ),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: {generator}\n"
        f"Root-Is-Purelib: {pure}\n" + "".join(f"Tag: {one}\n" for one in _expanded(tag)),
    }
    if entry_points:
        contents[f"{info}/entry_points.txt"] = entry_points
    return zip_wheel(contents, info)


def zip_wheel(contents: Mapping[str, bytes | str], info: str) -> bytes:
    """Return *contents* as a wheel, with a RECORD in the folder *info*."""
    rows = []
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in contents.items():
            data = _bytes(content)
            rows.append(f"{path},sha256={_record_hash(data)},{len(data)}\n")
            archive.writestr(_zip_info(path), data)
        rows.append(f"{info}/RECORD,,\n")
        archive.writestr(_zip_info(f"{info}/RECORD"), "".join(rows))
    return buffer.getvalue()


@functools.cache
def wheel_of_installed(name: str) -> tuple[str, bytes]:
    """Return file name and bytes of a wheel made from an installed distribution.

    So that an offline index can serve real build backends.
    """
    distribution = importlib.metadata.distribution(name)
    wheel = distribution.read_text("WHEEL") or ""
    tags = re.findall(r"(?m)^Tag: (\S+)$", wheel)
    stem = f"{normalized(distribution.metadata['Name'])}-{distribution.version}"
    generated = {point.name for point in distribution.entry_points}
    contents: dict[str, bytes | str] = {}
    for path in distribution.files or ():
        parts = path.parts
        if parts[-2:-1] == ("bin",) and parts[-1] not in generated:
            data = distribution.locate_file(path).read_bytes()  # type: ignore[attr-defined]
            contents[f"{stem}.data/scripts/{parts[-1]}"] = data
        # Some installers list compiled files by paths at which they are not.
        if ".." in parts or "__pycache__" in parts or path.suffix == ".pyc":
            continue
        in_info = parts[0].endswith(".dist-info")
        if in_info and parts[-1] in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}:
            continue
        data = distribution.locate_file(path).read_bytes()  # type: ignore[attr-defined]
        contents[f"{stem}.dist-info/{'/'.join(parts[1:])}" if in_info else str(path)] = data
    ordered = dict(sorted(contents.items(), key=lambda item: (".dist-info/" in item[0], item[0])))
    return f"{stem}-{_compressed(tags)}.whl", zip_wheel(ordered, f"{stem}.dist-info")


def closure_of_installed(*names: str) -> tuple[tuple[str, bytes], ...]:
    """Return wheels of installed distributions and all that they require, by file name."""
    from packaging.requirements import Requirement

    todo, seen = list(names), {}
    while todo:
        name = todo.pop()
        if normalized(name) in seen:
            continue
        seen[normalized(name)] = wheel_of_installed(name)
        for line in importlib.metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(requirement.name)
    return tuple(sorted(seen.values()))


def _metadata(
    name: str,
    version: str,
    *,
    requires: Sequence[str] = (),
    requires_python: str = "",
    dynamic: Sequence[str] = (),
) -> str:
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    lines += [f"Dynamic: {field}" for field in dynamic]
    return "\n".join([*lines, ""])


def _pyproject(
    name: str, version: str, requires: Sequence[str], backend: str, backend_path: str
) -> str:
    listed = ", ".join(f'"{requirement}"' for requirement in requires)
    path = f'backend-path = ["{backend_path}"]\n' if backend_path else ""
    return (
        f'[build-system]\nrequires = [{listed}]\nbuild-backend = "{backend}"\n{path}'
        f'\n[project]\nname = "{name}"\nversion = "{version}"\ndescription = "A miniature"\n'
    )


def _module(version: str) -> str:
    return f'"""A miniature."""\n\n__version__ = "{version}"\n'


def _tar(folder: str, contents: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, content in sorted(contents.items()):
            data = _bytes(content)
            member = tarfile.TarInfo(f"{folder}/{path}")
            member.size = len(data)
            member.mtime = MADE
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _zip_info(path: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0))
    info.external_attr = 0o100644 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _expanded(tag: str) -> list[str]:
    pythons, abis, platforms = tag.split("-")
    return [
        f"{python}-{abi}-{platform}"
        for python in pythons.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
    ]


def _compressed(tags: Sequence[str]) -> str:
    columns = zip(*(tag.split("-") for tag in tags), strict=True)
    return "-".join(".".join(dict.fromkeys(column)) for column in columns)


def _bytes(content: bytes | str) -> bytes:
    return content if isinstance(content, bytes) else content.encode()
