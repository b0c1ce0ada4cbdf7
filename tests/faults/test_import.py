"""A real access log: reasons, numbers, and the same file again — at once, and when nobody remembers its visitors."""

import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ingest.admission import ACCESS_LOG, is_bot
from ingest.contract.page import read_url
from ingest.enrich import open_places, read_agent
from ingest.source import attribute
from tests.deploy.prepared import prepared
from tests.deploy.stack import ROOT, Stack
from tests.faults.compare import differ
from tests.faults.world import clickhouse
from tests.oracle import answers
from tests.oracle.access_log import Hit, facts, read
from tests.oracle.fact import DAY
from tests.oracle.sessions import Site, sites
from tests.oracle.span import Range

pytestmark = pytest.mark.services

LOG = ROOT.parent / "shared" / "data" / "apache_access.log.gz"
DOMAIN = "semicomplete.com"
FROM = 1_431_820_800_000  # 2015-05-17T00:00Z
COUNTRIES = ROOT / "deploy" / "geo" / "country.mmdb"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(prepared(tmp_path_factory.mktemp("import") / "data")) as running:
        yield running


def log(folder: Path) -> Path:
    """The shared real log; where it is not beside the checkout, a made one of the same kinds of lines."""
    if LOG.exists():
        return LOG
    made = folder / "access.log.gz"
    agents = ["Mozilla/5.0 (Windows NT 6.1) Chrome/32.0 Safari/537.36", "curl/7.1", "-", "Googlebot/2.1"]
    with gzip.open(made, "wt") as file:
        for number in range(10_000):
            agent, status = agents[number % 7 % 4], (200, 200, 200, 404, 304)[number % 5]
            path = ("/", "/blog/", "/a.png", "/projects/x?y=1")[number % 11 % 4]
            moment = f"{17 + number % 4:02d}/May/2015:{number % 24:02d}:{number % 60:02d}:01 +0000"
            file.write(
                f'10.0.{number % 3}.{number % 200} - - [{moment}] "GET {path} HTTP/1.1" {status} 12 "-" "{agent}"\n'
            )
        file.write('10.0.0.1 - - [20/May/2015:12:05:17 +0000] "GET /cut HTTP/1.1" 200 235 "-" "Mozi\n')
    return made


def model(lines: list[str]) -> tuple[Site, dict[str, int]]:
    """The model of the lines, and how many were left out by reason."""
    places = open_places(COUNTRIES if COUNTRIES.exists() else None)

    def enrich(hit: Hit) -> dict[str, str]:
        agent = read_agent(hit.agent)
        url = read_url(f"https://{DOMAIN}{hit.target}" if hit.target.startswith("/") else hit.target)
        source, campaign, *_ = attribute(url, read_url("" if hit.referrer == "-" else hit.referrer), DOMAIN)
        return {
            "page": url.page,
            "source": source,
            "campaign": campaign,
            "country": places(hit.ip).country,
            "device": agent.device,
            "browser": agent.browser,
            "os": agent.os,
        }

    hits, left_out = read(lines, lambda agent: is_bot(agent, ACCESS_LOG))
    return sites(facts(hits, "site", enrich))["site"], dict(left_out)


def test_an_access_log_counts_once_and_equals_the_model(stack: Stack, tmp_path: Path) -> None:
    file = log(tmp_path)
    with gzip.open(file, "rt") as lines:
        expected, left_out = model(list(lines))
    site = stack.site(DOMAIN)
    said = stack.command("import", str(file), "--site", site["id"])
    numbers = {name: int(number.replace(",", "")) for name, number in _table(said)}
    left_out |= Counter(reason for _, reason in expected.filtered)
    assert numbers["lines read"] == sum(left_out.values()) + numbers["counted"]
    assert {reason: numbers[reason] for reason in left_out} == left_out
    assert numbers["counted"] == len(expected.counted)
    assert f"{file}:{8899 if file == LOG else 10_001}: " in said  # the truncated line, by its number

    path = f"/api/sites/{site['id']}/analytics/dashboard?from=2015-05-17&to=2015-05-21"
    before = stack.get(path)
    span = Range(FROM, FROM + 5 * DAY)
    frame = {"from", "to", "timezone", "fresh_as_of"}
    found = {key: before[key] for key in before if key not in frame}
    assert not list(differ("dashboard", answers.dashboard(expected, span), found))
    assert "no difference" in stack.command("verify")

    stack.command("import", str(file), "--site", site["id"])
    _forget_visitors(stack)
    again = dict(_table(stack.command("import", str(file), "--site", site["id"])))
    assert int(again["counted"].replace(",", "")) == 0
    after = stack.get(path)
    assert {key: after[key] for key in found} == found
    assert stack.get(f"/api/sites/{site['id']}")["events_count"] == len(expected.counted)


def _table(said: str) -> list[tuple[str, str]]:
    """The rows of the closing table: a name and a number."""
    return re.findall(r"^ *(?:left out: )?([a-z ]+?)  +(\d[\d,]*) *$", said, re.MULTILINE)


def _forget_visitors(stack: Stack) -> None:
    """As if the import had been 30 hours ago: raw events received then, no state in Redis or in a worker."""
    client = clickhouse(stack)
    client.command("ALTER TABLE events UPDATE received = received - INTERVAL 30 HOUR WHERE 1 SETTINGS mutations_sync=2")
    kept = redis.Redis.from_url(json.loads((stack.data / "stack.json").read_text())["redis"])
    for key in kept.scan_iter("throughline:{state:*"):
        kept.delete(key)
    for name, process in stack.parts().items():
        if name.startswith("worker"):
            os.kill(process, 9)
