"""What operators watch of ingest."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from ingest.answer import Reply


class Metrics(Collector):
    """The metrics of one ingest process in the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._responses: dict[int, int] = {}
        self._events: dict[str, int] = {}
        registry.register(self)
        self.records = Counter("throughline_ingest_records_total", "Records appended to the log.", registry=registry)
        self.record_lines = Histogram(
            "throughline_ingest_record_lines",
            "Lines of an appended record.",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
            registry=registry,
        )
        self.record_bytes = Counter(
            "throughline_ingest_record_bytes_total", "Bytes appended, before compression.", registry=registry
        )
        self.write_seconds = Histogram(
            "throughline_ingest_write_seconds",
            "From an admitted request to the log's durable acknowledgement.",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
            registry=registry,
        )
        self.waiting_bytes = Gauge(
            "throughline_ingest_waiting_bytes", "Gathered and not yet acknowledged by the log.", registry=registry
        )
        self.sites_revision = Gauge(
            "throughline_ingest_sites_revision", "Registry revision of the sites in memory.", registry=registry
        )

        self.clock_steps = Counter(
            "throughline_ingest_clock_steps_total", "Times the wall clock was set by over a minute.", registry=registry
        )

    def collect(self) -> Iterable[Metric]:
        """What `answered` counts: its own numbers, for a counter of the library costs as much as decoding an event."""
        responses = CounterMetricFamily(
            "throughline_ingest_responses", "Answers of the endpoint by status.", labels=["status"]
        )
        for status, count in list(self._responses.items()):
            responses.add_metric([str(status)], count)
        events = CounterMetricFamily(
            "throughline_ingest_events",
            "Events by what became of them: accepted, invalid, or the reason they were filtered for.",
            labels=["outcome"],
        )
        for outcome, count in list(self._events.items()):
            events.add_metric([outcome], count)
        return responses, events

    def answered(self, reply: Reply) -> None:
        """A reply is given."""
        answer, events = reply.answer, self._events
        self._responses[reply.status] = self._responses.get(reply.status, 0) + 1
        if answer.accepted:
            events["accepted"] = events.get("accepted", 0) + answer.accepted
        for reason, count in answer.filtered.items():
            events[reason] = events.get(reason, 0) + count
        if answer.errors:
            invalid = len({problem.index for problem in answer.errors})
            events["invalid"] = events.get("invalid", 0) + invalid

    def appended(self, lines: int, size: int) -> None:
        """One record of `lines` lines and `size` bytes is durable."""
        self.records.inc()
        self.record_lines.observe(lines)
        self.record_bytes.inc(size)
