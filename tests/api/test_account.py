"""Keys, passwords and sessions: shown once, stored as hashes, over when they are over."""

import ipaddress
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from redis import Redis
from starlette.requests import Request

from api import client, signin
from api.problem import Problem
from api.registry import secret
from api.registry.change import create_account
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


def test_passwords_are_argon2id_and_a_missing_account_is_as_slow() -> None:
    hashed = secret.hash_password("12345678")
    assert hashed.startswith("$argon2id$")
    assert secret.is_password("12345678", hashed)
    assert not secret.is_password("12345679", hashed)
    assert not secret.is_password("12345678", None)
    for bad in ("1234567", "x" * 1001):
        with pytest.raises(ValueError, match="8 to 1000"):
            secret.hash_password(bad)


def request(peer: str, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: dict[str, Any] = {"type": "http", "client": (peer, 1), "headers": raw, "path": "/", "query_string": b""}
    return Request({**scope, "scheme": "http", "server": ("stats.example", 80), "method": "POST"})


def test_only_trusted_proxies_are_believed() -> None:
    trusted = [ipaddress.ip_network("10.0.0.0/8")]
    assert client.address(request("203.0.113.7", x_forwarded_for="1.2.3.4"), trusted) == "203.0.113.7"
    assert client.address(request("10.0.0.1", x_forwarded_for="6.6.6.6, 1.2.3.4"), trusted) == "1.2.3.4"
    assert client.address(request("10.0.0.1", x_forwarded_for="1.2.3.4, 10.9.9.9"), trusted) == "1.2.3.4"
    assert client.is_secure(request("10.0.0.1", x_forwarded_proto="https"), trusted)
    assert not client.is_secure(request("203.0.113.7", x_forwarded_proto="https"), trusted)
    assert client.is_same_origin(request("9.9.9.9", host="a.example", origin="https://a.example"), trusted)
    for origin in ("https://b.example", "null", "", "https://a.example.evil", "http://a.example:81"):
        assert not client.is_same_origin(request("9.9.9.9", host="a.example", origin=origin), trusted)
    forwarded = {"host": "internal", "x_forwarded_host": "a.example", "origin": "https://a.example"}
    assert client.is_same_origin(request("10.0.0.1", **forwarded), trusted)
    assert not client.is_same_origin(request("9.9.9.9", **forwarded), trusted)


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
    assert answer.json() == {"id": served.anna.account.id, "email": served.anna.account.email}
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


@pytest.mark.services
def test_guessing_is_slowed_for_the_account_and_for_the_address(served: Served) -> None:
    served = served.with_new_tenants()
    served.redis.delete(*names(served, "throughline:guess:*"))

    def guess(email: str, password: str = "wrong") -> httpx.Response:  # noqa: S107
        return served.http.post("/api/login", json={"email": email, "password": password})

    email = served.anna.account.email
    unknown, wrong = guess("nobody@example.com"), guess(email)
    assert (unknown.status_code, unknown.text) == (401, wrong.text)
    statuses = [guess(email).status_code for _ in range(signin.GUESSES_AN_ACCOUNT)]
    assert statuses == [401] * (signin.GUESSES_AN_ACCOUNT - 1) + [429]
    slowed = guess(email, PASSWORD)
    assert slowed.status_code == 429
    assert 0 < int(slowed.headers["retry-after"]) <= signin.GUESS_SECONDS
    assert guess(served.bert.account.email, PASSWORD).status_code == 200
    for name in names(served, "throughline:guess:*"):
        assert b"203.0.113.7" not in name and b"@" not in name
        assert served.redis.ttl(name) > 0
        if b":address:" in name:
            served.redis.set(name, signin.GUESSES_AN_ADDRESS, keepttl=True)
    assert guess(served.bert.account.email, PASSWORD).status_code == 429
    served.redis.delete(*names(served, "throughline:guess:*"))


@pytest.mark.services
def test_guesses_with_ever_new_emails_leave_no_more_than_the_addresss_limit(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        refused = 0
        for number in range(3 * signin.GUESSES_AN_ADDRESS):
            try:
                signin.count_guess(redis, f"person{number}@example.com", f"2001:db8:1:2::{number:x}")
            except Problem as problem:
                assert problem.status == 429
                refused += 1
        assert refused == 2 * signin.GUESSES_AN_ADDRESS
        assert redis.dbsize() == 1 + signin.GUESSES_AN_ADDRESS
        signin.count_guess(redis, "person0@example.com", "2001:db8:1:3::1")  # another network is another address


def test_few_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    running: list[int] = []

    class Hasher:
        def verify(self, hashed: str, password: bytes) -> bool:
            running.append(1)
            at_once.append(len(running))
            time.sleep(0.01)  # the others get their chance
            running.pop()
            return bool(hashed and password)

    monkeypatch.setattr(secret, "_hasher", Hasher())
    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(lambda _: secret.is_password("x", "hashed"), range(32)))
    assert max(at_once) <= 2


@pytest.mark.services
def test_accounts(served: Served) -> None:
    for email, password, param, status in (
        ("no email", "long enough", "email", 400),
        ("a@b\x00", "long enough", "email", 400),
        ("a@b.example", "short", "password", 400),
        (served.anna.account.email.upper(), "long enough", "email", 409),
    ):
        with pytest.raises(Problem) as refused:
            create_account(served.registry, email, password)
        assert (refused.value.detail.param, refused.value.status) == (param, status)
