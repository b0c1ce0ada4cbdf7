"""Erasing a visitor, and handing out what is stored about one."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.responses import Response, StreamingResponse

from api.answer.visitor import visitor_of
from api.endpoint import Asked, Endpoint
from api.problem import Problem
from api.span import iso
from ingest.contract import wish
from rollups import purge
from rollups.purge import State
from rollups.read import Reader

_PERSON = "/visitors/{visitor_id}"
_PAGE = 1_000
_NOTHING: dict[str, Any] = {"time": "1900-01-01 00:00:00", "log": "", "partition": 0, "offset": 0, "index": 0}


class Erasure(BaseModel):
    """`accepted`, then `removing`: out of every number, and its rows on their way out; then `done`."""

    erasure: str
    state: State


def erase(asked: Asked) -> Erasure:
    """Accept that the visitor of the path is to be erased; twice is once."""
    site = asked.site.id
    name = purge.accept(asked.parts.client, site, visitor_of(asked), asked.now)
    if name is None:
        raise Problem(404, "not_found", "the site has no such visitor")
    with suppress(RedisError):  # whoever sees to it looks by itself, only later
        wish.wake(asked.parts.redis, "erasing")
    return Erasure(erasure=name, state=purge.stands(asked.parts.client, site, name) or "accepted")


def erasure(asked: Asked) -> Erasure:
    """How far the erasure of the path is."""
    name = asked.request.path_params["erasure"]
    state = purge.stands(asked.parts.client, asked.site.id, name)
    if state is None:
        raise Problem(404, "not_found", "the site knows no such erasure")
    return Erasure(erasure=name, state=state)


def export(asked: Asked) -> Response:
    """Everything that is stored about the visitor of the path, a JSON object a line."""
    site, visitor = asked.site.id, visitor_of(asked)
    reader = asked.reader
    if not purge.known(asked.parts.client, site, visitor):
        raise Problem(404, "not_found", "the site has no such visitor")
    texts = lines(reader, site, visitor, asked.parts.elsewhere(site, visitor))
    name = f"{site}-{visitor}.jsonl"
    return _stream(texts, name)


def _stream(texts: Iterable[str], name: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(texts, 200, headers, "application/x-ndjson")


def lines(reader: Reader, site: str, visitor: str, elsewhere: Iterable[dict[str, Any]]) -> Iterator[str]:
    """An export, asked for as it is taken. Raises ClickHouseUnavailable, and what `elsewhere` raises."""
    for line in _stored(reader, site, visitor, elsewhere):
        yield json.dumps(line, default=_text, separators=(",", ":"), ensure_ascii=False) + "\n"


def _stored(reader: Reader, site: str, visitor: str, elsewhere: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    after = _NOTHING
    while rows := reader.rows("export_events", site=site, visitor=visitor, most=_PAGE, **_after(after)):
        for row in rows:
            yield {"kind": "event", **row, "visitor": f"{site}-{visitor}"}
        after = rows[-1]
    since: Any = _NOTHING["time"]
    while rows := reader.rows("export_sessions", site=site, visitor=visitor, most=_PAGE, since=since):
        for row in rows:
            yield {"kind": "session", **row, "visitor": f"{site}-{visitor}"}
        since = rows[-1]["start"]
    yield from elsewhere


def _after(row: dict[str, Any]) -> dict[str, Any]:
    return {f"after_{name}": row[name] for name in _NOTHING}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(round(value.timestamp() * 1000))
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


ERASURE: list[Endpoint] = [
    Endpoint(
        "GET",
        _PERSON + "/export",
        "export-visitor",
        "Everything stored about a visitor, a JSON object a line",
        export,
        problems=(404,),
        streams="application/x-ndjson",
    ),
    Endpoint(
        "DELETE",
        _PERSON,
        "erase-visitor",
        "Erase a visitor: out of every number, and then everything stored about them",
        erase,
        status=202,
        problems=(404,),
    ),
    Endpoint(
        "GET",
        "/sites/{site_id}/erasures/{erasure}",
        "erasure",
        "How far an erasure is",
        erasure,
        problems=(404,),
    ),
]
