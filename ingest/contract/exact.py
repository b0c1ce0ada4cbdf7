"""JSON whose numbers stay as they were written."""

from decimal import Decimal
from typing import Any

import msgspec

BROKEN = (ValueError, RecursionError, ArithmeticError)  # what msgspec and the Decimal hook raise on bad text

decoder = msgspec.json.Decoder(float_hook=Decimal)


def decode(text: bytes) -> Any:
    """A JSON value, its numbers exact (int or Decimal). Raises ValueError."""
    try:
        return decoder.decode(text)
    except BROKEN as error:
        raise ValueError("not JSON") from error
