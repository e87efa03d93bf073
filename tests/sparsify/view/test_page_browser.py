"""The page of a run in a real browser: nothing is fetched, nothing is wider than the screen."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path

import pytest

from sparsify.view.page import report_page
from tests.sparsify.view.runs import history, report

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((path for name in NAMES if (path := shutil.which(name))), None)
ASK = """<script>parent.document.body.setAttribute("data-seen", JSON.stringify({
  fetched: performance.getEntriesByType("resource").map(each => each.name),
  sideways: document.documentElement.scrollWidth - window.innerWidth,
  drawings: [...document.querySelectorAll("figure svg")].map(e => e.getBoundingClientRect().width),
  letters: [...document.querySelectorAll("svg .tick")].map(e => e.getBoundingClientRect().height),
  ground: getComputedStyle(document.body).backgroundColor,
}))</script>"""


@pytest.mark.skipif(BROWSER is None, reason=f"no browser on the PATH: none of {', '.join(NAMES)}")
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_browser_shows_all_of_it(tmp_path: Path, width: int, dark: bool) -> None:
    path = tmp_path / "report.html"
    page = report_page(report(), history(), "model: m\n").replace("</body>", f"{ASK}</body>")
    # a window is never as narrow as a phone, a frame is
    frame = f'<iframe style="border:0;width:{width}px;height:900px" srcdoc="{escape(page)}">'
    path.write_text(f"<!doctype html><body>{frame}</iframe>", encoding="utf-8")
    done = subprocess.run(
        [
            str(BROWSER), "--headless=new", "--no-sandbox", "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}", "--dump-dom",
            path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    told = re.search('data-seen="([^"]*)"', done.stdout)
    assert told is not None, done.stderr
    seen = json.loads(unescape(told.group(1)))
    assert seen["fetched"] == []
    assert seen["sideways"] <= 0
    assert len(seen["drawings"]) == 4
    assert all(300 <= drawn <= width for drawn in seen["drawings"])
    assert all(letter >= 9 for letter in seen["letters"])
    assert seen["ground"] == ("rgb(18, 19, 23)" if dark else "rgb(251, 251, 250)")
