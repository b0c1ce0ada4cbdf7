"""SQL by the name of its file in `query/`, and times as its parameters."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "query"


@cache
def statement(name: str) -> str:
    """The text of `query/<name>.sql`."""
    return (_FOLDER / f"{name}.sql").read_text()


def utc(ms: int) -> datetime:
    """For a parameter of a statement; exact to the ms."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
