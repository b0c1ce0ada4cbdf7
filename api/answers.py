"""An understood request → its response: not sent again if the asker has it, kept if nothing changed, else made anew."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple, TypeVar

from pydantic import TypeAdapter
from redis.exceptions import ConnectionError, RedisError, TimeoutError
from starlette.responses import Response

from api import csv, retained
from api.answer.revision import revision
from api.endpoint import AnyAsked, Endpoint, Parts, Reply
from api.kept import Kept, Named, named
from api.span import iso
from api.standing import Standing
from ingest.contract import freshness, snapshot, used
from ingest.contract.etag import is_held
from ingest.contract.revision import Revisions

AWAY_SECONDS = 5.0  # that a Redis which failed is not asked again: no number needs it

log = logging.getLogger("throughline.api")

_Found = TypeVar("_Found")


class Looked(NamedTuple):
    """What is known of a question of data before ClickHouse is asked. `fresh`: ms, as in `fresh_as_of`; `asked`: the
    question, as it can be answered.
    """

    asked: AnyAsked
    name: Named | None
    fresh: int | None


class Answers:
    """Methods block. Safe to share between threads."""

    def __init__(self, parts: Parts, endpoints: Iterable[Endpoint]) -> None:
        self.standing = Standing(parts.reader)
        self._parts = parts
        self._kept = Kept()
        self._revisions = Revisions(parts.redis, parts.now)
        self._away_until = 0.0
        answers = {each.name: each.types.answer for each in endpoints}
        self._json = {name: TypeAdapter(answer) for name, answer in answers.items() if answer is not None}

    def at_once(self, endpoint: Endpoint, asked: AnyAsked) -> Response | Looked:
        """The answer to a question of data if that costs no query."""
        looked = self._look(endpoint, asked)
        return self._known(endpoint, looked) or looked

    def answer(self, endpoint: Endpoint, asked: AnyAsked, looked: Looked | None = None) -> Response:
        """Asks the stores; `looked`: of a question of data, what `at_once` found."""
        if looked is not None and looked.name is None:
            looked = self._named_by_query(endpoint, asked)
            if known := self._known(endpoint, looked):
                return known
        if looked is not None:
            asked = looked.asked
        found = endpoint.answer(asked)
        reply = found if isinstance(found, Reply) else Reply(found)
        if isinstance(reply.body, Response):
            return reply.body
        if endpoint.types.answer is None:
            return Response(status_code=endpoint.status, headers={**_PLAIN, **reply.headers})
        if asked.widened:
            reply = Reply(reply.body.model_copy(update={"widened": retained.told(asked.span)}), reply.headers)
        json = self._json[endpoint.name]
        body = csv.rows(reply.body) if _is_csv(endpoint, asked) else json.dump_json(reply.body, by_alias=True)
        if looked is None or looked.name is None:
            return Response(body, endpoint.status, {**_PLAIN, **reply.headers}, "application/json")
        self._kept.put(looked.name, body)
        return _response(endpoint, asked, body, looked.name, looked.fresh)

    def published(self) -> int:
        """The registry's revision that Redis has; 0 if it does not say."""
        return self._redis(lambda: snapshot.version(self._parts.redis)) or 0

    def note_use(self, key: str, now: int) -> None:
        """Write the day on which the key is used; while Redis is away nobody knows it."""
        self._redis(lambda: self._parts.redis.hset(used.KEY, key, used.day(now)))

    def _known(self, endpoint: Endpoint, looked: Looked) -> Response | None:
        asked = looked.asked
        if looked.name is None:
            return None
        if is_held(looked.name.tag, asked.request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=_headers(looked.name.tag))
        body = self._kept.get(looked.name)
        return None if body is None else _response(endpoint, asked, body, looked.name, looked.fresh)

    def _look(self, endpoint: Endpoint, asked: AnyAsked) -> Looked:
        # Before the revision, so that an answer which is kept is not said to be fresher than it is.
        fresh = self._redis(lambda: freshness.read(self._parts.redis)) if endpoint.tells_fresh else None
        own = asked.given_site
        if own is not None:
            asked = _as_kept(endpoint, asked, self.standing.cut(own.id))
        if (standing := self.standing()) is None:
            return Looked(asked, None, fresh)
        sites = [own.id] if own else [site.id for site in asked.who.sites(asked.registry.state)]
        found = self._redis(lambda: self._revisions.read(sites))
        return Looked(asked, named(endpoint, asked, standing, found) if found else None, fresh)

    def _named_by_query(self, endpoint: Endpoint, asked: AnyAsked) -> Looked:
        """While a site has no revision all data has one."""
        if self.standing() is None:
            self.standing.look()
        looked = self._look(endpoint, asked)
        if looked.name is None:
            looked = looked._replace(name=named(endpoint, looked.asked, revision(asked.reader), None))
        self._parts.pulse.heard()
        return looked

    def _redis(self, ask: Callable[[], _Found]) -> _Found | None:
        if time.monotonic() >= self._away_until:
            try:
                return ask()
            except (ConnectionError, TimeoutError):
                self._away_until = time.monotonic() + AWAY_SECONDS
            except RedisError:
                log.warning("revisions of sites cannot be read", exc_info=True)
        return None


def _as_kept(endpoint: Endpoint, asked: AnyAsked, cut: retained.Cut) -> AnyAsked:
    """The question as it can be answered. Raises Problem (400) if it can not."""
    if asked.given_span is None or cut == retained.NOTHING:
        return replace(asked, cut=cut)
    span = retained.within(asked.span, endpoint.reads, cut, filtered=asked.filtered)
    return replace(asked, cut=cut, given_span=span, widened=asked.widened or span != asked.span)


_PLAIN = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _headers(tag: str) -> dict[str, str]:
    return {**_PLAIN, "Cache-Control": "private, no-cache", "ETag": tag, "Vary": "Authorization, Cookie"}


def _is_csv(endpoint: Endpoint, asked: AnyAsked) -> bool:
    return endpoint.csv and getattr(asked.parameters, "format", "") == "csv"


def _response(endpoint: Endpoint, asked: AnyAsked, body: bytes, name: Named, fresh: int | None) -> Response:
    if endpoint.tells_fresh and fresh is not None:
        body = body.replace(b'"fresh_as_of":null', b'"fresh_as_of":"%s"' % iso(fresh).encode(), 1)
    headers = _headers(name.tag)
    if _is_csv(endpoint, asked):
        headers["Content-Disposition"] = f'attachment; filename="{endpoint.name}.csv"'
    return Response(body, endpoint.status, headers, "text/csv" if _is_csv(endpoint, asked) else "application/json")
