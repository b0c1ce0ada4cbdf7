"""What the generator does beside Markdown: a link to a file outside docs/ is only its text on the site."""

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]*)\]\(\.\./[^)\s]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by the generator for each page."""
    return _OUTSIDE.sub(r"\1", markdown)
