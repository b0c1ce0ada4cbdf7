"""SQL by the name of its file in `query/`, and times as its parameters."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from rollups.rows import TOUCH

_FOLDER = Path(__file__).parent / "query"


@cache
def statement(name: str) -> str:
    """The text of `query/<name>.sql`. `{touch}` is the columns `rows.TOUCH`, `{touch_texts}` the same as String."""
    text = (_FOLDER / f"{name}.sql").read_text()
    texts = ", ".join(f"toString({column})" for column in TOUCH)
    return text.replace("{touch}", ", ".join(TOUCH)).replace("{touch_texts}", texts)


def utc(ms: int) -> datetime:
    """For a parameter of a statement; exact to the ms."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
