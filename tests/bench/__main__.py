"""`make bench`: every benchmark, one after the other; `make bench ARGS=ingest` runs one."""

import sys

from tests.bench import ingest, million

BENCHMARKS = {"ingest": ingest.main, "million": million.main}

for name in sys.argv[1:] or BENCHMARKS:
    BENCHMARKS[name]()
