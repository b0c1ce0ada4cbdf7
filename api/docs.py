"""`/api/openapi.json`, and `/api/docs`: the same document for people, without scripts or foreign hosts."""

import json
import re
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.endpoints import ENDPOINTS
from api.openapi import document
from api.page import STATIC, based, file_handler

STYLE = Path(__file__).parent / "docs.css"
EXAMPLES: dict[str, Any] = json.loads((Path(__file__).parent / "examples.json").read_text())  # by operation
HOST = "https://stats.example.com"
PAGE = "text/html; charset=utf-8"
THEME = "throughline_theme"  # cookie in which the pages say which one is chosen
_MARK = (
    '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/>'
    '<path d="M5 21h5.5l4-10 4 10H27"/><circle cx="14.5" cy="11" r="2.9"/></svg>'
)


def routes(base: str = "") -> list[BaseRoute]:
    """The document, the page and its style; made once, here."""
    described = document(ENDPOINTS, base)
    pages = {
        theme: file_handler(based(html(described, theme), base).encode(), PAGE, "no-cache")
        for theme in ("", "light", "dark")
    }

    async def page(request: Request) -> Response:
        answer = await pages.get(request.cookies.get(THEME, ""), pages[""])(request)
        answer.headers.add_vary_header("Cookie")
        return answer

    handlers = {
        "/api/openapi.json": file_handler(msgspec.json.encode(described), "application/json", "no-cache"),
        "/api/docs": page,
        "/api/docs.css": file_handler(STYLE.read_bytes(), "text/css; charset=utf-8", "no-cache"),
    }
    return [Route(path + end, handler) for path, handler in handlers.items() for end in ("", "/")]


def html(described: dict[str, Any], chosen: str = "") -> str:
    """The document as one page: every operation with its parameters, body and answers, then every schema. `chosen`: the
    reader's theme, if not the system's.
    """
    theme = f' data-theme="{chosen}"' if chosen else ""
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
    shell = _shell()
    return (
        f'<!doctype html><html lang="en"{theme}><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title>{shell}"
        '<link rel="stylesheet" href="/api/docs.css"></head><body>'
        '<header class="top"><div class="inner"><a class="brand" href="/sites">'
        f"{_MARK}<span>{escape(info['title'])}</span></a><strong>API</strong>"
        '<nav aria-label="Account"><a href="/sites">Sites</a><a href="/api/openapi.json">openapi.json</a></nav>'
        '</div></header><div class="docs">'
        f'<nav aria-label="Endpoints" class="endpoints"><ul>{links}</ul></nav>'
        f"<main><h1>API</h1><p>{escape(info['summary'])}</p><p>{_inline(info['description'])}</p>"
        "<p>The examples are answers of a demo shop, their lists cut short.</p>"
        f"{''.join(_operation(*each) for each in operations)}<h2>Schemas</h2>{schemas}</main></div></body></html>"
    )


def _shell() -> str:
    """Style and icon of the pages, where they are built."""
    index = STATIC / "index.html"
    found = re.findall(r'<link rel="(?:icon|stylesheet)"[^>]*>', index.read_text()) if index.is_file() else []
    return "".join(found) or '<link rel="icon" href="data:,">'


def _example(operation: str) -> str:
    """A request in two languages and what it was answered."""
    if operation not in EXAMPLES:
        return ""
    of = EXAMPLES[operation]
    method, body = of["method"], of["body"]
    query = "&".join(f"{quote(name)}={quote(value, safe='/:')}" for name, value in of["query"])
    url = HOST + of["path"] + (f"?{query}" if query else "")
    curl = [f"curl{'' if method == 'GET' else f' -X {method}'} -H 'Authorization: Bearer sk_…'"]
    if body is not None:
        curl.append(f"  -H 'Content-Type: application/json' -d '{json.dumps(body)}'")
    curl.append(f"  '{url}'")
    arguments = [f'"{HOST + of["path"]}"', 'headers={"Authorization": "Bearer sk_…"}']
    if of["query"]:
        arguments.append(f"params={[tuple(pair) for pair in of['query']]!r}")
    if body is not None:
        arguments.append(f"json={body!r}")
    python = f"import requests\n\nanswer = requests.{method.lower()}(\n    " + ",\n    ".join(arguments) + ",\n)"
    said = json.dumps(of["answer"], indent=2, ensure_ascii=False) if of["answer"] is not None else "204, no content"
    parts = {"curl": " \\\n".join(curl), "Python": python, "Answer": said}
    return "".join(
        f"<details{'' if name != 'curl' else ' open'}><summary>{name}</summary>"
        f'<pre tabindex="0"><code>{escape(text)}</code></pre></details>'
        for name, text in parts.items()
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
        f"<table><caption>Answers</caption>{answers}</table>{_example(operation['operationId'])}</section>"
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
