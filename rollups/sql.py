"""SQL by the name of its file in `query/`."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "query"


@cache
def statement(name: str) -> str:
    """The text of `query/<name>.sql`."""
    return (_FOLDER / f"{name}.sql").read_text()
