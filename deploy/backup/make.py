"""`throughline backup`: a snapshot of all tables, read piece by piece into a sink."""

import hashlib
from collections.abc import Callable
from importlib.metadata import version
from typing import NamedTuple

from deploy import wiring
from deploy.backup import manifest as manifests
from deploy.backup.manifest import Entry, Manifest, Position
from deploy.backup.sink import Sink
from deploy.folder import StackError
from deploy.settings import Settings
from rollups import snapshot
from rollups import version as schema
from rollups.client import NOT_MADE, ClickHouseUnavailable, Client

ROWS_A_FILE = 250_000
BYTES_A_FILE = 128 << 20  # unpacked


class Made(NamedTuple):
    manifest: Manifest
    written: int
    bytes: int


def backup(settings: Settings, sink: Sink, progress: Callable[[int, int], None], wait_seconds: float = 60) -> Made:
    """Back up everything that is in ClickHouse; returns what the sink holds now, and how much of it was written.

    Blocks; workers hold still for a moment. Raises StackError, ClickHouseUnavailable, OSError, control.ClaimLost;
    control.Unfinished while a batch stays half inserted.
    """
    client = wiring.clickhouse(settings)
    schema.refuse_other(client)
    snapshot.take(client, wait_seconds)
    try:
        return _copy(client, sink, progress)
    except ClickHouseUnavailable as error:
        if error.code in NOT_MADE:
            raise StackError("another backup began meanwhile: run it again once that one has ended") from error
        raise
    finally:
        snapshot.drop(client)


def _copy(client: Client, sink: Sink, progress: Callable[[int, int], None]) -> Made:
    pieces = snapshot.pieces(client, ROWS_A_FILE, BYTES_A_FILE)
    entries, written, size = [], 0, 0
    for number, piece in enumerate(pieces):
        progress(number, len(pieces))
        name = f"{piece.table}/{piece.month}/{piece.name}.parquet"
        held = sink.held(name)
        if held is None:
            body = snapshot.read(client, piece)
            held = len(body), hashlib.sha256(body).hexdigest()
            sink.put(name, body)
            written, size = written + 1, size + len(body)
        entries.append(Entry(name, piece.table, piece.rows, *held))
    made = Manifest(
        format=manifests.FORMAT,
        version=version("throughline"),
        schema=schema.newest(),
        made_at=wiring.now(),
        positions=[Position(*each) for each in snapshot.standings(client)],
        columns={
            table: {column.name: column.type for column in columns}
            for table, columns in snapshot.columns(client).items()
        },
        rollups=schema.built(client),
        entries=entries,
    )
    sink.finish(manifests.encode(made), [entry.file for entry in entries])
    return Made(made, written, size)
