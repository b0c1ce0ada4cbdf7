"""The OpenAPI 3.1 document, made from the same endpoints and models that check questions and answer them."""

import re
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from api import tracking
from api.endpoint import Endpoint
from api.parameter import Nothing
from api.problem import ErrorBody
from api.signin import COOKIE

_REF = "#/components/schemas/{model}"
_PROBLEMS = {
    304: "What you have is still right",
    400: "A bad, missing or repeated parameter, or a bad body; `retained_until`: the rows that it needs are gone",
    401: "A valid API key or session is needed",
    403: "Not yours, or it does not exist; or your role or the key's scope does not allow it",
    404: "Your site has no such thing",
    409: "It exists already",
    413: "The body is too large",
    429: "Too many attempts",
    503: "A part that the answer needs is away",
}
_PATH_PARAMETERS = {
    "site_id": ("The site's id", r"^[a-z0-9]{6,12}$"),
    "visitor_id": ("The visitor's id, as lists of visitors give it", r"^[a-z0-9]{6,12}-[0-9a-f]{16}$"),
    "session_id": ("The session's id, as lists of sessions give it", r"^[0-9a-f]{16}$"),
    "erasure": ("The erasure's name, as the answer to a DELETE gives it", r"^[0-9a-f]{16}$"),
    "key_id": ("The key's id", r"^[a-z0-9]{12}$"),
    "member_id": ("The member's id, or that of the member's account", r"^[a-z0-9]{12}$"),
    "link_id": ("The link's id", r"^[a-z0-9]{12}$"),
    "token": ("What the link's address ends with", r"^[A-Za-z0-9_-]{43}$"),
}


def document(endpoints: list[Endpoint], base: str = "") -> dict[str, Any]:
    """The whole document as JSON-able values; `base`: path before every path in it."""
    schemas, refs = _schemas(endpoints)
    paths: dict[str, Any] = {}
    for endpoint in endpoints:
        paths.setdefault(f"/api{endpoint.path}", {})[endpoint.method.lower()] = _operation(endpoint, refs)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Throughline",
            "version": "1",
            "summary": "Web analytics: sessions, sources, revenue and funnels of your own sites.",
            "description": (
                "Ranges are half-open and exact to the millisecond; timestamps are ISO 8601 in UTC. "
                "Errors always have the shape of `ErrorBody`. Ask with `Authorization: Bearer sk_…`. "
                "A key of scope `read` may ask what only reads, `manage` all that its account may; with a site there. "
                "On a site a viewer reads, an editor changes it and its share links, an owner does all. "
                "Lists are complete up to 1,000 rows, or the limit that is named. Past it, lists by source, campaign, "
                "event type and data key end with the row `(other)`, which sums the rest, so that sums hold; lists of "
                "sessions and events end there."
            ),
        },
        **({"servers": [{"url": base}]} if base else {}),
        "paths": {**paths, **tracking.paths()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `sk_…`"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "The pages' session"},
            },
        },
        "security": [{"key": []}, {"session": []}],
    }


def _schemas(endpoints: list[Endpoint]) -> tuple[dict[str, Any], dict[tuple[str, str], Any]]:
    """Component schemas by name, and the schema of (endpoint or model name, what it is)."""
    wanted: list[tuple[str, JsonSchemaMode, Any]] = [("ErrorBody", "serialization", TypeAdapter(ErrorBody))]
    for endpoint in endpoints:
        if endpoint.types.answer is not None:
            wanted.append((endpoint.name, "serialization", TypeAdapter(endpoint.types.answer)))
        if endpoint.types.body is not None:
            wanted.append((endpoint.name + " body", "validation", TypeAdapter(endpoint.types.body)))
    wanted += [(model.__name__, mode, TypeAdapter(model)) for model, mode in tracking.MODELS]
    refs, definitions = TypeAdapter.json_schemas(wanted, ref_template=_REF)
    schemas = definitions["$defs"]
    names = {name: _short(name) for name in schemas}
    return (
        {names[name]: _renamed(_untitled(schema), names) for name, schema in sorted(schemas.items())},
        {(name, mode): _renamed(_untitled(schema), names) for (name, mode), schema in refs.items()},
    )


def _operation(endpoint: Endpoint, refs: dict[tuple[str, str], Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": ["analytics" if endpoint.of_data or "/analytics/" in endpoint.path else "account"],
        "responses": {
            str(endpoint.status): _success(endpoint, refs),
            **{str(status): _problem(status) for status in endpoint.statuses},
        },
    }
    if endpoint.public:
        operation["security"] = []
    if parameters := _path_parameters(endpoint) + _query_parameters(endpoint):
        operation["parameters"] = parameters
    if endpoint.types.body is not None:
        schema = refs[endpoint.name + " body", "validation"]
        operation["requestBody"] = {
            "required": not endpoint.bodiless,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _success(endpoint: Endpoint, refs: dict[tuple[str, str], Any]) -> dict[str, Any]:
    if endpoint.streams:
        return {"description": endpoint.summary, "content": {endpoint.streams: {"schema": {"type": "string"}}}}
    if endpoint.types.answer is None:
        return {"description": "Done"}
    schema = refs[endpoint.name, "serialization"]
    headers = {"headers": {"ETag": {"schema": {"type": "string"}}}} if endpoint.of_data else {}
    content = {"application/json": {"schema": schema}}
    if endpoint.csv:
        content["text/csv"] = {"schema": {"type": "string"}}
    return {"description": "The answer", "content": content, **headers}


def _problem(status: int) -> dict[str, Any]:
    if status == 304:
        return {"description": _PROBLEMS[status]}
    content = {"application/json": {"schema": {"$ref": _REF.format(model="ErrorBody")}}}
    headers = {"headers": tracking.RETRY_AFTER} if status in (429, 503) else {}
    return {"description": _PROBLEMS[status], "content": content, **headers}


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found = []
    for name in re.findall(r"\{(\w+)\}", endpoint.path):
        description, pattern = _PATH_PARAMETERS[name]
        schema = {"type": "string", "pattern": pattern}
        found.append({"name": name, "in": "path", "required": True, "description": description, "schema": schema})
    return found


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.types.parameters is Nothing:
        return []
    model = endpoint.types.parameters.model_json_schema()
    found = []
    for name, schema in model["properties"].items():
        kept = _untitled(schema)
        description = kept.pop("description", None)
        if "anyOf" in kept and {"type": "null"} in kept["anyOf"]:  # left out, since a query cannot say null
            (kept,) = [each for each in kept["anyOf"] if each != {"type": "null"}]
            kept |= {"examples": schema["examples"]} if "examples" in schema else {}
        found.append(
            {
                "name": name,
                "in": "query",
                "required": name in model.get("required", []),
                **({"description": description} if description else {}),
                "schema": kept,
                **({"style": "form", "explode": True} if kept.get("type") == "array" else {}),
            }
        )
    return found


def _short(name: str) -> str:
    """`api__answer__reach__Source` (there are several Sources) → ReachSource; a module's own name is not said twice."""
    *_, module, own = ["", *name.split("__")]
    prefix = module.title().replace("_", "")
    return own if not prefix or prefix == own else prefix + own


def _untitled(schema: Any) -> Any:
    """Without the titles that pydantic derives from names; a default of "" only says that the field may be left out."""
    if isinstance(schema, list):
        return [_untitled(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(each) for name, each in value.items()} if key == "properties" else _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and value in ("", None))
    }


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, list):
        return [_renamed(each, names) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _renamed(value, names) for key, value in schema.items()}
    if isinstance(found.get("$ref"), str):
        name = found["$ref"].rpartition("/")[2]
        found["$ref"] = _REF.format(model=names.get(name, name))
    return found
