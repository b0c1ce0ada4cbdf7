"""Who may do what: every endpoint, asked by everybody who might."""

import re
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from api import rights
from api.body import SignIn
from api.endpoints import ENDPOINTS
from api.registry.account import Role, Scope
from api.registry.change import create_account, create_key, delete_site, revoke_key
from api.registry.sharing import accept, add_link, invite, remove, revoke_link
from tests.api.conftest import PASSWORD, Served, Tenant

QUESTION = {"metric": "page", "value": "/", "type": "a", "steps[]": ["a", "b"], "key": "b", "dimension": "page"}
BODIES: dict[str, Any] = {"add-link": {"name": "x"}, "add-site": {"name": "x", "domain": "x.example"}}


def test_every_endpoint_has_a_right_and_what_has_a_site_asks_for_a_role() -> None:
    for endpoint in ENDPOINTS:
        right = rights.RIGHTS[endpoint.name]
        assert (right is not None and right.role is not None) == endpoint.of_site, endpoint.name
        if right is not None and endpoint.changes and endpoint.name != "logout":
            assert right.scope == "manage" and not right.shared, endpoint.name
        if right is not None and right.shared:
            assert endpoint.method == "GET"
    analytics = {each.name for each in ENDPOINTS if "/analytics/" in each.path}
    shared = {name for name, right in rights.RIGHTS.items() if right is not None and right.shared}
    assert shared == (analytics - {"friction-preview"}) | {"freshness"}
    assert {each.name for each in ENDPOINTS if each.public} == {
        *("login", "invitation", "accept-invitation", "open-share")
    }


@dataclass
class Asker:
    """Somebody with a bearer token, and what they are."""

    token: str
    role: Role | None = "owner"
    scope: Scope = "manage"
    bound: str | None = None
    link: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def may(asker: Asker, right: rights.Right, site: str | None) -> bool:
    """The contract once more, in other words."""
    if asker.link:
        return right.shared and site == asker.bound
    if asker.scope == "ingest" or (asker.scope == "read" and right.scope == "manage"):
        return False
    if asker.bound is not None and asker.bound != site and not right.bound:
        return False
    allowed = {"viewer": ("viewer", "editor", "owner"), "editor": ("editor", "owner"), "owner": ("owner",)}
    return right.role is None or asker.role in allowed[right.role]


def member(served: Served, role: Role, scope: Scope = "manage") -> Tenant:
    """A new account that is a member of Anna's site, with a key."""
    site = served.anna.site
    account = create_account(served.registry, f"{role}{served.registry.state.revision}@example.com", PASSWORD)
    _, token = invite(served.registry, served.anna.account.id, site.id, role, "")
    accept(served.registry, token, account.id)
    return Tenant(account, create_key(served.registry, account.id, "", scope)[1], site)


@pytest.mark.services
def test_every_endpoint_obeys_the_table(served: Served) -> None:
    """Rights alone: a request that may be made is told of what is wrong with it, or of nothing."""
    served = served.with_new_tenants()
    made = served.registry
    site, anna, other = served.anna.site.id, served.anna.account.id, served.bert.site.id
    link, token = add_link(made, anna, site, "x", None, False)
    viewer, editor, owner = member(served, "viewer"), member(served, "editor"), member(served, "owner")
    askers = [
        Asker(served.anna.key),
        Asker(owner.key),
        Asker(editor.key, "editor"),
        Asker(viewer.key, "viewer"),
        Asker(served.bert.key, None),
        *(Asker(create_key(made, anna, "", scope)[1], "owner", scope) for scope in ("read", "ingest")),
        *(Asker(create_key(made, anna, "", scope, site)[1], "owner", scope, site) for scope in ("read", "manage")),
        Asker(token, bound=site, link=True),
    ]
    elsewhere = replace(served, anna=replace(served.anna)).with_new_tenants().anna
    bound_elsewhere = create_key(made, elsewhere.account.id, "", "manage", elsewhere.site.id)[1]
    askers.append(Asker(bound_elsewhere, None, "manage", elsewhere.site.id))
    without_a_part = [askers[0], *(each for each in askers if each.bound)]
    for endpoint in ENDPOINTS:
        right = endpoint.right
        if right is None or endpoint.name in ("logout", "sign-out-everywhere", "delete-site"):
            continue
        for place in (site, other, "nowhere1") if endpoint.of_site else (None,):
            own = dict.fromkeys(re.findall(r"\{(\w+)\}", endpoint.path), "nobody") | {"session_id": "0" * 16}
            path = "/api" + endpoint.path.format(**own | {"site_id": place, "visitor_id": f"{place}-{'0' * 16}"})
            # Refused by its body or its parameters if it is let in, so that nothing changes.
            broken = {"content": b"["} if endpoint.types.body is not None else {}
            question = {**QUESTION, "from": "never"} if endpoint.of_data else {"id": "nobody"}
            refusals = set()
            for asker in askers if place in (site, None) else without_a_part:
                answer = served.http.request(endpoint.method, path, params=question, headers=asker.headers, **broken)
                allowed = may(replace(asker, role=asker.role if place == site else None), right, place)
                told = (endpoint.name, place, asker, answer.text[:200])
                assert (answer.status_code != 403) == allowed, told
                if place != site:
                    refusals.add(answer.json()["error"]["message"] if answer.status_code == 403 else "")
            if place == other:
                first = refusals
            elif place == "nowhere1":
                assert refusals - first == set(), "a site that is not there is told from one of others"
            stranger = served.http.request(endpoint.method, path, headers={"Authorization": "Bearer sk_no"}, **broken)
            assert stranger.status_code == 401, path
    assert link.id


@pytest.mark.services
def test_what_ends_is_over_at_once_in_every_process(served: Served) -> None:
    """The API that is asked never refreshes by itself here: others change the registry."""
    served = served.with_new_tenants()
    anna, site = served.anna.account.id, served.anna.site.id
    dashboard = f"/api/sites/{site}/analytics/dashboard"
    viewer = member(served, "viewer")
    key, secret = create_key(served.registry, anna, "", "read", site)
    link, token = add_link(served.registry, anna, site, "x", None, True)
    askers = [viewer.headers, {"Authorization": f"Bearer {secret}"}, {"Authorization": f"Bearer {token}"}]

    def statuses() -> list[int]:
        served.api.pulse.heard()  # as the loop of a running one has, a second ago
        return [served.http.get(dashboard, headers=headers).status_code for headers in askers]

    assert statuses() == [200, 200, 200]
    assert served.http.post(f"/api/share/{token}").json()["access"] == token
    assert served.http.get(f"/share/{token}").status_code == 200
    remove(served.registry, anna, site, viewer.account.id)
    assert statuses() == [403, 200, 200]
    revoke_key(served.registry, anna, key.id)
    assert statuses() == [403, 401, 200]
    revoke_link(served.registry, anna, site, link.id)
    assert statuses() == [403, 401, 401]
    assert served.http.post(f"/api/share/{token}").status_code == 404
    assert served.http.get(f"/share/{token}").status_code == 404
    _, again = add_link(served.registry, anna, site, "x", None, True)
    delete_site(served.registry, anna, site)
    assert served.http.get(dashboard, headers={"Authorization": f"Bearer {again}"}).status_code == 401
    assert served.http.get(dashboard, headers=served.anna.headers).status_code == 403


@pytest.mark.services
def test_a_key_does_what_it_is_for(served: Served) -> None:
    served = served.with_new_tenants()
    site, other = served.anna.site.id, served.bert.site.id
    second = served.send("POST", "/api/sites", {"name": "Second", "domain": "second.example"}).json()["id"]

    def key(**asked: Any) -> dict[str, str]:
        made = served.send("POST", "/api/keys", asked)
        assert made.status_code == 201, made.text
        body = made.json()
        assert {name: body[name] for name in asked} == asked and body["last_used_at"] is None
        return {"Authorization": f"Bearer {body['key']}"}

    def ask(method: str, path: str, headers: dict[str, str], body: Any = None) -> httpx.Response:
        return served.http.request(method, path, json=body, headers=headers)

    read, ingest = key(name="Report", scope="read"), key(name="Shop", scope="ingest")
    assert [each["id"] for each in ask("GET", "/api/sites", read).json()] == [site, second]
    assert ask("PATCH", f"/api/sites/{site}", read, {"name": "x"}).status_code == 403
    assert ask("GET", "/api/me", ingest).status_code == 403
    bound = key(name="One", scope="manage", site=site)
    # Asked by the unbound key just before: what was kept for it is not for this one.
    tag = ask("GET", "/api/sites", read).headers["etag"]
    listed = ask("GET", "/api/sites", {**bound, "If-None-Match": tag})
    assert [each["id"] for each in listed.json()] == [site]
    assert ask("GET", "/api/me", bound).json()["roles"] == {site: "owner"}
    assert ask("PATCH", f"/api/sites/{site}", bound, {"name": "One"}).status_code == 200
    assert ask("GET", f"/api/sites/{second}", bound).status_code == 403
    for method, path in (("POST", "/api/sites"), ("GET", "/api/keys"), ("POST", "/api/keys")):
        assert ask(method, path, bound, BODIES["add-site"] if path.endswith("sites") else {}).status_code == 403
    assert served.send("POST", "/api/keys", {"site": other}).status_code == 403
    assert (
        served.send("POST", "/api/keys", {"site": "nowhere1"}).json()
        == served.send("POST", "/api/keys", {"site": other}).json()
    )
    for bad, param in (({"scope": "all"}, "scope"), ({"name": "x" * 101}, "name"), ({"what": 1}, "what")):
        refused = served.send("POST", "/api/keys", bad)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    used = {each["name"]: each["last_used_at"] for each in served.get("/api/keys").json()}
    assert used == {"": "2025-06-15", "Report": "2025-06-15", "Shop": "2025-06-15", "One": "2025-06-15"}


@pytest.mark.services
def test_the_use_of_a_key_is_written_once_a_day(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served = served.with_new_tenants()
    written: list[str] = []
    keep = served.redis.hset

    def hset(name: str, key: str, day: str) -> object:
        written.append(day)
        return keep(name, key, day)

    monkeypatch.setattr(served.redis, "hset", hset)
    for _ in range(3):
        served.get("/api/me")
    served.clock.now += 86_400_000
    for _ in range(3):
        served.get("/api/me")
    assert written == ["2025-06-15", "2025-06-16"]
    assert served.get("/api/keys").json()[0]["last_used_at"] == "2025-06-16"


def test_signing_in_asks_for_no_length() -> None:
    """Who had a shorter password before there was a least length signs in with it."""
    assert SignIn(email="a@b.example", password="short").password == "short"
