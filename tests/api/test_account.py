"""Keys, passwords and sessions: shown once, stored as hashes, over when they are over."""

import asyncio
import ipaddress
import re
import threading
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from api import account, client, serve, signin
from api.registry import change, secret, sharing
from api.registry.change import create_account
from api.registry.refusal import Refusal
from tests.api.conftest import PASSWORD, Served

HERE = {"Origin": "http://stats.example"}


def signed_in(served: Served) -> httpx.Response:
    body = {"email": f" {served.anna.account.email.upper()} ", "password": PASSWORD}
    return served.http.post("/api/login", json=body, headers=HERE)


def names(served: Served, pattern: str = "*") -> list[Any]:
    found = served.redis.keys(pattern)
    assert isinstance(found, list)
    return found


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def test_keys_are_long_random_and_url_safe() -> None:
    keys = {secret.new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"sk_[A-Za-z0-9_-]{43}", key) for key in keys)
    assert secret.shown("sk_abcdefgh") == ("sk_abcd", "efgh")


@pytest.mark.usefixtures("dear_passwords")
def test_passwords_are_argon2id_and_a_missing_account_is_as_slow() -> None:
    hashed = secret.hash_password("123456789012")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert secret.is_password("123456789012", hashed)
    assert not secret.is_password("123456789013", hashed)
    assert not secret.is_password("123456789012", None)
    for bad in ("12345678901", "x" * 1001):
        with pytest.raises(ValueError, match="12 to 1000"):
            secret.hash_password(bad)


def request(peer: str, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "client": (peer, 1), "headers": raw, "path": "/", "query_string": b""}
    return Request({**scope, "scheme": "http", "server": ("stats.example", 80), "method": "POST"})


def test_only_trusted_proxies_are_believed() -> None:
    trusted = [ipaddress.ip_network("10.0.0.0/8")]
    for peer, chain, address in (
        ("203.0.113.7", "1.2.3.4", "203.0.113.7"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, 10.9.9.9", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4:4711", "1.2.3.4"),  # some proxies add the port, a new one for every connection
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "whoever", "10.0.0.1"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
    ):
        assert str(client.address(request(peer, x_forwarded_for=chain), trusted)) == address
    assert not client.is_secure(request("", x_forwarded_proto="https"), trusted)
    assert client.is_secure(request("10.0.0.1", x_forwarded_proto="https"), trusted)
    assert not client.is_secure(request("203.0.113.7", x_forwarded_proto="https"), trusted)
    assert client.is_same_origin(request("9.9.9.9", host="a.example", origin="https://a.example"), trusted)
    for origin in ("https://b.example", "null", "", "https://a.example.evil", "http://a.example:81", "http://[", "://"):
        assert not client.is_same_origin(request("9.9.9.9", host="a.example", origin=origin), trusted)
    forwarded = {"host": "internal", "x_forwarded_host": "a.example", "origin": "https://a.example"}
    assert client.is_same_origin(request("10.0.0.1", **forwarded), trusted)
    assert not client.is_same_origin(request("9.9.9.9", **forwarded), trusted)


@pytest.mark.services
def test_passwords_are_hashed_two_at_a_time_and_other_questions_are_answered(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many sign in at once: the rest of them are told to come again."""
    served = served.with_new_tenants()
    free, hashing, most, lock = threading.Event(), 0, 0, threading.Lock()

    def slow(*_: object) -> bool:
        nonlocal hashing, most
        with lock:
            hashing += 1
            most = max(most, hashing)
        free.wait(20)
        with lock:
            hashing -= 1
        return False

    monkeypatch.setattr(account, "is_password", slow)
    monkeypatch.setattr(signin, "count_guess", lambda *_: None)
    body = {"email": served.anna.account.email, "password": "x"}
    room = serve.HASHING + serve.WAITING_TO_HASH

    async def many() -> list[httpx.Response]:
        asked = [asyncio.create_task(served.http.client.post("/api/login", json=body)) for _ in range(room + 5)]
        refused = [await next(asyncio.as_completed(asked)) for _ in range(1)]
        while sum(task.done() for task in asked) < 5:
            await asyncio.sleep(0.01)
        for _ in range(serve.THREADS):
            answer = await served.http.client.get("/api/sites", headers=served.anna.headers)
            assert answer.status_code == 200
        free.set()
        assert refused[0].status_code == 503
        return list(await asyncio.gather(*asked))

    answers = served.http.portal.call(many)
    assert sorted(answer.status_code for answer in answers) == [401] * room + [503] * 5
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 503)
    assert most == serve.HASHING


@pytest.mark.services
def test_accounts(served: Served) -> None:
    for email, password, param, kind in (
        ("no email", "long enough.", "email", "invalid"),
        ("a@b\x00", "long enough.", "email", "invalid"),
        ("a@b.example", "short", "password", "invalid"),
        (served.anna.account.email.upper(), "long enough.", "email", "conflict"),
    ):
        with pytest.raises(Refusal) as refused:
            create_account(served.registry, email, password)
        assert (refused.value.field, refused.value.kind) == (param, kind)


@pytest.mark.services
def test_keys_and_sites_of_an_account_are_bounded(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change, "MAX_KEYS", 3)  # the first is there
    monkeypatch.setattr(change, "MAX_SITES", 3)
    served = served.with_new_tenants()
    _, invitation = sharing.invite(served.registry, served.bert.account.id, served.bert.site.id, "owner", "")
    sharing.accept(served.registry, invitation, served.anna.account.id)  # who made it has it
    served.learn()
    keys = [served.send("POST", "/api/keys", {}) for _ in range(3)]
    sites = [served.send("POST", "/api/sites", {"name": "own", "domain": f"own{at}.example"}) for at in range(3)]
    for made, what in ((keys, "at most 3 keys"), (sites, "at most 3 sites")):
        assert [each.status_code for each in made] == [201, 201, 409]
        assert made[2].json()["error"]["code"] == "conflict" and what in made[2].json()["error"]["message"]
    assert served.send("DELETE", f"/api/keys/{keys[0].json()['id']}").status_code == 204
    assert served.send("DELETE", f"/api/sites/{sites[0].json()['id']}").status_code == 204
    assert served.send("POST", "/api/keys", {}).status_code == 201
    assert served.send("POST", "/api/sites", {"name": "own", "domain": "own.example"}).status_code == 201
