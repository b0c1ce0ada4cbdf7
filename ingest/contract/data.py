"""The keys of an event's `data`: the worker reads them once, so that nothing behind an insert has to parse JSON."""

from typing import Any

import msgspec

from ingest.contract.field import MAX_DATA, MAX_DATA_DEPTH, MAX_DATA_KEYS

_decoder = msgspec.json.Decoder(float_hook=str)  # a number beyond a float's range is a leaf like any other


def leaf_keys(data: str) -> tuple[str, ...]:
    """The distinct keys of the leaves of an object's JSON text, nested ones joined by dots; () for any other text.

    An array is a leaf, so is null; an empty object has none; what lies deeper than admission allows is a leaf. No more
    keys, and no more text of them, than admission allows, those of the upper levels first: a long key would come again
    with each one under it. Takes time in proportion to the text, never raises. `schema/0008_event_keys.sql` says the
    same for rows of before.
    """
    try:
        read = _decoder.decode(data)
    except (ValueError, RecursionError):
        return ()
    found: dict[str, None] = {}
    room = MAX_DATA
    level: list[tuple[tuple[str, ...], dict[str, Any]]] = [((), read)] if isinstance(read, dict) else []
    for depth in range(MAX_DATA_DEPTH + 1):
        below: list[tuple[tuple[str, ...], dict[str, Any]]] = []
        for path, members in level:
            for key, value in members.items():
                if value == {}:
                    continue
                if isinstance(value, dict) and depth < MAX_DATA_DEPTH:
                    below.append(((*path, key), value))
                    continue
                name = ".".join((*path, key))
                room -= len(name)
                if room < 0:
                    return tuple(found)
                found[name] = None
                if len(found) == MAX_DATA_KEYS:
                    return tuple(found)
        level = below
    return tuple(found)
