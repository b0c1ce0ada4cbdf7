"""The services themselves: real, and alone in what they were given."""

import socket

import pytest
import redis

from tests.services.clickhouse import ask


@pytest.mark.services
def test_redis_is_empty_durable_and_bounded(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        assert client.dbsize() == 0
        assert int(client.config_get("maxmemory")["maxmemory"]) > 0
        assert client.config_get("appendonly")["appendonly"] == "yes"
        client.set("left", "behind")


@pytest.mark.services
def test_redis_is_empty_again(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


@pytest.mark.services
def test_kafka_listens(kafka_bootstrap: str) -> None:
    host, _, port = kafka_bootstrap.rpartition(":")
    socket.create_connection((host, int(port)), timeout=5).close()


@pytest.mark.services
def test_clickhouse_answers_and_nobody_made_the_database(clickhouse_url: str) -> None:
    server, _, database = clickhouse_url.rpartition("/")
    assert ask(server, f"SELECT count() FROM system.databases WHERE name = '{database}'") == "0"  # noqa: S608 - our own name
