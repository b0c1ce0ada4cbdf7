"""Programs that post events for somebody, by a key of scope `ingest`."""

import asyncio
import hashlib
from typing import Any

import pytest

from ingest.contract.snapshot import Poster
from ingest.contract.used import KEY as USED
from ingest.limit import Rate
from tests.ingest.fake import FIREFOX, FakeRedis, Stand, a_site, an_event

TOKEN = "sk_for_posting"
OTHER = "site_bbbbbbbbbbbbbbbb"
TRUSTED = {"revenue": {"currency": "EUR", "type": None, "trusted": True}}
PAID = {"type": "purchase", "revenue": {"amount": "19.90", "currency": "EUR", "transaction": "o-17"}}


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def stand(settings: Any = None, **options: Any) -> Stand:
    redis = FakeRedis(posters={hashed(TOKEN): Poster("key1", frozenset({"shop01"}))})
    redis.publish(a_site(settings=settings), a_site("shop02", OTHER))
    return Stand(redis=redis, **options)


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_it_is_believed_of_whom_it_sends() -> None:
    """Each address and agent is somebody else, although all come from one server; without the key nobody is."""
    with stand() as ingest:
        for address in ("198.51.100.1", "198.51.100.1, 10.0.0.1", " [2001:db8::1]:4711 , x", "198.51.100.2"):
            assert ingest.post(an_event(visitor=None), x_forwarded_for=address, **bearer()).status_code == 202
        assert ingest.post(an_event(visitor=None), user_agent="Mozilla/5.0 Firefox/1", **bearer()).status_code == 202
        for address in ("198.51.100.1", "198.51.100.2"):
            ingest.post(an_event(visitor=None), x_forwarded_for=address)
        first, again, sixth, second, agent, *unbelieved = [event.visitor for event in ingest.producer.events]
        assert first == again and len({first, sixth, second, agent}) == 4
        assert len(set(unbelieved)) == 1 and unbelieved[0] not in (first, second)


@pytest.mark.parametrize(
    "header",
    ["Bearer sk_another", "Bearer ", "Bearer", "", "Basic sk_for_posting", "sk_for_posting", f"Bearer {TOKEN}\xff"],
)
def test_who_has_no_such_key_is_anybody(header: str) -> None:
    with stand(TRUSTED) as ingest:
        raw = [
            ("user-agent", FIREFOX.encode()),
            ("authorization", header.encode("latin-1")),
            ("x-forwarded-for", b"198.51.100.1"),
        ]
        answer = ingest.run(ingest.client.post("/e", json=an_event(visitor=None, **PAID), headers=raw))  # type: ignore[arg-type]
        assert answer.status_code == 202
        ingest.post(an_event(visitor=None, **PAID))
        sent, plain = ingest.producer.events
        assert (sent.visitor, sent.revenue) == (plain.visitor, None)


def test_a_key_posts_for_its_sites_only() -> None:
    with stand() as ingest:
        answer = ingest.post([an_event(), an_event(site=OTHER)], **bearer())
        assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
        assert answer.json()["errors"] == [{"index": 1, "field": "site", "message": "not a site of this key"}]
        assert ingest.post(an_event(site=OTHER), **bearer()).status_code == 404
        assert ingest.post(an_event(site=OTHER)).status_code == 202


def test_a_new_key_is_good_at_once_and_one_that_ended_no_longer() -> None:
    with stand(TRUSTED) as ingest:
        ingest.post(an_event(**PAID), **bearer("sk_new"))
        ingest.redis.posters[hashed("sk_new")] = Poster("key2", frozenset({"shop01"}))
        ingest.redis.publish(a_site(settings=TRUSTED), version=2)
        ingest.post(an_event(**PAID), **bearer("sk_new"))
        ingest.redis.posters.clear()
        ingest.redis.publish(a_site(settings=TRUSTED), version=3)
        ingest.run(ingest.ingest.know())  # what its loop does every second
        ingest.post(an_event(**PAID), **bearer("sk_new"))
        assert [event.revenue is not None for event in ingest.producer.events] == [False, True, False]


def test_who_cannot_be_asked_about_keys_refuses_nobody_for_good() -> None:
    with stand() as ingest:
        ingest.redis.away = True
        assert ingest.post(an_event(), **bearer("sk_new")).status_code == 503
        assert ingest.post(an_event(), **bearer()).status_code == 202


def test_the_rate_is_of_whom_it_sends_for() -> None:
    with stand(address_rate=Rate(1, 2)) as ingest:
        for number in range(6):
            answer = ingest.post(an_event(), x_forwarded_for=f"198.51.100.{number}", **bearer())
            assert answer.status_code == 202
        statuses = [ingest.post(an_event(), x_forwarded_for="198.51.100.99", **bearer()).status_code for _ in range(3)]
        assert statuses == [202, 202, 429]


def test_the_day_of_its_use_is_noted_once() -> None:
    with stand() as ingest:
        for _ in range(3):
            ingest.post(an_event(), **bearer())
        ingest.run(asyncio.sleep(0))
        assert ingest.redis.hashes[USED] == {"key1": b"2025-11-24"}


def test_where_only_keys_are_trusted_nobody_else_claims_an_order() -> None:
    """What they send is an event all the same."""
    with stand(TRUSTED) as ingest:
        ingest.post(an_event(**PAID))
        ingest.post(an_event(**PAID), **bearer())
        claimed, paid = ingest.producer.events
        assert (claimed.type, claimed.revenue) == ("purchase", None)
        assert paid.revenue is not None and paid.revenue.transaction == "o-17"
    with stand({"revenue": {"currency": "EUR"}}) as ingest:
        ingest.post(an_event(**PAID))
        assert ingest.producer.events[0].revenue is not None
