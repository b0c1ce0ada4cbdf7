"""Erasing a visitor, and handing out what is stored about one."""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel
from redis.exceptions import RedisError
from starlette.responses import Response, StreamingResponse

from api.answer.visitor import visitor_of
from api.endpoint import Asked, Reply
from api.problem import Problem
from api.span import iso
from ingest.contract import erasing
from rollups import purge
from rollups.read import Reader

_PAGE = 1_000
_NOTHING: dict[str, Any] = {"time": "1900-01-01 00:00:00", "log": "", "partition": 0, "offset": 0, "index": 0}


class Erasure(BaseModel):
    """`accepted`, then `removing`: out of every number, and its rows on their way out; then `done`."""

    erasure: str
    state: Literal["accepted", "removing", "done"]


def erase(asked: Asked) -> Erasure:
    """Accept that the visitor of the path is to be erased; twice is once."""
    site, visitor = asked.site.id, visitor_of(asked)
    live = bool(asked.reader.rows("visitor_known", site=site, visitor=visitor))
    for row in asked.reader.rows("erasure_open", site=site, visitor=visitor):
        if not (row["counted"] and live):
            return Erasure(erasure=row["erasure"], state="removing" if row["counted"] else "accepted")
    if not (live or asked.reader.rows("visitor_stored", site=site, visitor=visitor)):
        raise Problem(404, "not_found", "the site has no such visitor")
    name = secrets.token_hex(8)
    purge.wish(asked.parts.client, site, visitor, name, asked.now)
    with suppress(RedisError):  # whoever sees to it looks by itself, only later
        erasing.wake(asked.parts.redis)
    return Erasure(erasure=name, state="accepted")


def erasure(asked: Asked) -> Erasure:
    """How far the erasure of the path is."""
    name = asked.request.path_params["erasure"]
    row = asked.reader.rows("erasure_stands", site=asked.site.id, erasure=name)[0]
    if not (row["counted"] or row["open"]):
        raise Problem(404, "not_found", "the site knows no such erasure")
    return Erasure(erasure=name, state="done" if not row["open"] else "removing" if row["counted"] else "accepted")


def export(asked: Asked) -> Reply:
    """Everything that is stored about the visitor of the path, a JSON object a line."""
    site, visitor = asked.site.id, visitor_of(asked)
    reader = asked.reader
    if not (
        reader.rows("visitor_known", site=site, visitor=visitor)
        or reader.rows("visitor_stored", site=site, visitor=visitor)
    ):
        raise Problem(404, "not_found", "the site has no such visitor")
    lines = _lines(reader, site, visitor, asked.parts.elsewhere(site, visitor))
    name = f"{site}-{visitor}.jsonl"
    return Reply(_stream(lines, name))


def _stream(lines: Iterable[dict[str, Any]], name: str) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    texts = (json.dumps(line, default=_text, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    return StreamingResponse(texts, 200, headers, "application/x-ndjson")


def _lines(reader: Reader, site: str, visitor: str, elsewhere: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
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
