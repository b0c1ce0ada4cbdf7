"""The rows of an answer as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from typing import Any

from pydantic import BaseModel

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets run


def rows(answer: Any) -> bytes:
    """UTF-8 with a line of names; of an answer whose `rows` are models of plain fields, `value` first."""
    model: type[BaseModel] = type(answer).model_fields["rows"].annotation.__args__[0]
    names = sorted(model.model_fields, key=lambda name: name != "value")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([_cell(getattr(row, name)) for name in names] for row in answer.rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    """A number as it is; a text that a spreadsheet would take for a formula behind an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
