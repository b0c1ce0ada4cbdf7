"""A body as a batch: its valid events, and for everything else what is wrong with it, by field."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from ingest.contract.exact import BROKEN, decoder, mended
from ingest.contract.incoming import Incoming, Model, Problem, check, validate
from ingest.contract.posted import Posted, finish, placed, read_at_once
from ingest.contract.split import split

MAX_EVENTS = 100
MAX_BODY = 256 * 1024
MAX_MEMBERS = 64  # of a broken event that are searched for the broken one


@dataclass
class Batch:
    """What a body holds: the valid events and a problem for everything else; `size` counts both kinds of events.

    An event without `seq` has its place in the body, so that those of one moment stay in the order they stand in.
    """

    size: int = 0
    events: list[tuple[int, Posted]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read(body: bytes) -> Batch:
    """The events of a body: one JSON object or an array of up to 100. Never raises; any other body is one problem."""
    steps = reading(body)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            batch: Batch = stop.value
            return batch


def reading(body: bytes) -> Generator[None, None, Batch]:
    """`read` event by event, so that the caller may do something else in between."""
    posted = read_at_once(body)
    if posted is None or not 1 <= len(posted) <= MAX_EVENTS:
        return (yield from _reading_closely(body))
    batch = Batch(len(posted))
    for index, decoded in enumerate(posted):
        event = finish(decoded)
        if event is None:
            return (yield from _reading_closely(body))
        batch.events.append((index, placed(event, index)))
        yield
    return batch


def _reading_closely(body: bytes) -> Generator[None, None, Batch]:
    """As `reading`: what is wrong is found and named."""
    body = mended(body.removeprefix(b"\xef\xbb\xbf"))
    try:
        posted = decoder.decode(body)
    except BROKEN:
        return (yield from _reading_broken(body))
    if not isinstance(posted, list):
        return (yield from _collect([posted], validate))
    return _refusal(len(posted)) or (yield from _collect(posted, validate))


def _reading_broken(body: bytes) -> Generator[None, None, Batch]:
    if not body.lstrip(b" \t\r\n").startswith(b"["):
        return (yield from _collect([body], _parse))
    try:
        texts = [part.value for part in split(body, MAX_EVENTS)]
    except ValueError as error:
        return Batch(1, problems=[Problem(0, "", f"the body is not JSON: {error}")])
    return _refusal(len(texts)) or (yield from _collect(texts, _parse))


def _refusal(size: int) -> Batch | None:
    if 1 <= size <= MAX_EVENTS:
        return None
    return Batch(1, problems=[Problem(0, "", f"the body must hold 1 to {MAX_EVENTS} events")])


def _collect(items: list[Any], one: Callable[[int, Any], Posted | list[Problem]]) -> Generator[None, None, Batch]:
    batch = Batch(len(items))
    for index, item in enumerate(items):
        event = one(index, item)
        if isinstance(event, list):
            batch.problems += event
        else:
            batch.events.append((index, placed(event, index)))
        yield
    return batch


def _parse(index: int, text: bytes) -> Posted | list[Problem]:
    event = parse(index, text, Incoming)
    return event if isinstance(event, list) else event.posted


def parse(index: int, text: bytes, model: type[Model]) -> Model | list[Problem]:
    """One event's JSON text, or its problems. Never raises."""
    text = mended(text)
    try:
        posted = decoder.decode(text)
    except BROKEN as error:
        return [_locate(index, text, error)]
    return check(index, posted, model)


def _locate(index: int, text: bytes, error: Exception) -> Problem:
    """The innermost member that cannot be parsed on its own names the field."""
    names: list[str] = []
    # `data` may nest for ever, so the search goes no deeper than the one field whose members have names of their own.
    for _ in range(2):
        if not text.lstrip(b" \t\r\n").startswith(b"{") or names not in ([], ["revenue"]):
            break
        try:
            parts = split(text, MAX_MEMBERS)
        except ValueError as unsplit:
            error = unsplit
            break
        for part in parts:
            try:
                name = str(decoder.decode(part.key))
                decoder.decode(part.value)
            except BROKEN as found:
                name = part.key.strip(b'"').decode("utf-8", "replace")[:64]
                names.append(name)
                text, error = part.value, found
                break
        else:
            break
    return Problem(index, ".".join(names), _cause(error))


def _cause(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "is not valid UTF-8"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return "is not valid JSON"
