"""What is wired together is looked at."""

import logging
import time

import pytest
import redis

from api.registry.change import create_account, create_site
from deploy import wiring
from deploy.prepare import migrate_stores
from deploy.settings import Settings
from rollups.client import ClickHouseUnavailable
from rollups.registry import RegistryRow, put_back

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


@pytest.mark.services
def test_a_secret_that_is_not_there_yet_is_asked_for_again(redis_url: str, clickhouse_url: str) -> None:
    settings = Settings(redis=redis_url, event_log=redis_url, clickhouse=clickhouse_url)
    migrate_stores(settings)
    held = wiring.registry(settings)
    account = create_account(held, "a@example.com", "a long password").id
    secret = wiring._secret(wiring.clickhouse(settings))  # noqa: SLF001
    with pytest.raises(ClickHouseUnavailable, match="does not hold the site abcdef12"):
        secret("abcdef12")
    site = create_site(held, account, "own", "own.example")
    put_back(wiring.clickhouse(settings), [RegistryRow("site", "abcdef12", 99, site.model_dump_json())], 0)
    assert secret("abcdef12") == secret(site.id) == site.secret != ""
