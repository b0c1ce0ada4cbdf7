"""How the OpenAPI document describes what ingest and the process itself serve beside the API."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from ingest.contract.event import REASONS
from ingest.contract.incoming import Incoming


class EventError(BaseModel):
    """Why the event at `index` was not accepted; `field` is dotted, "" when no field is to blame."""

    index: int
    field: str
    message: str


class Receipt(BaseModel):
    """`accepted` leaves out what admission filtered, which is counted by reason."""

    accepted: int
    filtered: dict[str, int] = Field(description=f"Of {', '.join(REASONS)}.")
    errors: list[EventError]


class Health(BaseModel):
    """Every part: "ok", or what ails it."""

    status: Literal["ok", "unavailable"]
    parts: dict[str, str]


MODELS: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
    (Incoming, "validation"),
    (Receipt, "serialization"),
    (Health, "serialization"),
]


def paths() -> dict[str, Any]:
    """Path items of the tracking endpoint, the script, health and metrics."""
    event = {"$ref": "#/components/schemas/Incoming"}
    batch = {"anyOf": [event, {"type": "array", "items": event, "minItems": 1, "maxItems": 100}]}
    receipt = {"application/json": {"schema": {"$ref": "#/components/schemas/Receipt"}}}
    gif: dict[str, Any] = {"image/gif": {}}
    refused = {
        "400": "No event was usable",
        "401": "An `Authorization` that is no key for posting events",
        "404": "Every tracking id is unknown",
        "408": "The body took too long",
        "413": "Too large",
        "415": "A content encoding that is not understood",
        "429": "Too many events of this site or address",
        "431": "Too many or too large headers",
        "503": "The event log cannot take the events now",
    }
    health = {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
    return {
        "/e": {
            "post": {
                "operationId": "post-events",
                "summary": "Post one event or up to 100; answered once they are durable",
                "description": (
                    "No key is needed. With one of scope `ingest` the first address of `X-Forwarded-For` is believed, "
                    "and revenue is trusted."
                ),
                "tags": ["tracking"],
                "security": [{}, {"key": []}],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": batch}, "text/plain": {"schema": {"type": "string"}}},
                },
                "responses": {
                    "202": {"description": "At least one event was accepted or filtered", "content": receipt},
                    **{status: _refusal(text, receipt) for status, text in refused.items()},
                },
            }
        },
        "/e.gif": {
            "get": {
                "operationId": "pixel",
                "summary": "One event in a query, for pages without JavaScript",
                "tags": ["tracking"],
                "security": [],
                "parameters": [_pixel("site"), _pixel("url"), _pixel("type", required=False)],
                "responses": {
                    "200": {"description": "The event was accepted or filtered", "content": gif},
                    **{status: _refusal(text, gif) for status, text in refused.items()},
                },
            }
        },
        "/t.js": {
            "get": {
                "operationId": "script",
                "summary": "The tracking script",
                "tags": ["tracking"],
                "security": [],
                "responses": {"200": {"description": "JavaScript", "content": {"text/javascript": {}}}},
            }
        },
        "/health": {
            "get": {
                "operationId": "health",
                "summary": "Whether every part works",
                "tags": ["operation"],
                "security": [],
                "responses": {
                    "200": {"description": "All parts are ok", "content": health},
                    "503": {"description": "Some part ails", "content": health, "headers": RETRY_AFTER},
                },
            }
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Metrics for Prometheus",
                "tags": ["operation"],
                "security": [],
                "responses": {"200": {"description": "Prometheus text format", "content": {"text/plain": {}}}},
            }
        },
    }


RETRY_AFTER = {"Retry-After": {"schema": {"type": "string"}, "description": "Seconds after which to try again"}}


def _refusal(text: str, content: dict[str, Any]) -> dict[str, Any]:
    retried = {"headers": RETRY_AFTER} if text.startswith(("Too many events", "The event log")) else {}
    return {"description": text, "content": content, **retried}


def _pixel(name: str, *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "schema": {"type": "string"}}
