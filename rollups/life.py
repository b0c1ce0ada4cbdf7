"""Which life of the ClickHouse server this is: a restart begins another one.

Tokens are believed within one only. After a power cut a server that is no replica has forgotten tokens whose rows it
kept, and may know one whose rows it lost; so whatever must be inserted once carries the life in its token.
"""

import secrets

from rollups.client import Client
from rollups.sql import statement


def life(client: Client) -> str:
    """The server's; it is named by who asks first. Blocks; raises ClickHouseUnavailable."""
    if found := _named(client):
        return found
    client.insert("life", ("id",), ("String",), [[secrets.token_hex(8)]], {"async_insert": 0})
    return _named(client)


def _named(client: Client) -> str:
    return str(client.rows(statement("life"))[0]["id"])
