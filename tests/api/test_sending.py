"""How answers travel: named and not sent twice, to whom, how large, compressed."""

import re
import time
from typing import Any

import pytest

from tests.api.conftest import Served

pytestmark = pytest.mark.services


def test_what_was_answered_is_named_and_not_sent_twice(served: Served) -> None:
    served = served.with_new_tenants()
    path = f"/api/sites/{served.anna.site.id}/analytics/friction"
    question = {"from": "2025-06-01", "to": "2025-06-02"}
    first = served.get(path, question)
    assert first.headers["cache-control"].startswith("private")
    tag = first.headers["etag"]
    again = served.get(path, question, **{"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert served.get(path, {**question, "to": "2025-06-03"}).headers["etag"] != tag
    served.send("PATCH", f"/api/sites/{served.anna.site.id}", {"settings": {"friction": {"bouncer_seconds": 3}}})
    changed = served.get(path, question, **{"If-None-Match": tag})
    assert (changed.status_code, changed.json()["thresholds"]["bouncer_seconds"]) == (200, 3)
    served.client.insert(
        "control", ("epoch", "nonce", "phase"), ("UInt64", "String", "String"), [[0], ["x"], ["x"]], {}
    )
    # Seen within a second, for whoever changes tables lets more than that pass before.
    end = time.monotonic() + 30
    while served.get(path, question).headers["etag"] == changed.headers["etag"]:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_no_other_origin_may_read_answers(served: Served) -> None:
    answer = served.get("/api/sites", Origin="https://evil.example")
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_bodies_have_a_limit_whatever_they_say_of_themselves(served: Served) -> None:
    large = b'{"name": "' + b"x" * 70_000 + b'"}'

    async def chunks() -> Any:
        for _ in range(70):
            yield b" " * 1000

    for content, headers in ((large, {}), (large, {"Content-Length": "10"}), (chunks(), {})):
        answer = served.http.post("/api/sites", content=content, headers={**served.anna.headers, **headers})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"name":NaN}',
        b'{"name":"\\ud800"}',
        b'{"a":1e999}',
        b"\x00",
    ],
)
def test_bodies_that_are_no_object(served: Served, content: bytes) -> None:
    for method, path in (
        ("POST", "/api/sites"),
        ("PATCH", f"/api/sites/{served.anna.site.id}"),
        ("POST", "/api/login"),
    ):
        answer = served.http.request(method, path, content=content, headers=served.anna.headers)
        assert answer.status_code == 400, path
        assert set(answer.json()["error"]) == {"code", "message", "param"}


def test_errors_hold_no_key_and_no_path_of_ours(served: Served) -> None:
    answer = served.http.get("/api/sites", headers={"Authorization": f"Bearer {served.anna.key}x"})
    assert served.anna.key not in answer.text
    assert not re.search(r"/[a-z]+/[a-z_]+\.py", answer.text)


def test_long_answers_are_compressed_for_who_reads_it(served: Served) -> None:
    path = f"/api/sites/{served.anna.site.id}/analytics/dashboard?interval=hour&from=2025-01-01&to=2025-01-31"
    packed = served.get(path, **{"Accept-Encoding": "gzip"})
    plain = served.get(path, **{"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.json() == plain.json() and len(plain.content) > 10_000
    assert int(packed.headers["content-length"]) < len(plain.content) / 4
    assert "accept-encoding" in packed.headers["vary"].lower() and "authorization" in packed.headers["vary"].lower()
    again = served.get(path, **{"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "content-encoding" not in served.get("/api/me", **{"Accept-Encoding": "gzip"}).headers
