"""Text that people read: names of events and sites, values of campaigns, in one spelling of their white space."""

import re

_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
# And what turns the text around it: bidi overrides and isolates.
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u202d\u202e\u2066-\u2069]+")


def name(text: str, most: int) -> str:
    """The name, trimmed, inner white space of any kind one space. Raises ValueError.

    Joiners and marks of direction belong to how many languages are written, so they stay.
    """
    return printable(spaced(text, most))


def spaced(text: str, most: int) -> str:
    """As `name`, whatever else is in it."""
    found = _SPACE.sub(" ", text).strip(" ")
    if not 1 <= len(found) <= most:
        raise ValueError(f"must be 1 to {most} characters")
    return found


def printable(text: str) -> str:
    """The text as it is. Raises ValueError for controls, bidi overrides and isolates."""
    if not text.isprintable() and _CONTROLS.search(text):
        raise ValueError("must hold no control characters, bidi overrides or isolates")
    return text


def value(text: str) -> str:
    """As `name`, of any length, controls as white space."""
    if text.isprintable() and "  " not in text:
        return text.strip(" ")
    return " ".join(_CONTROLS.sub(" ", text).split())
