"""Sites and their settings: added, changed by merge patch, deleted for ever."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.body import SitePatch, read
from api.problem import Problem
from api.registry.domain import domain
from ingest.contract import snapshot
from ingest.contract.site import EventGoal, SiteSettings
from tests.api.conftest import Served


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("example.com", "example.com"),
        ("https://www.Example.COM:8080/a?b#c", "example.com"),
        ("WWW.example.com", "example.com"),
        ("shop.example.com.", "shop.example.com"),
        ("www.www.de", "www.de"),
        ("www.de", "www.de"),
        ("m\u00fcnchen.de", "xn--mnchen-3ya.de"),
        ("faß-z.de", "xn--fa-z-wna.de"),
        ("Straße.example", "xn--strae-oqa.example"),
        ("https://i❤.ws/", "xn--i-7iq.ws"),
        ("http://user:secret@example.com/", "example.com"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("http://[::1]:80/", "[::1]"),
        (" example.com\n", "example.com"),
    ],
)
def test_domains_have_one_spelling(typed: str, expected: str) -> None:
    assert domain(typed) == domain(expected) == expected


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "-a.com", "a-.com", "a..b", "exa mple.com", "x" * 64 + ".com", "a." * 127 + "com", "//a.com"),
        *("a\0b.com", "javascript:alert(1)", "<img onerror>", "http://", "?", "a.com:http", "\u202eexample.com"),
    ],
    ids=range(16),
)
def test_what_is_no_domain(typed: str) -> None:
    with pytest.raises(ValueError, match="not a domain"):
        domain(typed)


@pytest.mark.parametrize(
    ("patch", "param"),
    [
        ('{"settings":{"foo":null}}', "settings.foo"),
        ('{"settings":{"friction":{"bouncer":1}}}', "settings.friction.bouncer"),
        ('{"settings":{"friction":{"bouncer_seconds":"10"}}}', "settings.friction.bouncer_seconds"),
        ('{"settings":{"friction":{"deep_percent":101}}}', "settings.friction.deep_percent"),
        ('{"settings":{"pairs":[["a"]]}}', "settings.pairs.0"),
        ('{"settings":{"hosts":["ok.example","NOT OK"]}}', "settings.hosts.1"),
        ('{"settings":{"goals":{}}}', "settings.goals"),
        ('{"settings":{"exclude":{"addresses":["203.0.113.0/24","10.0.0.300"]}}}', "settings.exclude.addresses.1"),
        ('{"settings":{"exclude":{"countries":["Germany"]}}}', "settings.exclude.countries.0"),
        ('{"settings":{"exclude":{"pages":[""]}}}', "settings.exclude.pages.0"),
        ('{"settings":{"exclude":{"hosts":[]}}}', "settings.exclude.hosts"),
        ('{"settings":{"retention":{"events_months":0}}}', "settings.retention.events_months"),
        ('{"settings":{"retention":{"events_months":121}}}', "settings.retention.events_months"),
        ('{"settings":{"retention":{"events_months":"12"}}}', "settings.retention.events_months"),
        ('{"settings":{"retention":{"events_months":1.5}}}', "settings.retention.events_months"),
        ('{"settings":{"retention":{"events_months":true}}}', "settings.retention.events_months"),
        ('{"settings":{"retention":{"months":12}}}', "settings.retention.months"),
        ('{"settings":{"retention":12}}', "settings.retention"),
        ('{"settings":{"goals":[{"name":"A","page":"/a","event":"b"}]}}', "settings.goals.0.event"),
        ('{"settings":{"goals":[{"name":"A"}]}}', "settings.goals.0.page"),
        ('{"settings":{"goals":[{"name":"A","page":"/","where":1}]}}', "settings.goals.0.where"),
        ('{"settings":{"ignored_referrers":["ok.example","*"]}}', "settings.ignored_referrers.1"),
        ('{"settings":{"ignored_referrers":["https://pay.example/"]}}', "settings.ignored_referrers.0"),
        ('{"settings":{"ignored_referrers":"pay.example"}}', "settings.ignored_referrers"),
        ('{"settings":{"timezone":"Mars/Base"}}', "settings.timezone"),
        ('{"settings":{"revenue":{"currency":"euro"}}}', "settings.revenue.currency"),
        ('{"settings":[]}', "settings"),
        ('{"name":null}', "name"),
        ('{"tracking_id":"x"}', "tracking_id"),
    ],
)
def test_a_bad_patch_is_refused_by_name(patch: str, param: str) -> None:
    with pytest.raises(Problem) as refused:
        read(SitePatch, patch.encode())
    assert (refused.value.status, refused.value.detail.param) == (400, param)


def test_names_and_hosts_of_settings_have_the_spelling_of_events() -> None:
    settings = SiteSettings.model_validate(
        {
            "hosts": ["*", " FAß-z.de", "a_b.example", "[::1]", "xn--zz--zz.de"],
            "pairs": [["\u062b\u200c \n start", "end\u00a0"]],
            "revenue": {"currency": "EUR", "type": " a\u3000b "},
            "goals": [{"name": "\u200fx\u00a0 y", "event": "sign\n up*"}],
        }
    )
    assert settings.hosts == ["*", "xn--fa-z-wna.de", "a_b.example", "[::1]", "xn--zz--zz.de"]
    assert settings.pairs == [["\u062b\u200c start", "end"]]
    assert settings.revenue is not None and settings.revenue.type == "a b"
    assert settings.goals == [EventGoal(name="\u200fx y", event="sign up*")]
    assert SiteSettings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize("host", ["", " ", "http://a.de", "a.de/x", "a b.de", "a@b.de", "%", "?", "\u202ea.de"])
def test_what_is_no_host_is_no_setting(host: str) -> None:
    with pytest.raises(ValidationError):
        SiteSettings.model_validate({"hosts": [host]})


@pytest.mark.services
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("\u062b\u0628\u062a\u200c\u0646\u0627\u0645", "\u062b\u0628\u062a\u200c\u0646\u0627\u0645"),
        ("\u200f\u05e9\u05dc\u05d5\u05dd", "\u200f\u05e9\u05dc\u05d5\u05dd"),
        (" My\u00a0\n shop ", "My shop"),
    ],
    ids=range(3),
)
def test_a_site_is_named_in_any_language(served: Served, name: str, kept: str) -> None:
    served = served.with_new_tenants()
    assert served.send("POST", "/api/sites", {"name": name, "domain": "new.example"}).json()["name"] == kept


@pytest.mark.services
def test_a_site_is_added_with_zero_counts(served: Served) -> None:
    served = served.with_new_tenants()
    answer = served.send("POST", "/api/sites", {"name": " <b>Shop</b> ", "domain": "https://WWW.New.example/x"})
    assert answer.status_code == 201
    site = answer.json()
    assert (site["name"], site["domain"]) == ("<b>Shop</b>", "new.example")
    assert {site[f"{each}_count"] for each in ("visitors", "sessions", "events")} == {0}
    assert site["settings"] == DEFAULTS
    assert "secret" not in answer.text
    listed = served.get("/api/sites").json()
    assert [each["id"] for each in listed] == [served.anna.site.id, site["id"]]
    assert list(listed[1]) == [
        *("id", "name", "domain", "tracking_id", "visitors_count", "sessions_count", "events_count", "sparkline")
    ]
    assert listed[1]["sparkline"] == [0] * 7
    assert served.get(f"/api/sites/{site['id']}").json() == site
    assert snapshot_of(served).by_tracking_id[site["tracking_id"]].id == site["id"]


@pytest.mark.services
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"name": "x"}, "domain"),
        ({"domain": "x.example"}, "name"),
        ({"name": " ", "domain": "x.example"}, "name"),
        ({"name": "a\x00", "domain": "x.example"}, "name"),
        ({"name": "\u202eevil", "domain": "x.example"}, "name"),
        ({"name": "x" * 101, "domain": "x.example"}, "name"),
        ({"name": 7, "domain": "x.example"}, "name"),
        ({"name": "x", "domain": "no domain"}, "domain"),
        ({"name": "x", "domain": "x.example", "tracking_id": "site_0123456789abcdef"}, "tracking_id"),
    ],
    ids=range(9),
)
def test_a_bad_site_is_refused_by_name(served: Served, body: Any, param: str) -> None:
    answer = served.send("POST", "/api/sites", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.services
def test_a_domain_is_once_in_an_account_and_free_in_others(served: Served) -> None:
    taken = served.bert.site.domain
    served = served.with_new_tenants()
    assert served.send("POST", "/api/sites", {"name": "x", "domain": taken}).status_code == 201
    for answer in (
        served.send("POST", "/api/sites", {"name": "y", "domain": f"www.{taken}"}),
        served.send("PATCH", f"/api/sites/{served.anna.site.id}", {"domain": taken}),
    ):
        assert (answer.status_code, answer.json()["error"]["param"]) == (409, "domain")
    own = served.send("PATCH", f"/api/sites/{served.anna.site.id}", {"domain": served.anna.site.domain})
    assert own.status_code == 200


@pytest.mark.services
def test_settings_are_merged_and_null_goes_back_to_the_default(served: Served) -> None:
    served = served.with_new_tenants()
    path = f"/api/sites/{served.anna.site.id}"

    def patched(settings: Any) -> Any:
        answer = served.send("PATCH", path, {"settings": settings})
        assert answer.status_code == 200, answer.text
        return answer.json()["settings"]

    assert patched({"timezone": "Asia/Kathmandu"}) == {**DEFAULTS, "timezone": "Asia/Kathmandu"}
    friction = {**DEFAULTS["friction"], "deep_percent": 62.5}
    assert patched({"friction": {"deep_percent": 62.5}})["friction"] == friction
    assert patched({"revenue": {"currency": "USD"}})["revenue"] == {"currency": "USD", "type": None}
    assert patched({"revenue": {"type": "purchase"}})["revenue"] == {"currency": "USD", "type": "purchase"}
    assert patched({"pairs": [["a", "b"]]})["pairs"] == [["a", "b"]]
    goals = [{"name": "Sold", "event": "purchase"}, {"name": "Priced", "page": "/pricing*"}]
    assert patched({"goals": goals})["goals"] == goals
    assert patched({"hide": ["source==spam.example", "country!=DE|FR"]})["goals"] == goals
    for wrong, param in (
        ({"hide": ["source==a", "sauce==b"]}, "settings.hide.1"),
        ({"goals": [{"name": "A", "event": "a"}, {"name": "A", "event": "b"}]}, "settings.goals"),
        ({"goals": [{"name": str(number), "event": "a"} for number in range(51)]}, "settings.goals"),
    ):
        refused = served.send("PATCH", path, {"settings": wrong})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert patched({"goals": None, "hide": None})["goals"] == []
    saved = [{"name": "Phones from ads", "filter": ["device==Phone", "source==ads"]}]
    assert patched({"segments": saved})["segments"] == saved
    for segments, place in (
        ([*saved, *saved], ""),
        ([{"name": "a", "filter": []}], ".0.filter"),
        ([{"name": " ", "filter": ["device==Phone"]}], ".0.name"),
        ([{"name": "a", "filter": ["device==Phone"] * 11}], ".0.filter"),
        ([{"name": "a", "filter": ["device==Phone", "divice==Phone"]}], ".0.filter.1"),
        ([{"name": str(number), "filter": ["device==Phone"]} for number in range(51)], ""),
    ):
        refused = served.send("PATCH", path, {"settings": {"segments": segments}})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "settings.segments" + place)
    assert patched({"segments": None})["segments"] == []
    office = {"addresses": [" 203.0.113.7/24"], "pages": ["/admin/*"]}
    assert patched({"exclude": office})["exclude"] == {
        "addresses": ["203.0.113.0/24"],
        "countries": [],
        "pages": ["/admin/*"],
    }
    assert patched({"exclude": None})["exclude"] == DEFAULTS["exclude"]
    assert patched({"retention": {"events_months": 3, "sessions_months": 3}})["retention"]["sessions_months"] == 3
    assert patched({"retention": {"sessions_months": None}})["retention"]["sessions_months"] is None
    for shorter in ({"sessions_months": 2}, {"events_months": None, "sessions_months": 120}):
        refused = served.send("PATCH", path, {"settings": {"retention": shorter}})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "settings.retention.sessions_months")
    assert patched({"retention": None})["retention"] == DEFAULTS["retention"]
    ignored = ["pay.example", "xn--bcher-kva.example"]
    assert patched({"ignored_referrers": [" Pay.Example. ", "bücher.example"]})["ignored_referrers"] == ignored
    refused = served.send("PATCH", path, {"settings": {"revenue": {"currency": None}}})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "settings.revenue.currency")
    assert patched({"revenue": None, "friction": {"deep_percent": None}, "pairs": None, "ignored_referrers": []}) == {
        **DEFAULTS,
        "timezone": "Asia/Kathmandu",
    }
    renamed = served.send("PATCH", path, {"name": "New", "domain": "moved.example"}).json()
    assert (renamed["name"], renamed["domain"]) == ("New", "moved.example")
    assert renamed["settings"]["timezone"] == "Asia/Kathmandu"
    assert served.get(path + "/analytics/dashboard").json()["timezone"] == "Asia/Kathmandu"


@pytest.mark.services
def test_a_deleted_site_is_nobodys(served: Served) -> None:
    served = served.with_new_tenants()
    path = f"/api/sites/{served.anna.site.id}"
    answer = served.send("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        assert served.send(method, path, {}).status_code == 403
    assert served.get("/api/sites").json() == []
    assert snapshot_of(served).by_id[served.anna.site.id].deleted
    again = served.send("POST", "/api/sites", {"name": "x", "domain": served.anna.site.domain})
    assert (again.status_code, again.json()["id"] != served.anna.site.id) == (201, True)


def snapshot_of(served: Served) -> snapshot.Snapshot:
    version, body = served.redis.hget(snapshot.KEY, "version"), served.redis.hget(snapshot.KEY, "body")
    assert isinstance(version, bytes)
    assert isinstance(body, bytes)
    return snapshot.Snapshot.decode(int(version), body)


DEFAULTS: dict[str, Any] = {
    "timezone": "UTC",
    "cookieless": False,
    "hosts": [],
    "ignored_referrers": [],
    "revenue": None,
    "friction": {
        "bouncer_seconds": 10,
        "skimmer_seconds_per_page": 15,
        "engaged_pageviews": 3,
        "engaged_seconds": 30,
        "deep_seconds": 60,
        "deep_percent": 50,
    },
    "pairs": [["form_start", "form_submit"], ["add_to_cart", "purchase"], ["checkout_start", "purchase"]],
    "goals": [],
    "exclude": {"addresses": [], "countries": [], "pages": []},
    "hide": [],
    "segments": [],
    "retention": {"events_months": None, "sessions_months": None},
}
