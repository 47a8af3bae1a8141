"""Cost as work grows: a synthetic index of miniature sources, built by the whole command.

``python -m tests.evaluation.scale --write`` measures 1 to 2,000 sources and puts the table and the
plot into docs/explanation; ``--cluster`` does so for 1, 2 and 4 workers on one machine.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import http.server
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..support.cluster import running_cluster
from ..support.projects import closure_of_installed, make_sdist
from . import counted, pages
from .counted import ROOT, Counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = ROOT / "docs/explanation/scale.md"
PLOT = ROOT / "docs/explanation/scale.svg"
CLUSTER_PAGE = ROOT / "docs/how-to/cluster.md"
SIZES = (1, 10, 29, 200, 2000)
#: What our own process may use at most, in MiB, by the number of sources.
MEMORY = {29: 150, 2000: 300}
_SIMPLE = "application/vnd.pypi.simple.v1+json"


# --- the index -------------------------------------------------------------------------------


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves answers that were made beforehand, so that the index costs next to nothing."""

    protocol_version = "HTTP/1.1"
    answers: dict[str, tuple[str, bytes]]

    def do_GET(self) -> None:
        kind, body = self.answers.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        # As long as the public index allows.
        self.send_header("Cache-Control", "max-age=600, public")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


def _metadata(wheel: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        (name,) = (
            name
            for name in archive.namelist()
            if name.count("/") == 1 and name.endswith(".dist-info/METADATA")
        )
        return archive.read(name)


def _answers(base: str, files: dict[str, bytes]) -> dict[str, tuple[str, bytes]]:
    answers, projects = {}, {}
    for filename, data in files.items():
        name = filename.partition("-")[0].replace("_", "-")
        row: dict[str, Any] = {
            "filename": filename,
            "url": f"{base}/files/{filename}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
            "upload-time": "2024-01-01T00:00:00.000000Z",
        }
        projects.setdefault(name, []).append(row)
        answers[f"/files/{filename}"] = ("application/octet-stream", data)
        if filename.endswith(".whl"):
            # Metadata stands beside a wheel (PEP 658), as on the public index.
            metadata = _metadata(data)
            row["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
            answers[f"/files/{filename}.metadata"] = ("application/octet-stream", metadata)
    for name, rows in projects.items():
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": rows, "versions": []}
        answers[f"/simple/{name}/"] = (_SIMPLE, json.dumps(page).encode())
    return answers


def _serve(folder: Path, count: int) -> None:
    """Serve *count* sources until the process is ended; the pins and the URL go into *folder*."""
    handler = type("Bound", (_Handler,), {"answers": {}})
    server = _Server(("127.0.0.1", 0), handler)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    sources = {
        f"mini_{number:04}-1.0.tar.gz": make_sdist(f"mini-{number:04}", "1.0")
        for number in range(count)
    }
    handler.answers = _answers(base, {**sources, **dict(closure_of_installed("flit_core"))})
    lines = [
        f"mini-{number:04}==1.0 --hash=sha256:{hashlib.sha256(data).hexdigest()}\n"
        for number, data in enumerate(sources.values())
    ]
    (folder / "requirements.txt").write_text("".join(lines))
    (folder / "url.part").write_text(f"{base}/simple/")
    (folder / "url.part").rename(folder / "url")
    server.serve_forever()


@contextlib.contextmanager
def served(folder: Path, count: int) -> Iterator[str]:
    """Serve an index in a process of its own; yield its URL."""
    command = [sys.executable, "-m", __spec__.name, "--serve", str(folder), str(count)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        while not (folder / "url").exists():
            if process.poll() is not None:
                raise SystemExit("the index ended before it served anything")
            time.sleep(0.05)
        yield (folder / "url").read_text()
    finally:
        process.kill()
        process.wait()


# --- one run ---------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured(Counted):
    """What a run cost, and in ``first`` the seconds to the first wheel."""

    first: float


def measure(folder: Path, url: str, *arguments: str) -> Measured:
    """Run ``asaman`` on the pins in *folder*; return what it cost."""
    output = folder / "wheels"
    command = [
        *counted.command(folder / "facts"),
        *("-r", str(folder / "requirements.txt"), "-o", str(output), "--index-url", url),
        *("--cache-dir", str(folder / "cache"), *arguments),
    ]
    former = {path: path.stat().st_mtime_ns for path in output.glob("*.whl")}
    started, first = time.perf_counter(), math.nan
    # What other runs left in the machine's own folder is none of this one's cost.
    (folder / "tmp").mkdir(exist_ok=True)
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )
    while process.poll() is None:
        if math.isnan(first) and any(path not in former for path in output.glob("*.whl")):
            first = time.perf_counter() - started
        time.sleep(0.02 if math.isnan(first) else 0.2)
    if process.returncode:
        raise SystemExit((folder / "log").read_text()[-2000:])
    return Measured(first=first, **dataclasses.asdict(counted.read(folder / "facts")))


def sizes(counts: Sequence[int]) -> dict[str, dict[int, Measured]]:
    """Measure each number of sources: from nothing, again with all present, with nothing to do."""
    found: dict[str, dict[int, Measured]] = {"cold": {}, "rebuild": {}, "nothing": {}}
    for count in counts:
        with tempfile.TemporaryDirectory() as name, served(Path(name), count) as url:
            for what, arguments in (("cold", ()), ("rebuild", ("--rebuild",)), ("nothing", ())):
                found[what][count] = measure(Path(name), url, *arguments)
                print(what, count, found[what][count], flush=True)
    return found


def workers(counts: Sequence[int], sources: int) -> dict[int, Measured]:
    """Measure a rebuild on 0 (local), 1, 2 … workers of one thread each, after a first build."""
    found = {}
    for count in counts:
        with (
            tempfile.TemporaryDirectory() as name,
            served(Path(name), sources) as url,
            running_cluster(Path(name) / "cluster") as cluster,
        ):
            for number in range(count):
                cluster.add_worker(f"worker-{number}")
            on = ("--executor", "dask", "--scheduler", cluster.address) if count else ("-j1",)
            measure(Path(name), url, *on)
            found[count] = measure(Path(name), url, *on, "--rebuild")
            print("workers", count, found[count], flush=True)
    return found


# --- what is written -------------------------------------------------------------------------


def _rows(found: dict[str, dict[int, Measured]]) -> Iterator[str]:
    yield "| sources | cold | rebuild | nothing to do | first wheel, cold |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for count, cold in found["cold"].items():
        walls = (found[what][count].wall for what in ("cold", "rebuild", "nothing"))
        cells = " | ".join(f"{wall:.1f} s" for wall in walls)
        yield f"| {count:,} | {cells} | {cold.first:.1f} s |"
    yield ""
    yield "| sources | our CPU time a source, cold | rebuild | nothing to do | sandboxed, rebuild |"
    yield "| ---: | ---: | ---: | ---: | ---: |"
    for count in found["cold"]:
        own = (found[what][count].own / count for what in ("cold", "rebuild", "nothing"))
        cells = " | ".join(f"{1000 * each:.0f} ms" for each in own)
        yield f"| {count:,} | {cells} | {1000 * found['rebuild'][count].sandboxed / count:.0f} ms |"
    yield ""
    yield "| sources | peak memory of our own process | may be |"
    yield "| ---: | ---: | ---: |"
    for count in found["cold"]:
        peak = max(each[count].memory for each in found.values())
        limit = f"{MEMORY[count]} MB" if count in MEMORY else ""
        yield f"| {count:,} | {peak * 1.048576:.0f} MB | {limit} |"


def _cluster_rows(found: dict[int, Measured]) -> Iterator[str]:
    yield "| workers | wall time | beside a local `-j1` |"
    yield "| --- | ---: | ---: |"
    local = found[0].wall
    for count, one in found.items():
        name = f"{count}" if count else "none, local `-j1`"
        yield f"| {name} | {one.wall:.1f} s | {local / one.wall:.2f} |"


_SERIES = (
    ("cold", "cold", "#b4450a"),
    ("rebuild", "rebuild all", "#0a5fb4"),
    ("nothing", "nothing to do", "#3a8a3a"),
)


def plot(found: dict[str, dict[int, Measured]]) -> str:
    """Return an SVG of wall time over the number of sources, both on logarithmic scales."""
    left, top, width, height = 70, 20, 560, 330
    walls = [one.wall for each in found.values() for one in each.values()]
    low, high = math.floor(math.log10(min(walls))), math.ceil(math.log10(max(walls)))
    most = math.log10(max(found["cold"]))

    def x(count: float) -> float:
        return left + width * math.log10(count) / most

    def y(wall: float) -> float:
        return top + height * (high - math.log10(wall)) / (high - low)

    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 410" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>Wall time over the number of sources</title>",
        '<rect width="800" height="410" fill="#fff"/>',
    ]
    for power in range(low, high + 1):
        level = y(10**power)
        lines += [
            f'<line x1="{left}" y1="{level:.1f}" x2="{left + width}" y2="{level:.1f}" '
            'stroke="#ddd"/>',
            f'<text x="{left - 8}" y="{level + 4:.1f}" text-anchor="end">{10.0**power:g} s</text>',
        ]
    lines += [
        f'<text x="{x(count):.1f}" y="{top + height + 20}" text-anchor="middle">{count:,}</text>'
        for count in found["cold"]
    ]
    lines.append(
        f'<text x="{left + width / 2}" y="{top + height + 42}" text-anchor="middle">sources</text>'
    )
    for name, label, colour in _SERIES:
        points = [(x(count), y(one.wall)) for count, one in found[name].items()]
        path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3.5" fill="{colour}"/>'
            for across, down in points
        ]
        across, down = points[-1]
        lines.append(
            f'<text x="{across + 10:.1f}" y="{down + 4:.1f}" fill="{colour}">{label}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Measure and, if it is wanted, write the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--cluster", action="store_true")
    parser.add_argument("--sources", type=int, default=100, help="with --cluster")
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    given = parser.parse_args()
    if given.cluster:
        measured = workers((0, 1, 2, 4), given.sources)
        rows, page = list(_cluster_rows(measured)), CLUSTER_PAGE
    else:
        found = sizes(given.sizes)
        rows, page = list(_rows(found)), PAGE
        if given.write:
            PLOT.write_text(plot(found))
    print("\n".join(rows))
    if given.write:
        pages.renew(page, "measured", "\n".join(rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        _serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
