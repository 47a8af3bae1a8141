"""A build backend of one page; each miniature project has it beside its step.py.

step.py has ``members(folder)``, which returns names and bytes (or texts) of what goes into the
wheel. It may have ``write(archive, members)`` to write the archive in a way of its own.
"""

import base64
import hashlib
import os
import pathlib
import sysconfig
import time
import tomllib
import zipfile


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    import step

    here = pathlib.Path.cwd()
    project = tomllib.loads((here / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    compiled = any(path.suffix in (".c", ".rs") for path in here.iterdir())
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    tag = f"py3-none-{platform}" if compiled else "py3-none-any"
    members = {}
    for path, content in step.members(here).items():
        members[path] = content.encode() if isinstance(content, str) else content
    info = f"{name}-{version}.dist-info"
    members[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n".encode()
    )
    members[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: miniature\n"
        f"Root-Is-Purelib: {str(not compiled).lower()}\nTag: {tag}\n".encode()
    )
    members[f"{info}/RECORD"] = record(members, info)
    filename = f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, filename), "w") as archive:
        getattr(step, "write", write)(archive, members)
    return filename


def record(members, info):
    rows = []
    for path, content in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(content)}\n")
    return "".join([*rows, f"{info}/RECORD,,\n"]).encode()


def write(archive, members):
    for path, content in members.items():
        archive.writestr(zipfile.ZipInfo(path, (2020, 2, 2, 0, 0, 0)), content)


def now():
    """Return the moment of the build, as a project does that knows no SOURCE_DATE_EPOCH."""
    return time.time()
