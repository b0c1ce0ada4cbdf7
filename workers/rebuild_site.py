"""`rebuild SITE`: all sessions of a site once more from its raw events, with the settings of today."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from redis import Redis

from ingest.contract.site import SiteSettings
from rollups import control
from rollups.client import Client
from rollups.memory import History, histories
from rollups.rows import SessionRow
from rollups.write import Writer
from workers.bucket import Thresholds, thresholds
from workers.memory import Item, cut
from workers.rows import session_row, version
from workers.state import wipe


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did: visitors looked at, session rows retracted and written."""

    visitors: int
    retracted: int
    written: int


def rebuild_site(
    client: Client, redis: Redis, site: str, settings: SiteSettings, revision: int, nonce: str, wait_seconds: float = 60
) -> Rebuilt:
    """Rewrite the session rows that differ. Workers hold still meanwhile and rebuild their states afterwards. Blocks.

    `nonce` names this run. Raises control.Unfinished, control.ClaimLost, ClickHouseUnavailable or RedisError; run it
    again to finish what is left.
    """
    writer, limits = Writer(client), thresholds(settings)
    visitors = 0
    signs: Counter[int] = Counter()
    with control.claim(client) as held:
        control.hold_still(client, held, wait_seconds)
        for number, chunk in enumerate(histories(client, site)):
            token = f"rebuild/{nonce}/{number}"
            rows = [
                row
                for visitor, history in chunk.items()
                for row in difference(site, visitor, history, limits, revision, version(token))
            ]
            held.check()
            writer.insert_sessions(token, rows)
            visitors += len(chunk)
            signs.update(row.sign for row in rows)
        # Last: a worker that rebuilt its states from rows of before does it again.
        wipe(redis)
    return Rebuilt(visitors, signs[-1], signs[1])


def difference(
    site: str, visitor: str, history: History, limits: Thresholds, revision: int, version_: int
) -> Iterator[SessionRow]:
    """The rows that turn the visitor's written sessions into those of its events.

    Only the thresholds are of `revision`: a session whose row would be the same under them is left as it is.
    """
    left = Counter(history.sessions)
    written = {_content(row): row for row in history.sessions}
    items = sorted(Item(*event) for _, event in history.lines if event is not None)
    for begin, end in cut(items):
        row = session_row(site, visitor, history.hash, items[begin:end], lambda _: limits, version_)
        row = row._replace(settings=revision)
        old = written.get(_content(row))
        if old is not None and left[old]:
            left[old] -= 1
        else:
            yield row
    for row in left.elements():
        yield row._replace(sign=-1)


def _content(row: SessionRow) -> SessionRow:
    return row._replace(settings=0, version=0)
