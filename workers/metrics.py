"""What a worker tells Prometheus."""

import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """Counters of one worker process. What a batch counted is added once it is saved: a retry does not show twice."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = Gauge(
            "throughline_worker_lag_seconds",
            "How long the oldest uncounted event waits, at most; 0 when all is counted",
            ["partition"],
            registry=registry,
        )
        self.failing = Gauge(
            "throughline_worker_failing_seconds",
            "Since the first failure of a partition that no counted batch has followed; 0 without one",
            ["partition"],
            registry=registry,
        )
        self.lines = Counter(
            "throughline_worker_lines_total",
            "Lines of the log by what became of them: counted, a reason, or dead",
            ["reason"],
            registry=registry,
        )
        self.batch_lines = Histogram(
            "throughline_worker_batch_lines", "Lines in a batch", buckets=(1, 10, 100, 1000, 5000), registry=registry
        )
        self.batch_seconds = Histogram(
            "throughline_worker_batch_seconds",
            "From fold to commit",
            buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
            registry=registry,
        )
        self.step_seconds = Histogram(
            "throughline_worker_step_seconds",
            "Time of a batch by its step: fold, decide, insert, save, commit",
            ["step"],
            buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
            registry=registry,
        )
        self.retries = Counter(
            "throughline_worker_retries_total", "Partitions dropped to be taken again", ["cause"], registry=registry
        )
        self.rebuilds = Counter(
            "throughline_worker_rebuilds_total", "Partitions whose states began anew", registry=registry
        )
        self.read_back = Counter(
            "throughline_worker_read_back_total", "Visitors read back from ClickHouse for a batch", registry=registry
        )
        self.state_bytes = Gauge(
            "throughline_worker_state_bytes", "Bytes of states in Redis", ["partition"], registry=registry
        )
        self.rollbacks = Counter(
            "throughline_worker_log_rollbacks_total",
            "Times a log was found put back to an earlier state",
            registry=registry,
        )

        self.clock_steps = Counter(
            "throughline_worker_clock_steps_total",
            "Times the wall clock was set by over a minute",
            registry=registry,
        )

    def watch(self, partition: int, lag: Callable[[], float], failing: Callable[[], float]) -> None:
        """Ask these whenever the gauges are read, also while the loop hangs; from another thread."""
        self.lag.labels(str(partition)).set_function(lag)
        self.failing.labels(str(partition)).set_function(failing)

    def forget(self, partition: int) -> None:
        """The partition is no longer this worker's."""
        self.lag.remove(str(partition))
        self.failing.remove(str(partition))

    def steps(self) -> Callable[[str], None]:
        """To be called with the name of each step of a batch when it is done."""
        at = time.perf_counter()

        def done(step: str) -> None:
            nonlocal at
            begun, at = at, time.perf_counter()
            self.step_seconds.labels(step).observe(at - begun)

        return done

    def counted(self, counts: Mapping[str, int]) -> None:
        for reason, lines in counts.items():
            self.lines.labels(reason).inc(lines)
