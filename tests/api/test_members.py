"""Invitations are used once, members do what their role says, and a site keeps an owner."""

import threading
from typing import Any

import httpx
import pytest

from api.problem import refused
from api.registry import sharing
from api.registry.change import create_account
from api.registry.refusal import Refusal
from api.registry.secret import sha256
from api.registry.store import Registry
from tests.api.conftest import PASSWORD, Served
from tests.api.test_account import HERE, cookie_of, names, signed_in
from tests.api.test_guessing import guessed

__all__ = ["guessed"]
pytestmark = pytest.mark.services


def invited(served: Served, role: str = "viewer", email: str = "") -> str:
    """The token of a new invitation to Anna's site."""
    made = served.send("POST", f"/api/sites/{served.anna.site.id}/members", {"role": role, "email": email})
    assert made.status_code == 201, made.text
    assert made.json()["url"].startswith("http://stats.example/invite/")
    return str(made.json()["url"]).rpartition("/")[2]


def accept(served: Served, token: str, body: Any = None, **headers: str) -> httpx.Response:
    return served.http.post(f"/api/invitations/{token}", json=body, headers=headers)


def members(served: Served) -> list[tuple[str, str, str]]:
    found = served.get(f"/api/sites/{served.anna.site.id}/members").json()
    return [(each["email"], each["role"], each["state"]) for each in found]


def test_an_invitation_is_a_link_that_makes_one_member(served: Served) -> None:
    served = served.with_new_tenants()
    anna, bert, site = served.anna, served.bert, served.anna.site
    token = invited(served, "editor", " Carl@Example.com ")
    assert members(served) == [(anna.account.email, "owner", "member"), ("carl@example.com", "editor", "invited")]
    assert not any(token in row["body"] for row in served.client.rows("SELECT body FROM registry"))
    told = served.http.get(f"/api/invitations/{token}").json()
    assert (told["site"], told["role"], told["email"]) == (site.name, "editor", "carl@example.com")
    email = f"carl{served.registry.state.revision}@example.com"
    weak = accept(served, token, {"email": email, "password": "elevenchars"})
    assert (weak.status_code, weak.json()["error"]["param"]) == (400, "password")
    assert accept(served, token).status_code == 401
    assert accept(served, token, {"email": email}).status_code == 400
    made = accept(served, token, {"email": email, "password": PASSWORD}, **HERE)
    assert made.status_code == 200 and (made.json()["site"], made.json()["role"]) == (site.id, "editor")
    carl = {**cookie_of(made), **HERE}
    assert [each["id"] for each in served.http.get("/api/sites", headers=carl).json()] == [site.id]
    assert served.http.get("/api/me", headers=carl).json()["roles"] == {site.id: "editor"}
    for again in (accept(served, token), accept(served, token, **bert.headers), served.http.get(made.url.path)):
        assert again.status_code == 404
    assert served.http.request("PATCH", f"/api/sites/{site.id}", json={"name": "x"}, headers=carl).status_code == 200
    for method, path in (("DELETE", ""), ("GET", "/members"), ("POST", "/members"), ("DELETE", "/members/x")):
        refused = served.http.request(method, f"/api/sites/{site.id}{path}", headers=carl)
        assert refused.status_code == 403, path
    assert served.http.post("/api/keys", json={"site": site.id}, headers=carl).status_code == 403
    (_, own) = served.get(f"/api/sites/{site.id}/members").json()
    assert served.send("DELETE", f"/api/sites/{site.id}/members/{own['id']}").status_code == 204
    assert served.http.get(f"/api/sites/{site.id}", headers=carl).status_code == 403
    assert served.http.get("/api/sites", headers=carl).json() == []


def test_who_is_signed_in_accepts_as_who_they_are(served: Served) -> None:
    served = served.with_new_tenants()
    token = invited(served)
    mine = accept(served, token, **served.anna.headers)
    assert (mine.status_code, mine.json()["error"]["code"]) == (409, "conflict")
    cookie = cookie_of(
        served.http.post("/api/login", json={"email": served.bert.account.email, "password": PASSWORD}, headers=HERE)
    )
    for origin in ({}, {"Origin": "http://evil.example"}):
        assert accept(served, token, **cookie, **origin).status_code == 403
    assert accept(served, token, **cookie, **HERE).status_code == 200
    assert served.http.get(f"/api/sites/{served.anna.site.id}", headers=served.bert.headers).status_code == 200
    # Their own and a link's key are no account.
    other, bound = invited(served), served.send("POST", "/api/keys", {"site": served.anna.site.id}).json()["key"]
    assert accept(served, other, Authorization=f"Bearer {bound}").status_code == 403


def test_who_has_an_account_signs_in_by_the_invitation_and_guessing_is_slowed(served: Served, guessed: Any) -> None:
    served = guessed.served
    token, bert = invited(served), served.bert.account
    statuses = [accept(served, token, {"email": bert.email, "password": "wrong"}).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    served.redis.delete(*names(served, "throughline:guess:*"))
    assert accept(served, token, {"email": bert.email, "password": PASSWORD}).status_code == 200


def test_of_two_at_once_one_gets_in_and_the_other_makes_no_account(served: Served) -> None:
    served = served.with_new_tenants()
    token = invited(served)
    before = len(served.registry.state.account_by_id)
    outcomes: list[int] = []

    def take(number: int) -> None:
        own = Registry(served.client, served.redis, served.clock)
        own.refresh()
        email = f"racer{number}-{own.state.revision}@example.com"
        try:
            sharing.accept_as_new(own, token, email, PASSWORD)
            outcomes.append(200)
        except Refusal as refusal:
            outcomes.append(refused(refusal).status)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [200, 404, 404]
    served.registry.refresh()
    assert len(served.registry.state.account_by_id) == before + 1


def test_invitations_end(served: Served) -> None:
    """After seven days, when they are withdrawn, and with the rights of who made them."""
    served = served.with_new_tenants()
    anna, bert, site = served.anna, served.bert, served.anna.site.id
    late, withdrawn = invited(served), invited(served)
    (_, _, shown) = served.get(f"/api/sites/{site}/members").json()
    assert served.send("DELETE", f"/api/sites/{site}/members?id={shown['id']}").status_code == 204
    assert accept(served, withdrawn, **bert.headers).status_code == 404
    served.clock.now += sharing.INVITATION_MS - 1
    assert served.http.get(f"/api/invitations/{late}").status_code == 200
    served.clock.now += 1
    assert accept(served, late, **bert.headers).status_code == 404
    assert [state for _, _, state in members(served)] == ["member", "expired"]
    accept(served, invited(served, "owner"), **bert.headers)
    back_door = served.http.post(f"/api/sites/{site}/members", json={"role": "owner"}, headers=bert.headers).json()
    assert served.send("DELETE", f"/api/sites/{site}/members/{bert.account.id}").status_code == 204
    assert accept(served, back_door["url"].rpartition("/")[2], **bert.headers).status_code == 404
    for token in ("x", "%00", sha256(late)):
        assert served.http.get(f"/api/invitations/{token}").status_code == 404
    assert anna.account.id


def test_a_site_keeps_an_owner_and_who_made_it_may_go(served: Served) -> None:
    served = served.with_new_tenants()
    anna, bert, site = served.anna, served.bert, served.anna.site.id
    path = f"/api/sites/{site}/members"
    last = served.send("DELETE", f"{path}/{anna.account.id}")
    assert (last.status_code, last.json()["error"]["code"]) == (409, "conflict")
    accept(served, invited(served, "owner"), **bert.headers)
    gone = served.http.request("DELETE", f"{path}/{anna.account.id}", headers=bert.headers)
    assert gone.status_code == 204
    assert served.get(f"/api/sites/{site}").status_code == 403
    assert served.get("/api/sites").json() == []
    again = served.http.request("DELETE", f"{path}/{bert.account.id}", headers=bert.headers)
    assert again.status_code == 409
    assert served.http.request("DELETE", f"{path}/nobody", headers=bert.headers).status_code == 404
    assert served.http.request("DELETE", path, headers=bert.headers).status_code == 400
    # The one who made it comes back as a viewer, and is no more than that.
    back = served.http.post(path, json={"role": "viewer"}, headers=bert.headers).json()["url"].rpartition("/")[2]
    assert accept(served, back, **anna.headers).status_code == 200
    assert served.get(f"/api/sites/{site}").status_code == 200
    assert served.send("DELETE", f"/api/sites/{site}").status_code == 403
    assert served.http.request("DELETE", f"/api/sites/{site}", headers=bert.headers).status_code == 204


def test_a_domain_that_is_somebody_elses_may_be_mine_too(served: Served) -> None:
    """A viewer of a site adds one of the same domain; an editor learns nothing of what else the owner has."""
    served = served.with_new_tenants()
    hidden = served.send("POST", "/api/sites", {"name": "Hidden", "domain": "hidden.example"}).json()["id"]
    accept(served, invited(served, "editor"), **served.bert.headers)
    own = {"name": "Mine", "domain": served.anna.site.domain}
    assert served.http.post("/api/sites", json=own, headers=served.bert.headers).status_code == 201
    change = {"domain": "hidden.example"}
    path = f"/api/sites/{served.anna.site.id}"
    assert served.http.request("PATCH", path, json=change, headers=served.bert.headers).status_code == 200
    assert served.send("PATCH", f"/api/sites/{hidden}", {"domain": "hidden.example"}).status_code == 409


def test_another_password_ends_all_other_sessions(served: Served, guessed: Any) -> None:
    served = guessed.served
    here, there = ({**cookie_of(signed_in(served)), **HERE} for _ in range(2))
    path, new = "/api/account/password", "another horse battery"

    def change(old: str, to: str, headers: dict[str, str]) -> httpx.Response:
        return served.http.post(path, json={"old": old, "new": to}, headers=headers)

    assert change(PASSWORD, new, {}).status_code == 401
    for old, to, param in (("wrong", new, "old"), (PASSWORD, "elevenchars", "new"), (PASSWORD, "x" * 1001, "new")):
        refused = change(old, to, here)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert change(PASSWORD, new, {**here, "Origin": "http://evil.example"}).status_code == 403
    changed = change(PASSWORD, new, here)
    assert changed.status_code == 204
    kept = {**cookie_of(changed), **HERE}
    assert [served.http.get("/api/me", headers=who).status_code for who in (here, there, kept)] == [401, 401, 200]
    assert signed_in(served).status_code == 401
    assert served.get("/api/me").status_code == 200, "keys go on"
    served.learn()
    out = served.http.post("/api/account/sign-out-everywhere", headers=kept)
    assert (out.status_code, "Max-Age=0" in out.headers["set-cookie"]) == (204, True)
    assert served.http.get("/api/me", headers=kept).status_code == 401
    # Guessing by a session that somebody left open is slowed like signing in.
    body = {"email": served.anna.account.email, "password": new}
    open_ = {**cookie_of(served.http.post("/api/login", json=body, headers=HERE)), **HERE}
    statuses = [change("wrong", PASSWORD, open_).status_code for _ in range(11)]
    assert statuses == [400] * 10 + [429]


def test_a_password_that_a_machine_made_is_asked_to_be_changed(served: Served) -> None:
    email = f"new{served.registry.state.revision}@example.com"
    create_account(served.registry, email, PASSWORD, temporary=True)
    body = {"email": email, "password": PASSWORD}
    made = served.http.post("/api/login", json=body, headers=HERE)
    assert made.json()["must_change_password"] is True
    new = {"old": PASSWORD, "new": "another horse battery"}
    assert served.http.post("/api/account/password", json=new, headers={**cookie_of(made), **HERE}).status_code == 204
    again = served.http.post("/api/login", json={"email": email, "password": new["new"]}, headers=HERE)
    assert again.json()["must_change_password"] is False
