"""The leaf keys of an event's data: what they are, and that no text is slow or an exception."""

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.data import leaf_keys
from ingest.contract.field import MAX_DATA_DEPTH, MAX_DATA_KEYS

JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    lambda inside: st.dictionaries(st.text(max_size=4), inside, max_size=4),
    max_leaves=20,
)


def nested(levels: int, leaf: str = "1") -> str:
    return '{"a":' * levels + leaf + "}" * levels


def naive(value: Any, path: tuple[str, ...] = ()) -> set[str]:
    if not isinstance(value, dict):
        return {".".join(path)}
    return set().union(*(naive(each, (*path, key)) for key, each in value.items()))


@given(st.dictionaries(st.text(max_size=4), JSON, max_size=4))
def test_leaves_are_named_by_their_path(data: dict[str, Any]) -> None:
    expected = naive(data)
    found = leaf_keys(json.dumps(data))
    assert len(set(found)) == len(found) == min(len(expected), MAX_DATA_KEYS)
    assert set(found) <= expected


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", ()),
        ("{", ()),
        ('{"a":', ()),
        ("[1]", ()),
        ("null", ()),
        ('"{"', ()),
        ('{"a":{},"b":[],"c":null,"d":[{"e":1}]}', ("b", "c", "d")),
        ('{"n":1e999,"m":-12345678901234567890123}', ("n", "m")),
        ('{"t":"' + "{" * 3_000 + '"}', ("t",)),
        ('{"\\ud800":1}', ()),
        (nested(MAX_DATA_DEPTH + 1), (".".join("a" * (MAX_DATA_DEPTH + 1)),)),
        (nested(MAX_DATA_DEPTH + 2), (".".join("a" * (MAX_DATA_DEPTH + 1)),)),
        (nested(MAX_DATA_DEPTH + 1, "{}"), ()),
        (nested(30_000), ()),
        ("[" * 30_000, ()),
    ],
)
def test_a_text_has_these_keys(text: str, keys: tuple[str, ...]) -> None:
    assert leaf_keys(text) == keys


def test_a_long_key_does_not_come_again_with_all_that_is_under_it() -> None:
    name = "k" * 1_000
    assert leaf_keys(json.dumps({name: dict.fromkeys("abcdefg", 0)})) == (
        name + ".a",
        name + ".b",
        name + ".c",
        name + ".d",
    )


def test_a_megabyte_takes_as_long_as_it_is_long() -> None:
    """Anyone may write to Kafka: a long key over many objects, many keys, many levels."""
    long = "k" * 500_000
    wide = json.dumps({long: {str(n): {"x": {"y": {}}} for n in range(40_000)}})
    many = json.dumps({str(n): n for n in range(100_000)})
    begun = process_time()
    json.loads(wide), json.loads(many)
    plain = process_time() - begun
    begun = process_time()
    assert leaf_keys(wide) == ()
    assert len(leaf_keys(many)) == MAX_DATA_KEYS
    assert process_time() - begun < 20 * plain
