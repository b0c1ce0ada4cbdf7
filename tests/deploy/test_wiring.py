"""What is wired together is looked at."""

import logging
import time

import pytest
import redis

from deploy import wiring
from deploy.settings import Settings

SECONDS = 30.0


@pytest.mark.services
def test_a_redis_beside_the_log_that_evicts_is_told(redis_url: str, caplog: pytest.LogCaptureFixture) -> None:
    with redis.Redis.from_url(redis_url) as client, caplog.at_level(logging.WARNING, "ingest.log"):
        before = client.config_get("maxmemory-policy")["maxmemory-policy"]
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            wiring.tell_redis(Settings(redis=redis_url, event_log=redis_url))
            wiring.tell_redis(Settings(redis=redis_url, event_log="kafka://127.0.0.1:1"))
            deadline = time.monotonic() + SECONDS
            while not caplog.messages and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            client.config_set("maxmemory-policy", before)
    (sentence,) = caplog.messages
    assert "maxmemory-policy of the Redis of states, salts and sites is allkeys-lru" in sentence
