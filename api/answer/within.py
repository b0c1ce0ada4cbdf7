"""A span as the bound parameters of a query."""

from api.span import Span


def within(span: Span) -> dict[str, int]:
    """`from` and `to`, ms: the half-open range that `{rollup:…}` is exact for."""
    return {"from": span.start, "to": span.end}


def starts(span: Span) -> list[int]:
    """The starts of the buckets that the span touches, ms: a query files a time under the last of them not after it."""
    return [start for start, _ in span.buckets()]
