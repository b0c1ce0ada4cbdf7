"""Applying a site's settings to its past: the wish is written down, and a worker's process sees to it."""

from contextlib import suppress
from typing import Literal

from pydantic import BaseModel
from redis.exceptions import RedisError

from api.endpoint import Asked, Endpoint
from api.span import iso
from ingest.contract import wish
from rollups import rebuild as rebuilds

_PATH = "/sites/{site_id}/rebuild"


class Rebuild(BaseModel):
    """`none`: never asked for; `accepted`: waits for a worker; `running`: `done` of `visitors` (0: not known yet) are
    judged anew; `failed`: it was begun again and again and did not end."""

    state: Literal["none", "accepted", "running", "done", "failed"]
    asked_at: str | None
    done: int
    visitors: int


def start(asked: Asked) -> Rebuild:
    """Accept that the past of the site is to be judged by its settings of now; twice is once."""
    made = rebuilds.accept(asked.parts.client, asked.site.id, asked.site.revision, asked.now)
    with suppress(RedisError):  # whoever sees to it looks by itself, only later
        wish.wake(asked.parts.redis, "rebuilding")
    return _told(made)


def newest(asked: Asked) -> Rebuild:
    """How far the newest rebuild of the site is."""
    return _told(rebuilds.latest(asked.parts.client, asked.site.id))


def _told(one: rebuilds.Rebuild | None) -> Rebuild:
    if one is None:
        return Rebuild(state="none", asked_at=None, done=0, visitors=0)
    return Rebuild(state=one.state, asked_at=iso(one.at), done=one.done, visitors=one.visitors)


REBUILD = [
    Endpoint("GET", _PATH, "rebuild", "How far the site's past is judged by the settings of today", newest),
    Endpoint(
        "POST",
        _PATH,
        "start-rebuild",
        "Apply the site's thresholds and pairs of today to its past",
        start,
        status=202,
    ),
]
