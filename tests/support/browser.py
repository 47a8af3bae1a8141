"""A browser without a window, and a page that measures another one in it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",
]


def browser(folder: Path, url: Path, *flags: str) -> str:
    """Return what the browser prints about the page at *url*."""
    assert BROWSER is not None
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [BROWSER, *FLAGS, profile, *flags, url.as_uri()]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8", "replace")


def found_by(folder: Path, page: str, *flags: str) -> Any:
    """Return what the script of *page* puts as JSON into its element ``found``."""
    (folder / "frame.html").write_text(page, encoding="utf-8")
    budget = ("--window-size=1500,1200", "--virtual-time-budget=5000", "--dump-dom")
    dom = browser(folder, folder / "frame.html", *budget, *flags)
    match = re.search(r'<pre id="found">(.+?)</pre>', dom, re.DOTALL)
    assert match, dom[:2000]
    return json.loads(html.unescape(match[1]))
