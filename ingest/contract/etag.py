"""Whether a client has what it asks for already."""


def is_held(tag: str, if_none_match: str) -> bool:
    """Whether the header names the tag: one of several, and weak or not, as RFC 9110 compares them here."""
    return tag.removeprefix("W/") in [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
