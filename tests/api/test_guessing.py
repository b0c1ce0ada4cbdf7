"""Who guesses passwords is slowed, and keeps nobody else out."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette

from api import signin
from api.registry import secret
from tests.api.conftest import PASSWORD, Http, Served
from tests.api.test_account import HERE, cookie_of, names, signed_in


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
