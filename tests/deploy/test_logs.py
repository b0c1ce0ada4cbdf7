"""What is logged can neither forge a line nor speak to a terminal."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.logs import A_MINUTE, JsonFormatter, LineFormatter, Seldom, escape


@given(st.text())
def test_escaped_text_is_one_line_without_control_characters(text: str) -> None:
    shown = escape(text)
    assert len(shown.splitlines()) <= 1
    assert all(character == "\t" or character.isprintable() or not ord(character) < 160 for character in shown)


@pytest.mark.parametrize(("text", "shown"), [("a\r\nb", r"a\r\nb"), ("\x1b[2J", r"\x1b[2J"), ("\u2028", r"\u2028")])
def test_control_characters_are_shown_as_escapes(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_a_traceback_cannot_pose_as_a_record() -> None:
    try:
        raise ValueError("x\n2026-01-01 ERROR forged\x1b[0m")
    except ValueError as error:
        record = logging.LogRecord(
            "a", logging.ERROR, "f", 1, "%s", ("m\nn",), (ValueError, error, error.__traceback__)
        )
    first, *rest = LineFormatter("web").format(record).split("\n")
    assert first.endswith(r"ERROR web a: m\nn")
    assert rest and all(line.startswith("  | ") for line in rest)
    assert not any("\x1b" in line for line in rest)


def test_a_kind_of_line_is_written_a_few_times_a_minute_and_the_rest_counted() -> None:
    now = 0.0
    seldom = Seldom(lambda: now)

    def passes(text: str, *given: object) -> str:
        record = logging.LogRecord("a", logging.WARNING, "f", 1, text, given, None)
        return record.getMessage() if seldom.filter(record) else ""

    assert sum(bool(passes("partition %d fails", number)) for number in range(100)) == A_MINUTE
    assert passes("another kind")
    now = 59.9
    assert not passes("partition %d fails", 7)
    now = 60.0
    assert passes("partition %d fails", 7) == f"partition 7 fails (and {101 - A_MINUTE} more like it before)"
    assert passes("partition %d fails", 8) == "partition 8 fails"


def test_a_record_is_one_object_a_line_whose_kind_is_without_what_was_filled_in() -> None:
    try:
        raise ValueError("x\n2026-01-01 ERROR forged")
    except ValueError as error:
        caught = (ValueError, error, error.__traceback__)
    more = "partition %d says %s (and 7 more like it before)"
    record = logging.LogRecord("a", logging.ERROR, "f", 1, more, (3, 'm\n"n'), caught)
    line = JsonFormatter("worker").format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert told["message"] == 'partition 3 says m\n"n (and 7 more like it before)'
    assert told["kind"] == "partition %d says %s" and told["part"] == "worker" and told["level"] == "error"
    assert told["trace"].endswith("forged")
