"""The demo's way in: older days through `import --format events`, the last one through the tracking endpoint."""

import http.client
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from api.registry.account import Account
from api.registry.change import change_site, create_site
from api.registry.store import Registry
from deploy import wiring
from deploy.demo.shop import Line, simulate
from deploy.demo.world import CURRENCY, DOMAIN, NAME
from deploy.folder import StackError
from deploy.importing.run import Report, run
from deploy.importing.source import Source
from deploy.settings import Settings
from ingest.contract.site import Revenue, Site

_LAST_DAY_MS = 23 * 3_600_000  # what is delayed by more than 24 h would be filtered as late
_BATCH = 50
_ATTEMPTS = 20

Say = Callable[[str], None]


def demo(settings: Settings, registry: Registry, account: Account, url: str, say: Say, seed: int = 7) -> Site:
    """Make the site and give it 30 days of life; returns it. Blocks. Raises StackError."""
    if any(site.domain == DOMAIN for site in registry.state.sites_of(account.id)):
        raise StackError(f"there is a site {DOMAIN} already; delete it first for a new demo")
    site = create_site(registry, account.id, NAME, DOMAIN)
    revenue = Revenue(currency=CURRENCY, type="purchase")
    site = change_site(
        registry, account.id, site.id, settings=lambda held: held.model_copy(update={"revenue": revenue})
    )
    now = wiring.now()
    lines = list(simulate(now, seed))
    older = [line for line in lines if line["at"] < now - _LAST_DAY_MS]
    say(f"demo: importing {len(older):,} events of 29 days")
    report = _import(settings, site, older)
    if report.tally.left_out:
        raise StackError(f"the demo's own events were left out: {report.tally.left_out}, {report.tally.bad}")
    say(f"demo: posting {len(lines) - len(older):,} events of the last day")
    _post(url, site.tracking_id, lines[len(older) :])
    return site


def _import(settings: Settings, site: Site, lines: Iterable[Line]) -> Report:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")
        file.flush()
        source = Source(str(Path(file.name)))
        return run(settings, site, [source], "events", {}, lambda report: None, wait=False)


def _post(url: str, tracking_id: str, lines: Iterable[Line]) -> None:
    """As the script would: one person's events a request, from a proxy on this machine that tells their address."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        for batch in _batches(lines):
            headers = {
                "Content-Type": "application/json",
                "User-Agent": batch[0]["user_agent"],
                "X-Forwarded-For": batch[0]["ip"],
            }
            _send(connection, json.dumps(_posted(batch, tracking_id)), headers)
    except (OSError, http.client.HTTPException) as error:
        raise StackError(f"{url} does not take the demo's events: {error}") from None
    finally:
        connection.close()


def _posted(batch: list[Line], tracking_id: str) -> list[Line]:
    sent_at = wiring.now()
    return [
        {
            **{name: value for name, value in line.items() if name not in ("ip", "user_agent")},
            "site": tracking_id,
            "sent_at": sent_at,
        }
        for line in batch
    ]


def _send(connection: http.client.HTTPConnection, body: str, headers: dict[str, str]) -> None:
    for _ in range(_ATTEMPTS):
        connection.request("POST", "/e", body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 202:
            return
        if response.status not in (429, 503):
            raise StackError(f"the tracking endpoint answered {response.status}: {answer[:200]!r}")
        time.sleep(float(response.headers.get("Retry-After", "1")))
    raise StackError("the tracking endpoint takes nothing")


def _batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Up to 50 events of one person each, oldest first by their first event."""
    by_person: dict[str, list[Line]] = {}
    for line in lines:
        by_person.setdefault(line["visitor"], []).append(line)
    for own in by_person.values():
        for first in itertools.count(0, _BATCH):
            if first >= len(own):
                break
            yield own[first : first + _BATCH]
