"""The server's description: its schema with its limits, and that schema as a page.

The page is made here: FastAPI's own page loads a viewer from a CDN, and nothing may leave the
machine.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from fastapi import FastAPI

from optical_core.serve.limits import Limits

PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Content-Security-Policy of the page: the page loads nothing and runs nothing."""
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color-scheme: light dark; }
table { border-collapse: collapse; }
td, th { border: 1px solid #888; padding: .2rem .6rem; text-align: left; vertical-align: top; }
pre { overflow-x: auto; border: 1px solid #888; padding: .6rem; }
"""


def described(app: FastAPI, limits: Limits) -> dict[str, Any]:
    """The application's OpenAPI schema, with this server's limits."""
    schema = FastAPI.openapi(app)
    query = {"minLength": 1, "maxLength": limits.query}
    for name in ("SearchRequest", "BatchRequest"):
        fields = schema["components"]["schemas"][name]["properties"]
        default = min(fields["top"]["default"], limits.top)
        fields["top"] |= {"maximum": limits.top, "default": default}
        if "queries" in fields:
            fields["queries"] |= {"maxItems": limits.most_queries}
            fields["queries"]["items"] |= query
        else:
            fields["query"] |= query
    return schema


def description_page(schema: dict[str, Any]) -> str:
    """An OpenAPI schema as an HTML page: routes, their requests and answers, and every form."""
    page = Element("html", lang="en")
    head = SubElement(page, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width")
    about = schema["info"]
    _add(head, "title", about["title"])
    _add(head, "style", _STYLE)
    body = SubElement(page, "body")
    _add(body, "h1", f"{about['title']} {about['version']}")
    _add(body, "p", about["summary"])
    _add(_add(body, "p", "For programs: "), "a", "openapi.json", href="openapi.json")
    for path, methods in schema["paths"].items():
        for method, route in methods.items():
            _add_route(body, f"{method.upper()} {path}", route)
    _add(body, "h2", "Forms")
    for name, form in schema["components"]["schemas"].items():
        _add_form(body, name, form)
    # Elements escape their text; "html" leaves the style, which is ours, as it is.
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html")


def _add_route(body: Element, title: str, route: dict[str, Any]) -> None:
    _add(body, "h2", title)
    _add(body, "p", route.get("description", ""))
    taken = route.get("requestBody", {}).get("content", {}).get("application/json")
    if taken:
        _add_typed(_add(body, "p", "Takes "), taken["schema"])
    rows = []
    for status, answer in route["responses"].items():
        forms = [content.get("schema", {}) for content in answer.get("content", {}).values()]
        rows.append((status, answer["description"], forms[0] if forms else {}))
    _add_table(body, ("status", "when", "answer"), rows)


def _add_form(body: Element, name: str, form: dict[str, Any]) -> None:
    _add(body, "h3", name, id=name)
    _add(body, "p", form.get("description", ""))
    rows = []
    for field, field_schema in form.get("properties", {}).items():
        bounds = {
            "at least": field_schema.get("minimum"),
            "at most": field_schema.get("maximum"),
            "characters, at most": field_schema.get("maxLength"),
            "items, at most": field_schema.get("maxItems"),
        }
        notes = [field_schema.get("description", "")]
        notes += [f"{word} {bound}" for word, bound in bounds.items() if bound is not None]
        if field in form.get("required", ()):
            notes.append("required")
        elif "default" in field_schema:
            notes.append(f"default {json.dumps(field_schema['default'])}")
        rows.append((field, field_schema, "; ".join(filter(None, notes))))
    _add_table(body, ("field", "type", "notes"), rows)
    for example in form.get("examples", ()):
        _add(body, "pre", json.dumps(example, ensure_ascii=False, indent=2))


def _add_table(
    body: Element, names: tuple[str, ...], rows: Sequence[tuple[str | dict[str, Any], ...]]
) -> None:
    """A table of texts and types."""
    table = SubElement(body, "table")
    head = SubElement(table, "tr")
    for name in names:
        _add(head, "th", name)
    for row in rows:
        line = SubElement(table, "tr")
        for cell in row:
            if isinstance(cell, dict):
                _add_typed(SubElement(line, "td"), cell)
            else:
                _add(line, "td", cell)


def _add_typed(place: Element, schema: dict[str, Any]) -> None:
    """Write a type in a few words; names of forms link to their descriptions."""
    forms = schema.get("anyOf") or schema.get("oneOf") or [schema]
    options = [option for option in forms if option.get("type") != "null"]
    names = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    for number, name in enumerate(names, 1):
        _add(place, "a", name, href=f"#{name}").tail = " or " if number < len(names) else ""
    if names:
        return
    if len(options) == 1 and options[0].get("type") == "array" and "items" in options[0]:
        place.text = (place.text or "") + "list of "
        _add_typed(place, options[0]["items"])
    else:
        place.text = (place.text or "") + " or ".join(o.get("type", "") for o in options)


def _add(place: Element, tag: str, text: str, **attributes: str) -> Element:
    element = SubElement(place, tag, attributes)
    element.text = text
    return element
