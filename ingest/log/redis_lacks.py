"""What a Redis lacks that holds a log, or the states, salts and sites beside one: one sentence each, in the log."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import redis

logger = logging.getLogger(__name__)


def lacks(info: Mapping[str, Any], config: Mapping[str, str] | None, *, log: bool) -> list[str]:
    """One sentence for each way in which this Redis may lose what it holds.

    `info`: of sections memory and persistence; `config`: None if the server refuses CONFIG; `log`: whether the event
    log lies here, whose appends must be on disk before they are acknowledged.
    """
    asked = config or {}
    policy = info.get("maxmemory_policy")
    on = asked.get("appendonly") or {1: "yes", 0: "no"}.get(info.get("aof_enabled", -1))
    place = "the Redis of the event log" if log else "the Redis of states, salts and sites"
    found = []

    def look(name: str, value: str | None, wanted: str, why: str) -> None:
        if value is None:
            found.append(f"cannot tell whether {name} is {wanted}, because {place} does not say: if it is not, {why}")
        elif value != wanted:
            change = f"CONFIG SET {name} {wanted}, and write it into its configuration file"
            found.append(f"{name} of {place} is {value}, so {why}: {change}")

    look("maxmemory-policy", policy, "noeviction", "at maxmemory it may delete any of what it holds")
    if log:
        look("appendonly", on, "yes", "a restart can lose events that were answered with 202")
        if on != "no":
            fsync = asked.get("appendfsync")
            look("appendfsync", fsync, "always", "a power cut can lose events that were answered with 202")
    return found


def tell(client: redis.Redis, *, log: bool) -> None:
    """Ask the server and log what it lacks. Blocks. Raises RedisError for a server that is away."""
    info: dict[str, Any] = {}
    config: Any = None
    # A managed Redis may refuse any of these.
    for section in ("memory", "persistence"):
        with suppress(redis.ResponseError):
            info |= client.info(section)
    if log:
        with suppress(redis.ResponseError):
            config = client.config_get("append*")
    for sentence in lacks(info, config, log=log):
        logger.warning("%s", sentence)
