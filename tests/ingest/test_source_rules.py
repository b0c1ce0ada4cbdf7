"""The lists of sources, apps and click ids say each thing once."""

import pytest

from ingest import rule
from ingest.source import publish


def test_no_word_of_the_list_may_name_two_sources() -> None:
    with pytest.raises(ValueError, match=r"'a\.test' is listed for 'one' and for 'two'"):
        publish([("one", ["a.test"]), ("two", ["a.test"])])


def test_every_app_and_click_id_names_a_source_of_the_list() -> None:
    kinds = {row.name: row.group for row in rule.read("source")}
    assert {row.words for row in (*rule.read("app"), *rule.read("click"))} <= {(name,) for name in kinds}
    assert (kinds["google"], kinds["facebook"], kinds["chatgpt"], kinds["vimeo"]) == (
        "search",
        "social",
        "assistant",
        "video",
    )


def test_every_rule_is_listed_once_and_has_its_reason() -> None:
    for table in ("source", "app", "click", "direct"):
        names = [row.name for row in rule.read(table)]
        assert sorted(names) == sorted(set(names))
        assert table == "source" or all(row.reason for row in rule.read(table))


def test_a_rule_stands_in_a_group() -> None:
    assert rule.rows("# why\n[ad] Ads\ngclid: google  # Google\n") == (
        rule.Row("ad", "Ads", "gclid", ("google",), "Google"),
    )
    with pytest.raises(ValueError, match="stands in no group"):
        rule.rows("gclid: google\n")
