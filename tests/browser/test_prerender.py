"""Pages that the browser itself draws ahead, in a Chromium without a driver: drivers lose sight of such pages."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.conftest import FLAGS
from tests.browser.site import Counted
from tests.browser.web import Web

pytestmark = [pytest.mark.browser, pytest.mark.services]

WAIT = 4000  # ms until the first page moves on; the next is drawn long before
FIRST = """<script type="speculationrules">
    {"prerender": [{"urls": ["/next", "/never"], "eagerness": "immediate"}]}</script>
    <script>setTimeout(() => location.href = '/next', %d)</script>"""
# What the page itself knows of how it came about, said while nobody sees it yet.
NEXT = """<script>window.throughline = {q: [], track() { this.q.push(arguments) }};
    throughline.track('drawn', {ahead: document.prerendering})</script>"""


def test_a_page_drawn_ahead_counts_when_it_is_shown_and_not_if_it_never_is(
    web: Web, site: Counted, tmp_path: Path
) -> None:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on the PATH (Debian: apt-get install chromium)")
    web.page("/next", head=NEXT, script="data-background")
    web.page("/never", head=NEXT, script="data-background")
    address = web.page("/", head=FIRST % WAIT)
    command = [path, "--headless=new", *FLAGS, f"--user-data-dir={tmp_path}", address]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        events = site.wait("pageview", "pageview", "drawn")
    finally:
        browser.terminate()
        browser.wait(30)
    assert {event["page"] for event in events} == {"/", "/next"}
    assert [event["data"] for event in events if event["type"] == "drawn"] == [{"ahead": True}]
    first, second = sorted(event["at"] for event in web.gate.events if event["type"] == "pageview")
    assert second - first >= WAIT - 1000, "not when it was drawn"
