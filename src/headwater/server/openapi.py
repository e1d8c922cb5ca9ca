"""Generates the OpenAPI 3.1 description from the declared operations and their structs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from headwater.server.errors import Problem
from headwater.server.permissions import Permission
from headwater.server.routing import Operation

_TEMPLATE = "#/components/schemas/{name}"
_PLACE = re.compile(r"\{(\w+)\}")
_SEGMENT = r"^[^\x00]*[^\s\x00][^\x00]*$"
_INVALID = "422"
_PROBLEMS = {
    "401": "No valid credential came with the request.",
    "403": "The credential does not allow this.",
    "404": "Nothing of that name is known, or nothing is served here.",
    "409": "What is asked contradicts what there is.",
    "413": "The request is larger than the service takes.",
    "415": "The body is encoded in a way that is not understood.",
    "422": "A parameter or the body breaks a rule; the problem names field, value and rule.",
    "503": "The service cannot do this now; try again after the seconds of Retry-After.",
}


def describe(operations: Iterable[Operation], *, version: str) -> dict[str, Any]:
    """The OpenAPI document of all operations except pages."""
    shown = [operation for operation in operations if is_described(operation)]
    kinds = [kind for one in shown for kind in (one.query, one.body, one.answer) if kind is not None]
    kinds += {one.dialect.answer: None for one in shown if one.dialect is not None}
    _, components = msgspec.json.schema_components([*kinds, Problem], ref_template=_TEMPLATE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headwater",
            "version": version,
            "description": "Data lineage for AI and ML. Times in answers are microseconds since the epoch, UTC, unless "
            "they are text. A segment of a path is percent-encoded, slashes included.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, or a token of OpenID Connect."}
            },
        },
        "tags": [{"name": name} for name in dict.fromkeys(operation.group for operation in shown)],
    }


def is_described(operation: Operation) -> bool:
    """Whether an operation is part of the API: pages and their parts are not."""
    return not operation.is_page and operation.group != "Pages"


def _operation(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": _id(operation),
        "summary": operation.summary,
        "tags": [operation.group],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, components)],
        "responses": _responses(operation),
        "x-permission": operation.permission.value,
    }
    description = (operation.handler.__doc__ or "").strip()
    if description:
        found["description"] = re.sub(r"\s*\n\s*", " ", description)
    if operation.permission is not Permission.PUBLIC:
        found["security"] = [{"key": []}]
    if operation.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(operation.body)}}}
    elif operation.media_types:
        found["requestBody"] = {"required": True, "content": {kind: {} for kind in operation.media_types}}
    return found


def _id(operation: Operation) -> str:
    """The operation id for client generators, unique by method and path."""
    words = [word for word in re.split(r"\W+", operation.path) if word and word != "api"]
    return "_".join([operation.method.lower(), *words])


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": _SEGMENT}}
        for name in _PLACE.findall(operation.path)
    ]


def _query_parameters(operation: Operation, components: dict[str, Any]) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = components[operation.query.__name__]
    required = schema.get("required", ())
    found = []
    for name, declared in schema["properties"].items():
        rule = _without_null(declared)
        if rule.get("type") == "string" and not {"enum", "pattern"} & rule.keys():
            rule["pattern"] = r"^[^\x00]*$"
        parameter = {"name": name, "in": "query", "required": name in required, "schema": rule}
        if "description" in rule:
            parameter["description"] = rule.pop("description")
        found.append(parameter)
    return found


def _without_null(rule: dict[str, Any]) -> dict[str, Any]:
    """Remove null from a schema: an optional parameter can be omitted, but not be null."""
    rule = {key: value for key, value in rule.items() if not (key == "default" and value is None)}
    kinds = [kind for kind in rule.get("anyOf", ()) if kind != {"type": "null"}]
    if "anyOf" not in rule:
        if "enum" in rule:
            rule["enum"] = [value for value in rule["enum"] if value is not None]
        return rule
    rest = {key: value for key, value in rule.items() if key != "anyOf"}
    return {**rest, **kinds[0]} if len(kinds) == 1 else {**rest, "anyOf": kinds}


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.answer is not None:
        good["content"] = {"application/json": {"schema": _schema(operation.answer)}}
    found: dict[str, Any] = {str(operation.status): good}
    dialect = operation.dialect
    if dialect is None:
        content = {"application/problem+json": {"schema": _schema(Problem)}}
    else:
        content = {"application/json": {"schema": _schema(dialect.answer)}}
    for status in _statuses(operation):
        shown = str(dialect.invalid) if dialect is not None and status == _INVALID else status
        found[shown] = {"description": _PROBLEMS[status], "content": content}
    return found


def _statuses(operation: Operation) -> list[str]:
    found = [_INVALID, "503"]
    if operation.permission is not Permission.PUBLIC:
        found += ["401", "403", "404"]
    if operation.method != "GET":
        found.append("409")
    if operation.body is not None or operation.media_types:
        found += ["413", "415"]
    return sorted(found)


def _schema(kind: Any) -> dict[str, Any]:
    (found,), _ = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    return found
