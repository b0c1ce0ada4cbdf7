"""`make bench ARGS=cold`: seconds until a stack serves again, and what it takes in memory while nothing comes."""

import re
import tempfile
import time
from pathlib import Path

from tests.bench.row import Row, parts
from tests.deploy.stack import Stack

STARTS = 5
IDLE_SECONDS = 20


def measure() -> list[Row]:
    """RSS counts what processes share once for each, PSS once for all."""
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        stack = Stack(Path(name) / "data")
        stack.start()
        for _ in range(STARTS):
            stack.stop()
            begun = time.monotonic()
            stack.start()
            seconds.append(time.monotonic() - begun)
        assert stack.process is not None
        time.sleep(IDLE_SECONDS)
        pids = {"up": stack.process.pid, **stack.parts()}
        resident, share = ({part: _megabytes(pid, kind) for part, pid in pids.items()} for kind in ("Rss", "Pss"))
        stack.stop()
    return [
        Row("cold start, s", "≤ 2.5", seconds),
        Row("idle memory, RSS, MB", "≤ 400", [sum(resident.values())], parts(resident, "MB")),
        Row("idle memory, PSS, MB", "", [sum(share.values())], parts(share, "MB")),
    ]


def _megabytes(pid: int, kind: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(rf"^{kind}:\s+(\d+) kB", text, re.MULTILINE)
    assert found, text
    return int(found[1]) / 1024
