"""What operators watch of ingest."""

from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ingest.answer import Reply

Label = TypeVar("Label", int, str)


class Metrics:
    """The metrics of one ingest process in the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.responses = Counter(
            "throughline_ingest_responses_total", "Answers of the endpoint by status.", ["status"], registry=registry
        )
        self.events = Counter(
            "throughline_ingest_events_total",
            "Events by what became of them: accepted, invalid, or the reason they were filtered for.",
            ["outcome"],
            registry=registry,
        )
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

        self._of_status: dict[int, Counter] = {}
        self._of_outcome: dict[str, Counter] = {}

    def answered(self, reply: Reply) -> None:
        """A reply is given. Few statuses and outcomes: looking up a label costs more than counting."""
        answer = reply.answer
        self._of(self.responses, self._of_status, reply.status).inc()
        if answer.accepted:
            self._of(self.events, self._of_outcome, "accepted").inc(answer.accepted)
        for reason, events in answer.filtered.items():
            self._of(self.events, self._of_outcome, reason).inc(events)
        if answer.errors:
            invalid = len({problem.index for problem in answer.errors})
            self._of(self.events, self._of_outcome, "invalid").inc(invalid)

    def _of(self, counter: Counter, children: dict[Label, Counter], label: Label) -> Counter:
        child = children.get(label)
        if child is None:
            child = children[label] = counter.labels(label)
        return child

    def appended(self, lines: int, size: int) -> None:
        """One record of `lines` lines and `size` bytes is durable."""
        self.records.inc()
        self.record_lines.observe(lines)
        self.record_bytes.inc(size)
