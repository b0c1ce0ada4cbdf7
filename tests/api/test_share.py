"""Share links: one site's analytics for whoever has them, behind a password if they have one, and nothing else."""

from typing import Any

import httpx
import pytest

from api.registry import sharing
from api.registry.secret import sha256
from tests.api.conftest import Served
from tests.api.test_account import names
from tests.api.test_guessing import guessed

__all__ = ["guessed"]
pytestmark = pytest.mark.services


def linked(served: Served, **body: Any) -> dict[str, Any]:
    made = served.send("POST", f"/api/sites/{served.anna.site.id}/links", {"name": "Board", **body})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    assert found["url"].startswith("http://stats.example/share/")
    return {**found, "token": found["url"].rpartition("/")[2]}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def opened(served: Served, token: str, **body: Any) -> httpx.Response:
    return served.http.post(f"/api/share/{token}", json=body or None)


def test_a_link_opens_the_analytics_of_its_site_and_nothing_else(served: Served) -> None:
    served = served.with_new_tenants()
    site = served.anna.site
    link = linked(served)
    assert not any(link["token"] in row["body"] for row in served.client.rows("SELECT body FROM registry"))
    listed = served.get(f"/api/sites/{site.id}/links")
    assert link["token"] not in listed.text
    (shown,) = listed.json()
    assert (shown["id"], shown["name"], shown["password"], shown["embed"]) == (link["id"], "Board", False, False)
    found = opened(served, link["token"]).json()
    about = {"id": site.id, "name": site.name, "domain": site.domain, "timezone": "UTC"}
    assert found["site"] == {**about, "currency": None, "goals": 0}
    reader = bearer(found["access"])
    own = f"/api/sites/{site.id}"
    assert served.http.get(f"{own}/analytics/dashboard", headers=reader).status_code == 200
    assert served.http.get(f"{own}/analytics/now", headers=reader).status_code == 200
    for path in (
        *("/api/sites", "/api/me", "/api/keys", own, f"{own}/visitors", f"{own}/ledger", f"{own}/links"),
        *(f"{own}/members", f"/api/visitors/{site.id}-{'0' * 16}/sessions"),
        *(f"/api/sites/{served.bert.site.id}/analytics/dashboard", "/api/sites/nowhere1/analytics/dashboard"),
    ):
        assert served.http.get(path, headers=reader).status_code == 403, path
    assert served.http.request("PATCH", own, json={"name": "x"}, headers=reader).status_code == 403
    assert served.http.post("/api/logout", headers=reader).status_code == 403
    path = f"{own}/links/{link['id']}"
    assert served.http.request("DELETE", path, headers=served.bert.headers).status_code == 403
    assert served.send("DELETE", path).status_code == 204
    assert served.send("DELETE", path).status_code == 404
    assert served.http.get(f"{own}/analytics/dashboard", headers=reader).status_code == 401
    for bad, param in (({}, "name"), ({"name": " "}, "name"), ({"name": "x", "password": ""}, "password")):
        refused = served.send("POST", f"{own}/links", bad)
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)


def test_a_password_is_asked_for_and_guessing_is_slowed(served: Served, guessed: Any) -> None:
    served = guessed.served
    link = linked(served, password="short")
    dashboard = f"/api/sites/{served.anna.site.id}/analytics/dashboard"
    assert link["password"] is True and "short" not in str(link["url"])
    for forged in ("", ".", "." + "0" * 64, ".x", ".\xe9"):
        header = {b"authorization": f"Bearer {link['token']}{forged}".encode("latin-1")}
        assert served.http.get(dashboard, headers=header).status_code == 401, forged
    asked = opened(served, link["token"])
    assert (asked.status_code, asked.json()["error"]["code"]) == (401, "password_needed")
    assert served.anna.site.name not in asked.text
    right = opened(served, link["token"], password="short").json()["access"]
    assert served.http.get(dashboard, headers=bearer(right)).status_code == 200
    other = linked(served, password="short")
    swapped = f"{other['token']}.{right.partition('.')[2]}"
    assert served.http.get(dashboard, headers=bearer(swapped)).status_code == 401
    served.redis.delete(*names(served, "throughline:guess:*"), "none")
    statuses = [opened(served, link["token"], password=f"wrong{number}").status_code for number in range(11)]
    assert statuses == [401] * 10 + [429]
    assert opened(served, link["token"], password="short").status_code == 429
    served.learn()
    assert served.http.get(dashboard, headers=bearer(right)).status_code == 200, "who is in stays in"


def test_only_a_link_that_says_so_may_be_framed(served: Served) -> None:
    served = served.with_new_tenants()
    plain, framed = linked(served)["token"], linked(served, embed=True)["token"]

    def headers(path: str) -> tuple[int, str, bool]:
        answer = served.http.get(path)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "default-src 'none'" in policy
        return answer.status_code, policy.rpartition("frame-ancestors ")[2], "x-frame-options" in answer.headers

    assert headers(f"/share/{framed}") == (200, "*", False)
    for path, status in ((f"/share/{plain}", 200), ("/share/nobody", 404), ("/sites", 200), ("/invite/nobody", 200)):
        assert headers(path) == (status, "'none'", True), path


def test_a_link_ends_when_its_maker_is_no_member_any_more(served: Served) -> None:
    served = served.with_new_tenants()
    anna, bert, site = served.anna, served.bert, served.anna.site
    own = f"/api/sites/{site.id}"
    _, invitation = sharing.invite(served.registry, anna.account.id, site.id, "editor", "")
    sharing.accept(served.registry, invitation, bert.account.id)
    of_anna = linked(served)
    made = served.http.post(f"{own}/links", json={"name": "Wall", "embed": True}, headers=bert.headers).json()
    token, reader = made["url"].rpartition("/")[2], bearer(made["url"].rpartition("/")[2])
    served.registry.refresh()
    earlier = {"id": "k" * 12, "sha256": sha256("earlier"), "by": ""}  # as builds made it that did not note who did
    served.registry.change(lambda state: state.link_by_id[made["id"]].model_copy(update=earlier))
    served.learn()

    def listed() -> dict[str, Any]:
        return {each["id"]: each["made_by"] for each in served.get(f"{own}/links").json()}

    def open_() -> list[int]:
        asked = served.http.get(f"{own}/analytics/dashboard", headers=reader)
        return [asked.status_code, *(opened(served, one).status_code for one in (token, of_anna["token"], "earlier"))]

    noted = {of_anna["id"]: anna.account.email, made["id"]: bert.account.email, "k" * 12: None}
    assert (listed(), open_()) == (noted, [200, 200, 200, 200])
    assert served.send("DELETE", f"{own}/members/{bert.account.id}").status_code == 204
    assert open_() == [401, 404, 200, 200]
    assert listed() == {each: by for each, by in noted.items() if each != made["id"]}
    assert served.http.get(f"/share/{token}").status_code == 404
