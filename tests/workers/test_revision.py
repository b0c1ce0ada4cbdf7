"""The revisions of sites: none while a batch is under way, a new one after it, and never one that was there before."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from ingest.contract.revision import LEFT_MS, UNSURE_MS, Revision, Revisions
from tests.services.redis import RedisServer

pytestmark = pytest.mark.services
NOW = 1_750_000_000_000


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """One that has been there for long enough."""
    with Redis.from_url(redis_url) as client:
        Revisions(client, lambda: NOW - UNSURE_MS - 1).read([])
        yield client


def count(revisions: Revisions, *sites: str, place: str = "log/0") -> None:
    with revisions.changing(place, sites):
        pass


def settled(revisions: Revisions, *sites: str) -> Revision:
    found = revisions.read(sites)
    assert found is not None
    return found


def test_a_batch_changes_the_revision_of_its_sites_and_of_no_other(redis: Redis) -> None:
    revisions = Revisions(redis, lambda: NOW)
    count(revisions, "a", "b")
    count(revisions, "c")
    before = {site: settled(revisions, site) for site in "abc"}
    both = settled(revisions, "a", "c")
    assert before == {site: settled(revisions, site) for site in "abc"}
    count(revisions, "a")
    assert settled(revisions, "a") != before["a"]
    assert [settled(revisions, site) for site in "bc"] == [before["b"], before["c"]]
    assert settled(revisions, "a", "c") != both
    assert both.at == NOW


def test_while_a_batch_is_under_way_its_sites_have_no_revision(redis: Redis) -> None:
    revisions = Revisions(redis, lambda: NOW)
    count(revisions, "a", "b")
    with revisions.changing("log/0", {"a"}):
        assert revisions.read(["a"]) is None and revisions.read(["b", "a"]) is None
        assert revisions.read(["b"]) is not None
        with revisions.changing("log/1", {"a", "b"}):
            assert revisions.read(["b"]) is None
        assert revisions.read(["a"]) is None, "the other partition's batch is not finished"
        assert revisions.read(["b"]) is not None
    assert revisions.read(["a"]) is not None
    assert redis.hlen("throughline:{revision}:busy") == redis.hlen("throughline:{revision}:batches") == 0


def test_what_a_dead_worker_left_is_open_until_its_partition_is_taken(redis: Redis) -> None:
    revisions = Revisions(redis, lambda: NOW)
    count(revisions, "a", "b")
    before = settled(revisions, "b")
    for _ in range(2):  # killed twice
        with pytest.raises(KeyboardInterrupt), revisions.changing("log/0", {"a", "b"}):
            raise KeyboardInterrupt
    count(revisions, "b", place="log/1")
    for place in ("log/1", "log/00", "log/"):
        revisions.left(place)()
    assert revisions.read(["a"]) is None and revisions.read(["b"]) is None
    whole = revisions.left("log/0")
    assert revisions.read(["a"]) is None and revisions.read(["b"]) is None
    whole()
    assert revisions.read(["a"]) is not None and settled(revisions, "b") != before


def test_what_nobody_comes_back_for_keeps_no_site_open_for_ever(redis: Redis) -> None:
    clock = Clock()
    revisions = Revisions(redis, clock)
    with pytest.raises(KeyboardInterrupt), revisions.changing("gone/0", {"a"}):
        raise KeyboardInterrupt
    clock.now += LEFT_MS
    assert revisions.read(["a"]) is None
    clock.now += 1
    before = settled(revisions, "a")
    revisions.left("gone/0")()
    assert settled(revisions, "a") != before


def test_who_was_overtaken_at_its_place_does_not_end_the_batch_of_the_other(redis: Redis) -> None:
    revisions = Revisions(redis, lambda: NOW)
    count(revisions, "a", "b")
    whole = revisions.left("log/0")  # takes the partition, and stands still
    with revisions.changing("log/0", {"a", "b"}):
        whole()
        assert revisions.read(["a"]) is None
        count(revisions, "a")  # does once more what another has done for it
        assert revisions.read(["a"]) is None and revisions.read(["b"]) is None
    assert revisions.read(["a", "b"]) is not None


def test_a_site_without_any_batch_has_a_revision_until_it_has_one(redis: Redis) -> None:
    revisions = Revisions(redis, lambda: NOW)
    assert settled(revisions, "a") == settled(revisions, "b") == settled(revisions, "a")
    with revisions.changing("log/0", {"a"}):
        assert revisions.read(["a"]) is None
    assert settled(revisions, "a") != settled(revisions, "b")


def test_a_redis_that_forgot_within_a_batch_is_believed_when_that_has_ended(redis: Redis) -> None:
    clock = Clock()
    revisions = Revisions(redis, clock)
    count(revisions, "a")
    seen = settled(revisions, "a")
    with revisions.changing("log/0", {"a"}):
        redis.flushdb()
        assert revisions.read(["a"]) is None
        count(revisions, "a", place="log/1")
        clock.now += UNSURE_MS
        assert revisions.read(["a"]) is None and revisions.read(["b"]) is None
    assert revisions.read(["a"]) is None
    clock.now += 1
    assert settled(revisions, "a") != seen
    assert redis.hlen("throughline:{revision}:busy") == 0
    clock.now = NOW - 1
    assert revisions.read(["a"]) is None, "a clock that was ahead remembers it"


def test_a_redis_that_was_put_back_has_other_revisions_than_the_one_before(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    server.start()
    try:
        with Redis.from_url(server.url) as redis:
            revisions = Revisions(redis, lambda: NOW)
            Revisions(redis, lambda: 0).read([])
            count(revisions, "a")
            before = settled(revisions, "a")
            shutil.copytree(server.data, tmp_path / "copy")
            count(revisions, "a")
        server.kill()
        shutil.rmtree(server.data)
        shutil.copytree(tmp_path / "copy", server.data)
        server.start()
        with Redis.from_url(server.url) as redis:
            assert redis.hget("throughline:{revision}", "a") is not None
            assert settled(Revisions(redis, lambda: NOW), "a") != before
    finally:
        server.stop()


def test_no_full_redis_keeps_a_batch_from_being_counted(tmp_path: Path) -> None:
    server = RedisServer(tmp_path, maxmemory="3mb")
    server.start()
    try:
        with Redis.from_url(server.url) as redis:
            redis.config_set("maxmemory", "1")
            count(Revisions(redis, lambda: NOW), "a")
            assert Revisions(redis, lambda: NOW + UNSURE_MS + 1).read(["a"]) is not None
    finally:
        server.stop()


def test_the_commands_of_a_batch(redis: Redis) -> None:
    """One before and one after, however many sites; Redis holds a line a site."""
    revisions = Revisions(redis, lambda: NOW)

    def calls() -> int:
        return int(redis.info("commandstats").get("cmdstat_eval", {}).get("calls", 0))

    before = calls()
    for _ in range(3):
        count(revisions, *(f"site{number}" for number in range(2_000)))
    assert calls() - before == 6
    assert redis.hlen("throughline:{revision}") == 2_001
    assert sum(int(redis.memory_usage(key) or 0) for key in redis.keys("throughline:{revision}*")) < 400_000
