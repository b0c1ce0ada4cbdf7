"""Columns in ClickHouse's format Native: each is made by itself, whenever there is time, and then a block of them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.exceptions import Error
from clickhouse_connect.driver.insert import InsertContext

# How an amount in ten-thousandths travels already: without this each would become a Decimal, a text and an int again.
_MONEY, _TRAVELS_AS = "Decimal(18, 4)", "Int64"

Packed: TypeAlias = Mapping[str, bytes]  # columns by name
NOTHING: Packed = {}


def packed(types: Mapping[str, str], columns: Sequence[Sequence[Any]], but: Collection[str]) -> Packed:
    """The columns, but for some of them; nothing if one cannot be packed: the insert will say why. Pure."""
    try:
        named = zip(types.items(), columns, strict=True)
        return {name: column(name, type_, values) for (name, type_), values in named if name not in but}
    except Error:
        return NOTHING


def column(name: str, type_: str, values: Sequence[Any]) -> bytes:
    """Ints in a DateTime64 are its ticks, in a Decimal(18, 4) ten-thousandths. Raises the driver's Error."""
    out = bytearray()
    for text in (name, type_):
        out += _number(len(text)) + text.encode()
    context = InsertContext("", (), ())
    context.start_column(name)
    get_from_name(type_.replace(_MONEY, _TRAVELS_AS)).write_column(values, out, context)
    return bytes(out)


def block(columns: Sequence[bytes], rows: int) -> bytes:
    """What an insert of so many rows sends."""
    return b"".join((_number(len(columns)), _number(rows), *columns))


def _number(value: int) -> bytes:
    """LEB128."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
