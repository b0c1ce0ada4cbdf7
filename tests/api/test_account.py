"""Keys, passwords and sessions: shown once, stored as hashes, over when they are over."""

import asyncio
import ipaddress
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from api import account, client, serve, signin
from api.registry import change, secret, sharing
from api.registry.change import create_account
from api.registry.refusal import Refusal
from tests.api.conftest import PASSWORD, Http, Served

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


@dataclass
class Guessing:
    """People who sign in from addresses of their choice."""

    served: Served

    @property
    def emails(self) -> tuple[str, str]:
        return self.served.anna.account.email, self.served.bert.account.email

    def wrong(self, email: str, address: str) -> httpx.Response:
        return self._guess(email, "wrong", address)

    def right(self, email: str, address: str) -> httpx.Response:
        return self._guess(email, PASSWORD, address)

    def counted(self, kind: str) -> list[int]:
        found = [self.served.redis.get(name) for name in names(self.served, f"throughline:guess:{kind}:*")]
        return [int(count) for count in found if isinstance(count, bytes)]

    def used(self, kind: str, count: int) -> None:
        for name in names(self.served, f"throughline:guess:{kind}:*"):
            self.served.redis.set(name, count, keepttl=True)

    def _guess(self, email: str, password: str, address: str) -> httpx.Response:
        transport = httpx.ASGITransport(Starlette(routes=self.served.api.routes), client=(address, 4711))
        http = Http(self.served.http.portal, httpx.AsyncClient(transport=transport, base_url="http://stats.example"))
        try:
            return http.post("/api/login", json={"email": email, "password": password})
        finally:
            http.portal.call(http.client.aclose)


@pytest.mark.services
def test_a_key_is_shown_once_and_stored_nowhere(served: Served) -> None:
    served = served.with_new_tenants()
    made = served.send("POST", "/api/keys")
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    key = made.json()["key"]
    assert served.http.get("/api/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    listed = served.get("/api/keys")
    assert [each["masked"] for each in listed.json()][1] == f"{key[:7]}…{key[-4:]}"
    assert key not in listed.text
    bodies = served.client.rows("SELECT body FROM registry")
    assert not any(key in row["body"] for row in bodies)
    assert any(secret.sha256(key) in row["body"] for row in bodies)
    assert not any(key.encode() in name for name in names(served))
    path = f"/api/keys/{made.json()['id']}"
    foreign = served.http.request("DELETE", path, headers=served.bert.headers)
    assert foreign.status_code == 404
    assert served.send("DELETE", path).status_code == 204
    assert served.send("DELETE", path).status_code == 404
    assert served.http.get("/api/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401


@pytest.mark.services
def test_a_session_begins_with_the_password_and_ends_with_logout(served: Served) -> None:
    served = served.with_new_tenants()
    answer = signed_in(served)
    assert answer.status_code == 200
    known = {"id": served.anna.account.id, "email": served.anna.account.email}
    assert answer.json() == {**known, "must_change_password": False}
    attributes = [part.strip() for part in answer.headers["set-cookie"].split(";")][1:]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert "Secure" not in attributes
    cookie = cookie_of(answer)
    token = cookie["Cookie"].partition("=")[2]
    assert not any(token.encode() in name for name in names(served))
    assert served.http.get("/api/sites", headers=cookie).json()[0]["id"] == served.anna.site.id
    second = cookie_of(
        served.http.post(
            "/api/login", json={"email": served.anna.account.email, "password": PASSWORD}, headers={**HERE, **cookie}
        )
    )
    assert second != cookie
    assert served.http.get("/api/me", headers=cookie).status_code == 401  # a new sign-in ends the session before
    out = served.http.post("/api/logout", headers={**HERE, **second})
    assert (out.status_code, "Max-Age=0" in out.headers["set-cookie"]) == (204, True)
    assert served.http.get("/api/me", headers=second).status_code == 401


@pytest.mark.services
def test_a_session_nobody_began_is_refused(served: Served) -> None:
    for token in ("", "x", "../..", "throughline:session:", '"'):
        assert served.http.get("/api/me", headers={"Cookie": f"{signin.COOKIE}={token}"}).status_code == 401
    planted = {"Cookie": f"{signin.COOKIE}=chosen-by-the-attacker"}
    body = {"email": served.anna.account.email, "password": PASSWORD}
    answer = served.http.post("/api/login", json=body, headers=planted)
    assert "chosen-by-the-attacker" not in answer.headers["set-cookie"]
    assert served.http.get("/api/me", headers=planted).status_code == 401
    wrong_key = {**cookie_of(answer), "Authorization": "Bearer sk_wrong"}
    assert served.http.get("/api/me", headers=wrong_key).status_code == 401


@pytest.mark.services
@pytest.mark.parametrize(
    "origin", [{}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": "http://stats.example.evil"}]
)
def test_changes_by_cookie_come_from_the_own_origin(served: Served, origin: dict[str, str]) -> None:
    served = served.with_new_tenants()
    cookie = cookie_of(signed_in(served))
    site = f"/api/sites/{served.anna.site.id}"
    changes = [
        ("POST", "/api/sites"),
        ("PATCH", site),
        ("DELETE", site),
        ("POST", "/api/keys"),
        ("POST", "/api/logout"),
    ]
    for method, path in changes:
        refused = served.http.request(method, path, json={"name": "x"}, headers={**cookie, **origin})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden_origin"), path
    assert served.http.get(site, headers={**cookie, **origin}).json()["name"] == served.anna.site.name
    allowed = served.http.request("PATCH", site, json={"name": "x"}, headers={**cookie, **HERE})
    assert allowed.status_code == 200
    # A key is no cookie: no browser sends it by itself.
    assert served.send("PATCH", site, {"name": "y"}, **origin).status_code == 200


HOME, ELSEWHERE = "198.51.100.1", "203.0.113.66"


@pytest.fixture
def guessed(served: Served) -> Iterator[Guessing]:
    served.redis.delete(*names(served, "throughline:guess:*"), "none")
    yield Guessing(served.with_new_tenants())
    served.redis.delete(*names(served, "throughline:guess:*"), "none")


@pytest.mark.services
def test_guessing_is_slowed_for_the_account_and_for_the_address(guessed: Guessing) -> None:
    """S20."""
    anna, bert = guessed.emails
    unknown, wrong = guessed.wrong("nobody@example.com", ELSEWHERE), guessed.wrong(anna, ELSEWHERE)
    assert (unknown.status_code, unknown.text) == (401, wrong.text)
    statuses = [guessed.wrong(anna, ELSEWHERE).status_code for _ in range(signin.GUESSES_AN_ACCOUNT)]
    assert statuses == [401] * (signin.GUESSES_AN_ACCOUNT - 1) + [429]
    slowed = guessed.right(anna, ELSEWHERE)
    assert slowed.status_code == 429
    assert 0 < int(slowed.headers["retry-after"]) <= signin.GUESS_SECONDS
    assert guessed.right(bert, ELSEWHERE).status_code == 200
    guessed.used("address", signin.GUESSES_AN_ADDRESS)
    assert guessed.right(bert, ELSEWHERE).status_code == 429


@pytest.mark.services
def test_wrong_passwords_from_elsewhere_keep_nobody_out(guessed: Guessing) -> None:
    """S25."""
    anna, _ = guessed.emails
    for _ in range(signin.GUESSES_AN_ACCOUNT + 2):
        last = guessed.wrong(anna, ELSEWHERE)
    assert last.status_code == 429
    assert guessed.right(anna, HOME).status_code == 200
    # However many addresses they come from, the owner's own stays open.
    guessed.used("strangers", signin.GUESSES_OF_STRANGERS)
    assert guessed.wrong(anna, "192.0.2.200").status_code == 429
    assert guessed.right(anna, "192.0.2.201").status_code == 429
    assert guessed.right(anna, HOME).status_code == 200
    assert guessed.wrong(anna, HOME).status_code == 401


@pytest.mark.services
def test_what_one_address_is_refused_uses_up_nothing_of_the_others(guessed: Guessing) -> None:
    anna, _ = guessed.emails
    for _ in range(signin.GUESSES_AN_ACCOUNT + 5):
        guessed.wrong(anna, ELSEWHERE)
    assert guessed.counted("strangers") == [signin.GUESSES_AN_ACCOUNT]
    assert guessed.counted("address") == [signin.GUESSES_AN_ACCOUNT + 5]


@pytest.mark.services
def test_the_right_password_forgives(guessed: Guessing) -> None:
    anna, _ = guessed.emails
    for _ in range(3):
        for _ in range(signin.GUESSES_AN_ACCOUNT - 1):
            assert guessed.wrong(anna, HOME).status_code == 401
        assert guessed.right(anna, HOME).status_code == 200


@pytest.mark.services
def test_many_who_know_the_password_are_no_guessers(guessed: Guessing) -> None:
    anna, _ = guessed.emails
    guessed.wrong(anna, HOME)
    guessed.used("address", signin.GUESSES_AN_ADDRESS - 1)
    guessed.used("strangers", signin.GUESSES_OF_STRANGERS - 1)
    assert [guessed.right(anna, HOME).status_code for _ in range(3)] == [200] * 3  # an office behind one address
    assert guessed.right(anna, ELSEWHERE).status_code == 200
    assert guessed.counted("address").count(signin.GUESSES_AN_ADDRESS - 1) == 1
    assert guessed.counted("strangers") == [signin.GUESSES_OF_STRANGERS - 1]
    assert guessed.wrong(anna, HOME).status_code == 401
    assert guessed.right(anna, HOME).status_code == 429
    ends = [guessed.served.redis.pttl(name) for name in names(guessed.served, "throughline:guess:*")]
    assert all(isinstance(end, int) and end > 0 for end in ends)


@pytest.mark.services
def test_attempts_counted_under_a_clock_ahead_last_no_longer_than_others(served: Served, guessed: Guessing) -> None:
    anna, _ = guessed.emails
    for _ in range(signin.GUESSES_AN_ACCOUNT):
        guessed.wrong(anna, ELSEWHERE)
    for name in names(served, "throughline:guess:*"):
        served.redis.expire(name, 90_000)
    slowed = guessed.right(anna, ELSEWHERE)
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) <= signin.GUESS_SECONDS
    left = served.redis.ttl(names(served, "throughline:guess:account:*")[0])
    assert isinstance(left, int) and left <= signin.GUESS_SECONDS


@pytest.mark.services
def test_a_64_of_ipv6_is_one_address(guessed: Guessing) -> None:
    anna, _ = guessed.emails
    statuses = [
        guessed.wrong(anna, f"2001:db8:1:2:{number:x}::{number:x}").status_code
        for number in range(signin.GUESSES_AN_ACCOUNT + 1)
    ]
    assert statuses == [401] * signin.GUESSES_AN_ACCOUNT + [429]
    assert guessed.wrong(anna, "2001:db8:1:3::1").status_code == 401
    # An address of IPv4 is that, however it is written.
    for _ in range(signin.GUESSES_AN_ACCOUNT):
        guessed.wrong(anna, "192.0.2.1")
    assert guessed.wrong(anna, "::ffff:192.0.2.1").status_code == 429


@pytest.mark.services
def test_limits_name_nobody_and_end(guessed: Guessing) -> None:
    anna, _ = guessed.emails
    guessed.wrong(anna, HOME)
    guessed.right(anna, HOME)
    kept = names(guessed.served, "throughline:guess:*") + names(guessed.served, "throughline:known:*")
    assert len(kept) >= 3
    for name in kept:
        assert b"198.51" not in name and b"@" not in name
        assert 0 < guessed.served.redis.ttl(name) <= signin.KNOWN_SECONDS


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
