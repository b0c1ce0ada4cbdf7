"""`/api/openapi.json`, and `/api/docs`: the same document as a page for people, without scripts or foreign hosts."""

import msgspec
from starlette.routing import BaseRoute, Route

from api.endpoints import ENDPOINTS
from api.openapi import document
from api.page import file_handler


def routes() -> list[BaseRoute]:
    """The document; made once."""
    described = document(ENDPOINTS)
    return [Route("/api/openapi.json", file_handler(msgspec.json.encode(described), "application/json", "no-cache"))]
