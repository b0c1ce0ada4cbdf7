"""A visitor found by the name that the site gives them, or by their id."""

from typing import Any

import pytest

from ingest.contract.visitor import own
from rollups.write import Writer
from tests.api.answer import made
from tests.api.conftest import NOON, Served

pytestmark = pytest.mark.services


def test_a_visitor_is_found_by_the_name_of_the_site_and_by_the_id(served: Served) -> None:
    served = served.with_new_tenants()
    site = served.anna.site
    known = {name: own(site.secret, name) for name in ("customer-4711", "4711", " spaced ", "ü\U0001f600")}
    alike = known["4711"][:8] + "0" * 8
    rows = [made.session(visitor, NOON - n, site=site.id) for n, visitor in enumerate([*known.values(), alike])]
    Writer(served.client).insert_sessions(f"search/{site.id}", rows)

    def found(text: str, page: int = 1) -> tuple[int, list[str]]:
        answer: Any = served.get(f"/api/sites/{site.id}/visitors", {"search": text, "page": page}).json()
        return answer["total"], [each["id"].removeprefix(f"{site.id}-") for each in answer["visitors"]]

    for name, visitor in known.items():
        assert found(name) == (1, [visitor])
    one = known["4711"]
    both = (2, [one, alike])
    assert found(f"{site.id}-{one}") == found(one) == found(f" {one.upper()} ") == (1, [one])
    assert found(one[:8]) == both and found(one[:9]) == (1, [one])
    assert found(one[:8], page=2) == (2, [])
    # Nobody: too short, another site's, a name in another spelling, a pattern.
    for text in (
        one[:7],
        f"{served.bert.site.id}-{one}",
        "Customer-4711",
        "spaced",
        "%",
        "*",
        "customer",
        "' OR 1 = 1",
    ):
        assert found(text) == (0, []), text
    assert found("customer", page=3) == (0, [])
    everybody = served.get(f"/api/sites/{site.id}/visitors").json()
    assert everybody["total"] == len(everybody["visitors"]) == len(rows)
    for wrong in ("", "x" * 129):
        answer = served.get(f"/api/sites/{site.id}/visitors", {"search": wrong})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "search")
