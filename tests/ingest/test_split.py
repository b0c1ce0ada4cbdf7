"""Splitting JSON without parsing it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.contract.split import split

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='a"\\{}[],:é', max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='a"\\{},:', max_size=4), inner),
    max_leaves=20,
)


@given(st.lists(VALUES, max_size=6), st.sampled_from([None, 1]))
def test_the_parts_of_an_array_are_its_elements(values: list[Any], indent: int | None) -> None:
    parts = split(json.dumps(values, indent=indent).encode(), 100)
    assert [json.loads(part.value) for part in parts] == values


@given(st.dictionaries(st.text(alphabet='a"\\{},:', max_size=4), VALUES, max_size=6))
def test_the_parts_of_an_object_are_its_members(values: dict[str, Any]) -> None:
    parts = split(json.dumps(values, ensure_ascii=False).encode(), 100)
    assert {json.loads(part.key): json.loads(part.value) for part in parts} == values


@given(st.text(alphabet='{}[]",:\\a', max_size=40))
def test_split_raises_nothing_but_value_error(text: str) -> None:
    try:
        split(text.encode(), 100)
    except ValueError:
        return


def test_no_more_parts_are_made_than_asked_for() -> None:
    assert len(split(b"[" + b"1," * 1000 + b"1]", 100)) == 101


@pytest.mark.parametrize("text", [b"", b"[", b"{]", b"[}]", b'["]', b"[1]]", b"{1}", b'{"a":1,2}'])
def test_what_does_not_close_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"close|colon"):
        split(text, 100)
