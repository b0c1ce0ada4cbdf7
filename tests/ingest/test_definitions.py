"""The page of definitions is made from the tables."""

from pathlib import Path

from ingest import rule
from ingest.definitions import definitions

PAGE = Path(__file__).parents[2] / "docs" / "definitions.md"


def test_the_page_of_definitions_is_as_the_tables_say() -> None:
    assert PAGE.read_text() == definitions(), "python -m ingest.definitions > docs/definitions.md"


def test_it_names_every_rule() -> None:
    for table in ("source", "app", "click", "direct"):
        for row in rule.read(table):
            assert f"| {row.name} |" in PAGE.read_text() or f"| `{row.name}` |" in PAGE.read_text()
