"""`throughline site export`: a site's settings and all its lines, into one compressed file."""

import os
from collections.abc import Callable
from pathlib import Path

import zstandard

from deploy import wiring
from deploy.moving.line import FORMAT, End, Head, Uncounted, counted, encode
from deploy.settings import Settings
from ingest.contract.site import Site
from rollups.sql import statement, utc

_DAY = 24 * 3_600_000
_ROWS = 50_000  # that are held at once
_SETTINGS = {"max_execution_time": 600}


def export(
    settings: Settings, site: Site, path: Path, progress: Callable[[int, int], None], *, secret: bool = False
) -> End:
    """Write the file, for its owner only, in place once it is whole. `secret`: that of the site goes along.

    Blocks; raises ClickHouseUnavailable, OSError.
    """
    client = wiring.clickhouse(settings).patient(600)
    head = Head(
        throughline=FORMAT,
        id=site.id,
        tracking_id=site.tracking_id,
        name=site.name,
        domain=site.domain,
        created=site.created,
        settings=site.settings.model_dump(mode="json"),
        secret=site.secret if secret else "",
    )
    days = client.rows(statement("site_days"), {"site": site.id}, _SETTINGS)
    temporary = path.with_name(path.name + ".new")
    events = uncounted = 0
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with zstandard.ZstdCompressor(level=6).stream_writer(file, closefd=False) as out:
            out.write(encode(head) + b"\n")
            for number, row in enumerate(days):
                progress(number, len(days))
                span = {"site": site.id, "from": utc(row["day"]), "to": utc(row["day"] + _DAY)}
                chunks = 1 + row["counted"] // _ROWS
                for chunk in range(chunks if row["counted"] else 0):
                    part = {**span, "chunks": chunks, "chunk": chunk}
                    for one in client.rows(statement("site_events"), part, _SETTINGS):
                        out.write(encode(counted(one)) + b"\n")
                        events += 1
                for one in client.rows(statement("site_uncounted"), span, _SETTINGS) if row["uncounted"] else ():
                    out.write(encode(Uncounted(one["reason"], one["received_ms"], one["count"])) + b"\n")
                    uncounted += one["count"]
            end = End(events, uncounted)
            out.write(encode(end) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return end
