"""`make bench`: every benchmark, one after the other; `make bench ARGS=ingest` runs one."""

import sys

from tests.bench import backlog, ingest, million, quiet, stopped

BENCHMARKS = {
    "ingest": ingest.main,
    "endpoint": ingest.alone,
    "quiet": quiet.main,
    "backlog": backlog.main,
    "million": million.main,
    "stopped": stopped.main,
    "stopped-kafka": stopped.on_kafka,
}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()
