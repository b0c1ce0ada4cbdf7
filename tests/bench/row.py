"""What a measure tells: rows of a table, and the machine that they were measured on."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Row(NamedTuple):
    """`samples` in the unit that `name` says; `note`: what they are made of."""

    name: str
    target: str
    samples: Sequence[float]
    note: str = ""


def table(title: str, rows: Sequence[Row]) -> str:
    """As docs/benchmarks.md has it."""
    lines = [f"## {title}", "", "| | target | median | min-max | of it |", "|---|---|---|---|---|"]
    for name, target, samples, note in rows:
        least, most = _number(min(samples)), _number(max(samples))
        lines.append(f"| {name} | {target} | {_number(statistics.median(samples))} | {least}-{most} | {note} |")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> str:
    """One line: model and number of cores, memory, Python, and how busy others keep it."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(": ")[2] if models else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}, load {load:.1f}"


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def spent(pids: Mapping[str, int], before: Mapping[str, float] | None = None) -> dict[str, float]:
    """CPU seconds of each process so far, or since `before`."""
    return {name: cpu_seconds(pid) - (before or {}).get(name, 0.0) for name, pid in pids.items()}


def parts(each: Mapping[str, float], unit: str, factor: float = 1.0) -> str:
    """What a sum is made of."""
    return ", ".join(f"{name} {_number(value * factor)}" for name, value in each.items()) + f" {unit}"
