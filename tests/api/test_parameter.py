"""Parameters of the read API: what is asked for is spelled as what is stored."""

import json

import pytest
from pydantic import BaseModel, ValidationError

from api.filter import parse
from api.parameter import ReachOf, StepsOf, TypeOf
from ingest.contract.batch import read
from tests.ingest.test_incoming import with_member


@pytest.mark.parametrize(
    "asked", ["buy", " buy ", "a b", "a\u00a0\u3000b", "a\n\tb", "ثبت\u200cنام", "\u200fשלום", "👩\u200d💻", "c\u0301"]
)
def test_a_type_is_asked_for_in_the_spelling_of_events(asked: str) -> None:
    stored = read(with_member(b'"type":' + json.dumps(asked).encode())).events[0][1].type
    assert TypeOf.model_validate({"type": asked}).type == stored
    assert ReachOf.model_validate({"metric": "event", "value": asked}).value == stored
    assert StepsOf.model_validate({"steps[]": [asked, "x"]}).steps == [stored, "x"]


@pytest.mark.parametrize("asked", ["", " ", "a\0b", "a\x1fb", "\u202eab", "a\u2067b", "a" * 65])
@pytest.mark.parametrize(("model", "name"), [(TypeOf, "type"), (ReachOf, "value"), (StepsOf, "steps[]")])
def test_what_no_event_is_called_is_no_parameter(asked: str, model: type[BaseModel], name: str) -> None:
    given = [asked, "x"] if name == "steps[]" else asked
    with pytest.raises(ValidationError) as refused:
        model.model_validate({"metric": "event", name: given} if name == "value" else {name: given})
    assert refused.value.errors()[0]["loc"][0] == name


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        ("event==ثبت\u200cنام| two\u00a0\n words ", ("ثبت\u200cنام", "two words")),
        ("goal==sign  up", ("sign up",)),
        ("campaign!=Black\u3000Friday", ("Black Friday",)),
        ("page==/a b/", ("/a%20b",)),
        ("campaign==(none)", ("(none)",)),
        ("entry_page!=(none)|a", ("(none)", "/a")),
        ("page==(none)", ("/(none)",)),
        ("event=~ two  *", (" two  *",)),
    ],
)
def test_a_filter_names_values_in_the_spelling_of_events(asked: str, stored: tuple[str, ...]) -> None:
    assert parse(asked).values == stored
