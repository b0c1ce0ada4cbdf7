"""A site's past judged anew, as the API is asked for it; that it happens: `tests/deploy/test_rebuilding.py`."""

import pytest

from ingest.contract import wish
from rollups import rebuild as rebuilds
from tests.api.conftest import NOON, Served

pytestmark = pytest.mark.services


def test_a_rebuild_is_accepted_once_for_the_settings_of_today_and_tells_how_far_it_is(served: Served) -> None:
    served = served.with_new_tenants()
    path = f"/api/sites/{served.anna.site.id}/rebuild"
    assert served.get(path).json() == {"state": "none", "asked_at": None, "done": 0, "visitors": 0}
    woken = wish.woken(served.redis, "rebuilding")
    first = served.send("POST", path)
    assert first.status_code == 202
    accepted = {"state": "accepted", "asked_at": "2025-06-15T12:00:00.000Z", "done": 0, "visitors": 0}
    assert first.json() == accepted and wish.woken(served.redis, "rebuilding") == woken + 1

    # Pressed twice, and while it runs: the same one.
    served.clock.now = NOON + 5_000
    assert served.send("POST", path).json() == accepted
    begun = rebuilds.waiting(served.client)[-1].begun()
    rebuilds.write(served.client, begun)
    served.clock.now = NOON + 6_000
    assert served.send("POST", path).json() == {**accepted, "state": "running"}
    rebuilds.write(served.client, half := begun.now("running", 3, 6))
    assert served.get(path).json() == {**accepted, "state": "running", "done": 3, "visitors": 6}

    # Other settings are another rebuild, which stands before the first, also by a clock that was put back.
    changed = {"settings": {"friction": {"bouncer_seconds": 5}}}
    assert served.send("PATCH", f"/api/sites/{served.anna.site.id}", changed).status_code == 200
    served.clock.now = NOON - 60_000
    assert served.send("POST", path).json()["state"] == "accepted"
    rebuilds.write(served.client, half.now("done", 6, 6))  # by whoever had begun with the first
    found = served.get(path).json()
    assert (found["state"], found["asked_at"]) == ("accepted", "2025-06-15T12:00:00.001Z")
    (waits,) = [one for one in rebuilds.waiting(served.client) if one.site == served.anna.site.id]
    assert waits.revision > half.revision

    # What is through can be asked for again.
    rebuilds.write(served.client, waits.begun().now("done", 6, 6))
    assert served.get(path).json() == {"state": "done", "asked_at": found["asked_at"], "done": 6, "visitors": 6}
    assert served.send("POST", path).json()["state"] == "accepted"
    assert served.http.get(f"/api/sites/{served.bert.site.id}/rebuild", headers=served.anna.headers).status_code == 403
    bert = served.http.get(f"/api/sites/{served.bert.site.id}/rebuild", headers=served.bert.headers)
    assert bert.json()["state"] == "none"


def test_a_try_outdoes_what_an_earlier_one_still_writes_and_there_are_not_too_many(served: Served) -> None:
    site = served.with_new_tenants().anna.site.id
    one = rebuilds.accept(served.client, site, 7, NOON)
    late = one.begun()
    for _ in range(5):
        late = late.now("running", 1, 9)
    one = one.begun().begun()
    rebuilds.write(served.client, one)
    rebuilds.write(served.client, late.now("done", 9, 9))
    assert rebuilds.latest(served.client, site) == one
    for _ in range(rebuilds.TRIES - 2):
        one = one.begun()
        assert one.open
    assert one.begun().state == "failed" and not one.begun().open
