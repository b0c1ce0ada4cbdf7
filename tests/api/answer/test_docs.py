"""docs/add-a-number.md shows files of the tree as they are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/add-a-number.md").read_text()
SECTIONS = re.findall(r"^## \d\. [^`\n]*`([^`]+)`$(.*?)(?=^## )", TEXT, re.M | re.S)


@pytest.mark.parametrize(("path", "section"), SECTIONS, ids=[path for path, _ in SECTIONS])
def test_the_code_shown_is_the_code(path: str, section: str) -> None:
    shown = re.findall(r"^```\w+\n(.*?)^```$", section, re.M | re.S)
    assert shown
    for block in shown:
        assert block in (ROOT / path).read_text()


def test_there_are_three_files_and_an_entry() -> None:
    assert len(SECTIONS) == 4
