"""What the fault tests share: sites with settings, traffic by import or over HTTP, the model under public names."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import clickhouse_connect

from tests.deploy.stack import Stack
from tests.oracle.fact import DAY, Fact
from tests.oracle.generate import Sent
from tests.oracle.span import Range

REVENUE = {"currency": "EUR", "type": "purchase"}


def site(stack: Stack, domain: str = "shop.example") -> dict[str, Any]:
    """A new site with revenue set up."""
    made = stack.site(domain)
    answer = stack.request("PATCH", f"/api/sites/{made['id']}", {"settings": {"revenue": REVENUE}})
    assert answer.status == 200, answer.body
    settled: dict[str, Any] = answer.json()
    return settled


def send(stack: Stack, site_id: str, arrivals: Iterable[Sent], folder: Path) -> str:
    """Import the events of one site in this order, wait until they are counted, and return what the command said."""
    file = folder / f"{site_id}.jsonl"
    file.write_text("".join(sent.line + "\n" for sent in arrivals if sent.fact.site == site_id))
    return stack.command("import", str(file), "--format", "events", "--site", site_id)


def clickhouse(stack: Stack) -> Any:
    """A client of the stack's ClickHouse, to look at raw events."""
    import json

    url = json.loads((stack.data / "stack.json").read_text())["clickhouse"]
    return clickhouse_connect.get_client(dsn=url)


def named(stack: Stack, facts: Iterable[Fact]) -> list[Fact]:
    """The facts under the visitors' public hashes, which are read back: one hash a visitor and site, and no other."""
    pairs = clickhouse(stack).query(
        "SELECT site, visitor, groupUniqArray(substringUTF8(id, 1, positionUTF8(id, '-') - 1)) FROM events GROUP BY ALL"
    )
    hashes = {(site_id, names[0]): visitor for site_id, visitor, names in pairs.result_rows}
    assert len(hashes) == len(pairs.result_rows) and all(len(names) == 1 for _, _, names in pairs.result_rows)
    return [replace(fact, visitor=hashes[fact.site, fact.visitor]) for fact in facts]


def ranges(start: int, days: int) -> list[Range]:
    """Whole and ragged ranges in several zones; the last is empty."""
    return [
        Range(start, start + days * DAY),
        Range(start + 123_456_789, start + 3 * DAY + 7, "Asia/Kathmandu"),
        Range(start + DAY + 1, start + 3 * DAY + 1, "America/New_York"),
        Range(start + 5 * DAY, start + 5 * DAY + 1, "Australia/Lord_Howe"),
        Range(start - 30 * DAY, start - 20 * DAY),
    ]
