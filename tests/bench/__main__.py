"""`make bench`: every row that is asked for; `make bench ARGS="quiet cold"`: those measures alone, also the others."""

import sys
from collections.abc import Callable, Sequence

from tests.bench import answers, backlog, backup, batch, cold, fold, ingest, million, quiet, scale, stopped, wide
from tests.bench.row import Row, machine, table

# Name → what measures it, and returns rows; or tells by itself what is no table.
ASKED: dict[str, Callable[[], Sequence[Row] | None]] = {
    "ingest": ingest.whole,
    "endpoint": ingest.alone,
    "quiet": quiet.measure,
    "batch": batch.measure,
    "backlog": backlog.rows,
    "answers": answers.measure,
    "million": million.main,
    "cold": cold.measure,
}
OTHERS: dict[str, Callable[[], Sequence[Row] | None]] = {
    "scale": scale.measure,
    "wide": wide.measure,
    "backup": backup.measure,
    "fold": fold.main,
    "stopped": stopped.main,
    "stopped-kafka": stopped.on_kafka,
}

for name in sys.argv[1:] or ASKED:
    sys.stdout.write(f"{machine()}\n")
    if rows := (ASKED | OTHERS)[name]():
        sys.stdout.write(f"{table(name, rows)}\n")
    sys.stdout.flush()
