"""`/api/openapi.json`, and `/api/docs`: the same document for people, without scripts or foreign hosts."""

import json
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route

from api.endpoints import ENDPOINTS
from api.openapi import document
from api.page import based, file_handler

STYLE = Path(__file__).parent / "docs.css"


def routes(base: str = "") -> list[BaseRoute]:
    """The document, the page and its style; made once, here."""
    described = document(ENDPOINTS, base)
    files = (
        ("/api/openapi.json", msgspec.json.encode(described), "application/json"),
        ("/api/docs", based(html(described), base).encode(), "text/html; charset=utf-8"),
        ("/api/docs.css", STYLE.read_bytes(), "text/css; charset=utf-8"),
    )
    return [
        Route(path + end, file_handler(content, kind, "no-cache")) for path, content, kind in files for end in ("", "/")
    ]


def html(described: dict[str, Any]) -> str:
    """The document as one page: every operation with its parameters, body and answers, then every schema."""
    operations = [
        (path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    info = described["info"]
    links = "".join(
        f'<li><a href="#{escape(operation["operationId"])}"><b>{method.upper()}</b> {escape(path)}</a></li>'
        for path, method, operation in operations
    )
    schemas = "".join(
        f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3>{_prose(schema)}{_fields(schema)}</section>'
        for name, schema in described["components"]["schemas"].items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(info["title"])} API</title><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="/api/docs.css"></head><body>'
        f"<header><h1>{escape(info['title'])} API</h1><p>{escape(info['summary'])}</p>"
        f"<p>{_inline(info['description'])}</p>"
        '<p>For programs: <a href="/api/openapi.json">openapi.json</a>. Back to <a href="/sites">your sites</a>.</p>'
        f'</header><nav aria-label="Endpoints"><ul>{links}</ul></nav>'
        f"<main>{''.join(_operation(*each) for each in operations)}<h2>Schemas</h2>{schemas}</main></body></html>"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<tr><th><code>{escape(each['name'])}</code></th><td>{'' if each['required'] else 'optional '}"
        f"{each['in']}</td><td>{_type(each['schema'])}</td><td>{_inline(each.get('description', ''))}</td></tr>"
        for each in operation.get("parameters", ())
    )
    body = "".join(
        f"<p>Body, <code>{escape(kind)}</code>: {_type(content['schema'])}</p>"
        for kind, content in operation.get("requestBody", {}).get("content", {}).items()
    )
    answers = "".join(
        f"<tr><th>{escape(status)}</th><td>{_inline(answer['description'])}</td><td>{_content(answer)}</td></tr>"
        for status, answer in operation["responses"].items()
    )
    public = "<p>Public: no key needed.</p>" if operation.get("security") == [] else ""
    table = f"<table><caption>Parameters</caption>{parameters}</table>" if parameters else ""
    return (
        f'<section id="{escape(operation["operationId"])}"><h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2>'
        f"<p>{_inline(operation['summary'])}.</p>{public}{table}{body}"
        f"<table><caption>Answers</caption>{answers}</table></section>"
    )


def _content(answer: dict[str, Any]) -> str:
    return ", ".join(
        _type(content["schema"]) if "schema" in content else f"<code>{escape(kind)}</code>"
        for kind, content in answer.get("content", {}).items()
    )


def _prose(schema: dict[str, Any]) -> str:
    return f"<p>{_inline(schema['description'])}</p>" if "description" in schema else ""


def _fields(schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><th><code>{escape(name)}</code></th><td>{_type(each)}</td>"
        f"<td>{_inline(each.get('description', ''))}</td></tr>"
        for name, each in schema.get("properties", {}).items()
    )
    return f"<table>{rows}</table>" if rows else f"<p>{_type(schema)}</p>"


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words, with links to the schemas that it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "const" in schema or "enum" in schema:
        return " | ".join(
            f"<code>{escape(json.dumps(each))}</code>" for each in schema.get("enum", [schema.get("const")])
        )
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type({"type": schema.get("type"), **each}) for each in schema["anyOf"]))
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"array of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    low, high = schema.get("minimum"), schema.get("maximum")
    limits = f" {low} to {high}" if low is not None and high is not None else ""
    default = f", default {escape(json.dumps(schema['default']))}" if "default" in schema else ""
    return escape(str(schema.get("format", kind))) + limits + default


def _inline(text: str) -> str:
    """Escaped text with `code` between backquotes."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
