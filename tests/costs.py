"""What each test costs: seconds of the clock and of the processor, a line a test. `-p tests.costs`, for whoever asks.

    THROUGHLINE_TEST_COSTS=costs.tsv pytest -p tests.costs tests/log; python -m tests.costs costs.tsv

The processor's are those of this process and of everything below it, live or waited for: a stack, a broker, a browser.
Wall minus CPU is what a test waits (or was kept waiting by others, so look on a machine with nothing else to do).
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

_TICK = os.sysconf("SC_CLK_TCK")


def used() -> float:
    """Seconds of processor of this process and all below it, so far."""
    parents: dict[int, list[int]] = defaultdict(list)
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        parents[int(fields[1])].append(int(entry.name))
        ticks[int(entry.name)] = sum(map(int, fields[11:15]))
    total, below = 0, [os.getpid()]
    while below:
        pid = below.pop()
        total += ticks.get(pid, 0)
        below += parents[pid]
    return total / _TICK


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """One line a test: file, test, wall, CPU. The first test of a fixture pays for it."""
    wall, cpu = time.monotonic(), used()
    result = yield
    line = f"{item.nodeid}\t{time.monotonic() - wall:.3f}\t{max(0.0, used() - cpu):.2f}\n"
    with Path(os.environ["THROUGHLINE_TEST_COSTS"]).open("a") as out:
        out.write(line)
    return result


def main(name: str) -> None:
    """Sums by folder and by file, the most costly first."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for line in Path(name).read_text().splitlines():
        test, wall, cpu = line.rsplit("\t", 2)
        file = test.partition("::")[0]
        for key in ("all", file.rpartition("/")[0] + "/", file):
            for at, value in enumerate((1.0, float(wall), float(cpu))):
                sums[key][at] += value
    for key, (number, seconds, used_) in sorted(sums.items(), key=lambda item: (".py" in item[0], -item[1][2])):
        sys.stdout.write(f"{key:<50} {number:5.0f} tests {seconds:7.1f} s {used_:7.1f} s of CPU\n")


if __name__ == "__main__":
    main(sys.argv[1])
