"""`python -m tests.browser.screenshots docs/img`: a picture of each page of the demo shop, and its panels' times.

Starts a stack with the demo shop of its own, in a temporary folder, unless `--data` names the folder of one that runs.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab

from tests.browser.conftest import FLAGS
from tests.deploy.stack import Stack

DESK = (1280, 860)
PHONE = (390, 844)
SITE = "/sites/{site}"
FORTNIGHT = f"{SITE}?from={{start}}&to={{today}}"  # the shop's month holds the fortnight before it too
EVENTS = f"{SITE}?tab=events&step=add_to_cart&step=checkout_start&step=purchase"
# name → address, size, scheme; the whole page where the height is 0
PICTURES = {
    "dashboard": (FORTNIGHT, (1280, 0), "light"),
    "dashboard-dark": (FORTNIGHT, (1280, 0), "dark"),
    "dashboard-phone": (FORTNIGHT, PHONE, "light"),
    "dashboard-phone-dark": (FORTNIGHT, PHONE, "dark"),
    "filtered": (f"{SITE}?filter=source==google&filter=device!=Phone", DESK, "light"),
    "filtered-phone": (f"{SITE}?filter=source==google&filter=device!=Phone", PHONE, "dark"),
    "campaigns": (f"{SITE}?tab=campaigns&range=7d", DESK, "light"),
    "page": (f"{SITE}?tab=engagement&url=/shop/mugs&range=7d", DESK, "light"),
    "all-pages": (f"{SITE}?all=page", DESK, "light"),
    "sites": ("/sites", DESK, "light"),
    "sign-in": ("/login", DESK, "light"),
    "add-site": ("/sites?add", DESK, "light"),
    "revenue": (f"{SITE}?tab=revenue", DESK, "light"),
    "friction": (f"{SITE}?tab=friction", DESK, "light"),
    "friction-dark": (f"{SITE}?tab=friction", DESK, "dark"),
    "friction-phone": (f"{SITE}?tab=friction", PHONE, "light"),
    "engagement": (f"{SITE}?tab=engagement", DESK, "light"),
    "reach": (f"{SITE}?tab=reach", DESK, "light"),
    "events": (EVENTS, DESK, "light"),
    "events-phone": (EVENTS, PHONE, "light"),
    "visitors": (f"{SITE}?tab=visitors", DESK, "light"),
    "session": (f"{SITE}?tab=visitors&visitor={{visitor}}&session={{session}}", DESK, "light"),
    "settings": (f"{SITE}/settings", DESK, "light"),
    "account": ("/account", DESK, "light"),
    "settings-phone": (f"{SITE}/settings", PHONE, "dark"),
}
TABS = ("overview", "campaigns", "revenue", "friction", "engagement", "reach", "events", "visitors")
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--data", type=Path, help="folder of a running stack that has the demo shop")
    parser.add_argument("--password", help="of its account")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with demo(given.data) as stack, sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        first_run = stack.first_run
        state = sign_in(browser, first_run, given.password or stack.password)
        names = shop(browser, first_run["url"], state)
        for name, (address, size, scheme) in PICTURES.items():
            signed = None if name == "sign-in" else state
            take(
                browser, given.folder / f"{name}.png", first_run["url"] + address.format(**names), size, scheme, signed
            )
        measure(browser, first_run["url"] + SITE.format(**names), state)
        browser.close()


@contextmanager
def demo(data: Path | None) -> Iterator[Stack]:
    """A stack with the demo shop."""
    if data is not None:
        yield Stack(data)
        return
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data") as stack:
        stack.command("demo")
        before = -1
        while (now := stack.get("/api/sites")[0]["events_count"]) != before:
            before = now
            time.sleep(5)  # longer than a batch of the workers takes
        yield stack


def sign_in(browser: Browser, first_run: dict[str, str], password: str) -> str:
    """The file with the session's cookie."""
    context = browser.new_context()
    tab = context.new_page()
    tab.goto(f"{first_run['url']}/login")
    tab.get_by_label("Email").fill(first_run["email"])
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Sign in").click()
    later = tab.get_by_role("button", name="Not now")
    expect(later.or_(tab.get_by_role("heading", name="Sites"))).to_be_visible()
    if later.is_visible():
        later.click()
    tab.wait_for_url("**/sites")
    path = Path(tempfile.mkdtemp()) / "state.json"
    context.storage_state(path=path)
    context.close()
    return str(path)


def shop(browser: Browser, url: str, state: str) -> dict[str, str]:
    """Ids for the addresses: the largest site, and its visitor with the longest story among the latest."""
    asked = browser.new_context(storage_state=state, base_url=url).request
    site = max(asked.get("/api/sites").json(), key=lambda each: each["events_count"])["id"]
    visitors = asked.get(f"/api/sites/{site}/visitors").json()["visitors"]
    visitor = max(visitors, key=lambda each: each["events_count"])["id"]
    sessions = asked.get(f"/api/visitors/{visitor}/sessions").json()["sessions"]
    session = max(sessions, key=lambda each: each["events_count"])["id"]
    today = datetime.now(UTC).date()
    dates = {"start": str(today - timedelta(days=13)), "today": str(today)}
    return {"site": site, "visitor": visitor, "session": session, **dates}


def settled(tab: Tab) -> None:
    """Wait until every panel has its data and its bars have grown."""
    expect(tab.locator("h1").first).to_be_attached()
    expect(tab.locator(".skeleton, .blank, [aria-busy=true]")).to_have_count(0, timeout=60_000)


def take(browser: Browser, path: Path, address: str, size: tuple[int, int], scheme: str, state: str | None) -> None:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height or 900},
        color_scheme="dark" if scheme == "dark" else "light",
        storage_state=state,
        locale="en-GB",
        reduced_motion="reduce",
    )
    tab = context.new_page()
    tab.goto(address)
    settled(tab)
    tab.wait_for_load_state("networkidle")  # charts, and what the range is compared with
    tab.screenshot(path=path, full_page=not height)
    context.close()


def measure(browser: Browser, address: str, state: str) -> None:
    """Print the median time from opening a tab of the dashboard, with nothing cached, to its last panel."""
    for tab_name in TABS:
        seconds = []
        for _ in range(ROUNDS):
            context = browser.new_context(storage_state=state, locale="en-GB")
            tab = context.new_page()
            began = time.perf_counter()
            tab.goto(f"{address}?tab={tab_name}")
            tab.locator(".panel .body").first.wait_for(timeout=60_000)
            settled(tab)
            seconds.append(time.perf_counter() - began)
            context.close()
        sys.stdout.write(f"{tab_name}: {statistics.median(seconds) * 1000:.0f} ms to all panels\n")


if __name__ == "__main__":
    main()
