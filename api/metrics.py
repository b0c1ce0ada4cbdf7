"""What operators watch of the read API."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class Metrics:
    """Of one process, in the registry it is given."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "throughline_api_seconds",
            "From a request to its answer, by endpoint",
            ["endpoint"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self._responses = Counter(
            "throughline_api_responses_total",
            "Answers by endpoint and status",
            ["endpoint", "status"],
            registry=registry,
        )

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """`endpoint`: "" for a path that there is not: what strangers ask for names no label."""
        self._seconds.labels(endpoint).observe(seconds)
        self._responses.labels(endpoint, str(status)).inc()
