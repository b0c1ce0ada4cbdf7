"""Who may ask, how errors look, and what stays the same for every endpoint."""

import re
from typing import Any

import pytest

from api.endpoints import ENDPOINTS
from api.registry.change import revoke_key
from tests.api.conftest import Served

pytestmark = pytest.mark.services

GOOD = {
    "reach": "?metric=page&value=/",
    "custom-event-funnel": "?steps[]=a&steps[]=b",
    "event-data-keys": "?type=a",
    "event-data-values": "?type=a&key=b",
    "breakdown": "?dimension=source",
    "page-flow": "?url=/a",
}


def url(path: str, site: str, visitor: str = "0123456789abcdef") -> str:
    own = dict.fromkeys(re.findall(r"\{(\w+)\}", path), "k" * 12) | {"session_id": "0" * 16}
    own |= {"site_id": site, "visitor_id": f"{site}-{visitor}"}
    return "/api" + path.format(**own)


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if not each.public], ids=lambda each: each.name)
def test_no_endpoint_answers_a_stranger_or_about_what_is_not_the_callers(served: Served, endpoint: Any) -> None:
    path = url(endpoint.path, served.anna.site.id)
    nobody = served.http.request(endpoint.method, path)
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.json()["error"]["code"] == "unauthorized"
    if not endpoint.of_site:
        return
    foreign = served.send(endpoint.method, url(endpoint.path, served.bert.site.id), {"name": 7})
    absent = served.send(endpoint.method, url(endpoint.path, "zzzzzzzz"), {"name": 7})
    assert foreign.status_code == absent.status_code == 403
    assert foreign.text == absent.text
    assert foreign.headers == absent.headers


def test_tokens(served: Served) -> None:
    served = served.with_new_tenants()
    key = served.anna.key

    def status(**how: Any) -> int:
        return served.http.get("/api/me", **how).status_code

    for good in (f"Bearer {key}", f"bearer {key}", f"BEARER  {key}"):
        assert status(headers={"Authorization": good}) == 200
    for bad in ("", "Bearer", "Bearer ", f"Basic {key}", key, f"Bearer {key}x", f"Bearer {key[:-1]}", "Bearer sk_%FF"):
        assert status(headers={"Authorization": bad}) == 401
    for name in ("key", "token", "api_key", "access_token", "Authorization"):
        assert status(params={name: key}) == 401
    (held,) = served.registry.state.keys_of(served.anna.account.id)
    revoke_key(served.registry, served.anna.account.id, held.id)
    served.learn()
    assert served.get("/api/me").status_code == 401


def test_401_comes_before_everything_else(served: Served) -> None:
    for method, path in (("GET", "/api/nowhere"), ("PUT", "/api/sites"), ("GET", "/api/sites/x/analytics/reach")):
        assert served.http.request(method, path).status_code == 401
    assert served.http.request("PATCH", "/api/sites/x", content=b"[" * 100_000).status_code == 401


def test_unknown_paths_and_methods(served: Served) -> None:
    own = f"/api/sites/{served.anna.site.id}"
    for path in ("/api/nowhere", "/api", "/api/", f"{own}/analytics", "/api/sites//", "/api/sites%0A"):
        assert served.http.get(path).status_code == 401, path
        answer = served.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), path
    assert served.get(f"{own}%0A").status_code == 403
    refused = served.send("PUT", "/api/sites")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")
    assert refused.json()["error"]["code"] == "method_not_allowed"
    assert served.send("HEAD", "/api/sites").status_code == 200


def test_a_slash_at_the_end_changes_nothing(served: Served) -> None:
    for path in ("/api/sites", f"/api/sites/{served.anna.site.id}", "/api/me", "/api/openapi.json", "/api/docs"):
        with_slash, without = served.get(f"{path}/"), served.get(path)
        assert (with_slash.status_code, with_slash.content) == (200, without.content), path
    question = "analytics/dashboard/?from=x"
    assert served.get(f"/api/sites/{served.anna.site.id}/{question}").json()["error"]["param"] == "from"
    assert served.http.get("/api/sites/").status_code == 401
    assert served.get(f"/api/sites/{served.bert.site.id}/").status_code == 403


OURS = "https://app.example.com"
THEIRS = "https://elsewhere.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization,traceparent"}


def test_preflights_are_answered_and_tell_strangers_nothing(served: Served) -> None:
    site = f"/api/sites/{served.anna.site.id}/analytics/dashboard"
    with served.letting(OURS) as http:
        for path in (site, "/api/sites", "/api/nowhere", "/api/openapi.json"):
            ours = http.options(path, headers={"Origin": OURS, **PREFLIGHT})
            assert (ours.status_code, ours.content) == (204, b"")
            assert ours.headers["access-control-allow-origin"] == OURS
            assert ours.headers["access-control-allow-headers"] == "authorization,traceparent"
            assert {"GET", "PATCH"} <= set(ours.headers["access-control-allow-methods"].split(", "))
            theirs = http.options(path, headers={"Origin": THEIRS, **PREFLIGHT})
            assert theirs.status_code == 204
            assert not [name for name in theirs.headers if name.startswith("access-control")]
    assert "access-control-allow-origin" not in served.http.options(site, headers={"Origin": OURS}).headers


def test_pages_of_origins_that_are_let_may_read_answers_by_key_alone(served: Served) -> None:
    key = {"Authorization": f"Bearer {served.anna.key}"}
    with served.letting(OURS) as http:
        for path, status in (("/api/sites", 200), ("/api/nowhere", 404), ("/api/openapi.json", 200)):
            ours = http.get(path, headers={"Origin": OURS, **key})
            assert (ours.status_code, ours.headers["access-control-allow-origin"]) == (status, OURS)
            assert "origin" in ours.headers["vary"].lower()
            assert "etag" in ours.headers["access-control-expose-headers"].lower()
            assert "access-control-allow-credentials" not in ours.headers
            theirs = http.get(path, headers={"Origin": THEIRS, **key})
            assert "access-control-allow-origin" not in theirs.headers
            assert "origin" in theirs.headers["vary"].lower()
    with served.letting("*") as http:
        assert http.get("/api/sites", headers={"Origin": THEIRS, **key}).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("question", "param"),
    [
        ("analytics/dashboard?from=x", "from"),
        ("analytics/dashboard?from=", "from"),
        ("analytics/dashboard?to=2025-02-30", "to"),
        ("analytics/dashboard?from=2025-01-02&to=2025-01-01", "from"),
        ("analytics/dashboard?from=2000-01-01&to=2025-01-01", "from"),
        ("analytics/dashboard?from=2025-01-01&from=2025-01-01", "from"),
        ("analytics/dashboard?tz=Mars/Base", "tz"),
        ("analytics/dashboard?interval=year", "interval"),
        ("analytics/dashboard?interval=hour&from=2024-01-01&to=2024-03-01", "interval"),
        ("analytics/revenue?interval=hour&from=2016-01-01&to=2025-01-01", "interval"),
        ("analytics/revenue?interval=day&from=2016-01-01&to=2025-01-01", "interval"),
        ("analytics/scroll-depth?limit=0", "limit"),
        ("analytics/scroll-depth?limit=101", "limit"),
        ("analytics/scroll-depth?limit=1e9", "limit"),
        ("analytics/scroll-depth?limit=5.0", "limit"),
        ("analytics/scroll-depth?limit=", "limit"),
        ("analytics/scroll-depth?url=", "url"),
        ("analytics/reach?value=/", "metric"),
        ("analytics/reach?metric=page", "value"),
        ("analytics/reach?metric=bounce&value=/", "metric"),
        ("analytics/reach?metric=event&value=%00", "value"),
        ("analytics/reach?metric=event&value=" + "x" * 65, "value"),
        ("analytics/custom-event-funnel", "steps[]"),
        ("analytics/custom-event-funnel?steps=a", "steps"),
        ("analytics/custom-event-funnel?steps[]=a", "steps[]"),
        ("analytics/custom-event-funnel?" + "&".join(["steps[]=a"] * 11), "steps[]"),
        ("analytics/custom-event-funnel?steps[]=a&steps[]=", "steps[]"),
        ("analytics/custom-event-funnel?steps[0]=a", "steps[0]"),
        ("analytics/custom-event-funnel?steps[0]=a&steps[1]=", "steps[1]"),
        ("analytics/custom-event-funnel?steps[0]=a&steps[0]=b", "steps[0]"),
        ("analytics/custom-event-funnel?steps[x]=a&steps[y]=b", "steps[]"),
        ("analytics/event-data-keys", "type"),
        ("analytics/event-data-keys?type=%20", "type"),
        ("analytics/dashboard?filter=", "filter"),
        ("analytics/dashboard?filter=source", "filter"),
        ("analytics/dashboard?filter=source=google", "filter"),
        ("analytics/dashboard?filter=sauce==google", "filter"),
        ("analytics/dashboard?filter===google", "filter"),
        ("analytics/dashboard?filter=source==", "filter"),
        ("analytics/dashboard?filter=source==%20", "filter"),
        ("analytics/dashboard?filter=source==a||b", "filter"),
        ("analytics/dashboard?filter=source==a|", "filter"),
        ("analytics/dashboard?filter=source==" + "x" * 401, "filter"),
        ("analytics/dashboard?filter=source==a&filter=device==", "filter"),
        ("analytics/dashboard?filter=source==" + "|".join(["x"] * 51), "filter"),
        ("analytics/dashboard?" + "&".join(["filter=source==a"] * 11), "filter"),
        ("analytics/revenue?filter=sauce==google", "filter"),
        ("analytics/friction?filter=sauce==google", "filter"),
        ("analytics/scroll-depth?filter=sauce==google", "filter"),
        ("analytics/engagement-funnel?filter=sauce==google", "filter"),
        ("analytics/reach?metric=page&value=/&filter=sauce==google", "filter"),
        ("analytics/custom-event-types?filter=sauce==google", "filter"),
        ("analytics/custom-event-funnel?steps=a&steps=b&filter=sauce==google", "filter"),
        ("analytics/event-data-keys?type=a&filter=source==google", "filter"),
        ("analytics/event-data-keys?type=a&filter[]=source==google", "filter"),
        ("visitors?filter=source==google", "filter"),
        ("ledger?filter[0]=source==google", "filter"),
        ("visitors?page=0", "page"),
        ("visitors?page=-1", "page"),
        ("visitors?page=9999999999999999999999", "page"),
        ("ledger?to=1764000000000", "to"),
    ],
)
def test_bad_parameters_are_named(served: Served, question: str, param: str) -> None:
    answer = served.get(f"/api/sites/{served.anna.site.id}/{question}")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "invalid_parameter"
    assert error["param"].partition(".")[0] == param
    assert error["message"]


def test_good_questions_in_all_spellings(served: Served) -> None:
    site = f"/api/sites/{served.anna.site.id}"
    for question in (
        "analytics/dashboard?from=2025-01-01T00:00:00+02:00&to=2025-01-02&nonsense=1&nonsense=2",
        "analytics/dashboard?from=2024-12-31T23:30:00%2B05:45&tz=Asia/Kathmandu",
        "analytics/custom-event-funnel?steps=a&steps=b",
        "analytics/custom-event-funnel?steps[1]=b&steps[0]=a",
        "analytics/custom-event-funnel?steps%5B2%5D=a&steps%5B10%5D=b",
        "analytics/custom-event-funnel?steps[]=a&steps%5B%5D=a",
        "analytics/dashboard?filter=source==google|bing&filter=page!~/a*|*%5C|b&filter=exit_page==(none)",
        "analytics/dashboard?filter[]=source==a&filter[1]=device!=Phone",
        "analytics/dashboard?" + "&".join(["filter=event=~" + "|".join(["*%2B" * 100] * 50)] * 2),
        "analytics/dashboard?interval=week&from=2016-01-01&to=2025-01-01",
        "analytics/dashboard?from=2016-01-01&to=2025-01-01",
        "analytics/revenue?interval=hour&from=2025-01-01&to=2025-02-10",
        "visitors?page=1000000000",
    ):
        assert served.get(f"{site}/{question}").status_code == 200, question
    for spelling in ("/a/b", "https://x.example/a//b/?q=1#top", "/a/./b/", "%2Fa/b", "a/b", "/%61/b"):
        answer = served.get(f"{site}/analytics/scroll-depth", {"url": spelling}).json()
        assert [page["page"] for page in answer["pages"]] == ["/a/b"] or spelling.startswith("%2F")


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE events --", "{x:String}", "\\", "%", "\u202e", "a\tb", "<script>", "`", "\U0001f600"]
)
def test_special_characters_mean_themselves(served: Served, text: str) -> None:
    site = f"/api/sites/{served.anna.site.id}/analytics"
    for path, params in (
        ("reach", {"metric": "event", "value": text}),
        ("event-data-keys", {"type": text}),
        ("custom-event-funnel", {"steps[]": [text, text]}),
    ):
        answer = served.get(f"{site}/{path}", params)
        assert answer.status_code in (200, 400)
        if answer.status_code == 200 and path == "reach":
            assert answer.json()["value"] == " ".join(text.split())
    assert served.get(f"{site}/scroll-depth", {"url": text}).status_code == 200


def test_visitors_and_sessions_that_do_not_exist_are_404_within_the_own_site_only(served: Served) -> None:
    own = served.anna.site.id
    for visitor in (f"{own}-0123456789abcdef", f"{own}-", own, f"{own}-{'x' * 5000}", f"{own}-0123456789ABCDEF"):
        assert served.get(f"/api/visitors/{visitor}/sessions").status_code == 404
    session = f"/api/visitors/{own}-0123456789abcdef/sessions/%00'%22/events"
    assert served.get(session).status_code == 404
    for visitor in ("-", "x", f"{served.bert.site.id}-0123456789abcdef", "%00"):
        assert served.get(f"/api/visitors/{visitor}/sessions").status_code == 403
