"""The operations of an OpenAPI document as tools."""

import re
from collections.abc import Iterator
from typing import Literal, cast

import msgspec

from gateway_mcp.transports.openapi.document import Document
from gateway_mcp.wire import Object

__all__ = ["BODY", "Operation", "Parameter", "list_operations"]

BODY = "body"
"""The argument that is the body of the request, where no parameter has this name."""
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_SAFE = frozenset({"get", "head", "options"})
_IDEMPOTENT = _SAFE | {"put", "delete"}
_NAME = re.compile(r"[^a-z0-9_.-]+")
_NAME_CHARACTERS = 128
_FORBIDDEN = frozenset(
    {"accept", "authorization", "connection", "content-length", "content-type", "cookie", "host", "te"}
    | {"transfer-encoding", "upgrade", "proxy-authorization"}
)
"""Headers that are no caller's to set; the first ones are none of the parameters, says OpenAPI."""


class Parameter(msgspec.Struct, frozen=True):
    """One parameter: its argument is called `argument`, and `name` where it goes to."""

    argument: str
    name: str
    place: Literal["path", "query", "header"]
    is_required: bool
    schema: Object


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation, as a tool and as a request.

    `body_argument` is the argument that becomes the body, of the type `body_type`; None without a body.
    """

    tool: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    body_argument: str | None
    body_type: str
    is_body_required: bool
    body_schema: Object

    def describe(self) -> Object:
        """The tool, as `tools/list` has it."""
        properties = {one.argument: one.schema for one in self.parameters}
        required = [one.argument for one in self.parameters if one.is_required]
        if self.body_argument is not None:
            properties[self.body_argument] = self.body_schema
            required += [self.body_argument] * self.is_body_required
        schema: Object = {"type": "object", "properties": properties}
        if required:
            schema["required"] = required
        method = self.method.lower()
        return {
            "name": self.tool,
            "description": self.description or self.summary or f"{self.method} {self.path}",
            "inputSchema": schema,
            "annotations": {
                **({"title": self.summary} if self.summary else {}),
                "readOnlyHint": method in _SAFE,
                "destructiveHint": method == "delete",
                "idempotentHint": method in _IDEMPOTENT,
                "openWorldHint": True,
            },
        }


def list_operations(document: Document) -> list[Operation]:
    """All operations, in the order of the document; of two tools of one name the second gets a number."""
    found: dict[str, Operation] = {}
    for path, item in document.read_object(document.root.get("paths")).items():
        shared = document.read_object(item)
        for method in _METHODS:
            if isinstance(shared.get(method), dict):
                operation = _read(document, str(path), method, shared)
                name = _choose_name(operation.tool, found)
                found[name] = msgspec.structs.replace(operation, tool=name)
    return list(found.values())


def _choose_name(wished: str, taken: dict[str, Operation]) -> str:
    number, name = 2, wished
    while name in taken:
        name = f"{wished[: _NAME_CHARACTERS - 8]}_{number}"
        number += 1
    return name


def _read(document: Document, path: str, method: str, shared: Object) -> Operation:
    stated = document.read_object(shared[method])
    identifier = stated.get("operationId")
    wished = identifier if isinstance(identifier, str) and identifier.strip() else f"{method}_{path}"
    parameters = tuple(_list_parameters(document, shared, stated))
    body = document.read_object(stated.get("requestBody"))
    body_type, body_schema = _choose_body(document, body)
    taken = {one.argument for one in parameters}
    return Operation(
        tool=_NAME.sub("_", wished.strip().lower()).strip("_")[:_NAME_CHARACTERS] or method,
        method=method.upper(),
        path=path,
        summary=str(stated.get("summary") or shared.get("summary") or ""),
        description=str(stated.get("description") or shared.get("description") or ""),
        parameters=parameters,
        body_argument=None if not body_type else BODY if BODY not in taken else f"{BODY}_",
        body_type=body_type,
        is_body_required=body.get("required") is True,
        body_schema=body_schema,
    )


def _list_parameters(document: Document, shared: Object, stated: Object) -> Iterator[Parameter]:
    """Those of the operation, and those of its path that it does not state anew."""
    found: dict[tuple[str, str], Object] = {}
    for one in (
        *document.read_objects(shared.get("parameters")),
        *document.read_objects(stated.get("parameters")),
    ):
        name, place = one.get("name"), one.get("in")
        is_kept = place in {"path", "query"} or (place == "header" and str(name).lower() not in _FORBIDDEN)
        if isinstance(name, str) and isinstance(place, str) and is_kept:
            found[name, place] = one
    arguments: set[str] = set()
    for (name, place), one in found.items():
        argument = name if name not in arguments else f"{place}_{name}"
        arguments.add(argument)
        yield Parameter(
            argument=argument,
            name=name,
            place=cast("Literal['path', 'query', 'header']", place),
            is_required=place == "path" or one.get("required") is True,
            schema=_describe(document, one),
        )


def _describe(document: Document, parameter: Object) -> Object:
    stated = parameter.get("schema")
    if stated is None:
        content = document.read_object(parameter.get("content"))
        stated = next((document.read_object(one).get("schema") for one in content.values()), None)
    schema = document.read_schema(stated) or {"type": "string"}
    description = parameter.get("description")
    if isinstance(description, str) and description and "description" not in schema:
        return {**schema, "description": description}
    return schema


def _choose_body(document: Document, body: Object) -> tuple[str, Object]:
    """The content type and the schema: JSON before forms; a body of another type is not offered."""
    content = {
        str(kind).lower(): document.read_object(one)
        for kind, one in document.read_object(body.get("content")).items()
    }
    kinds = sorted(content, key=lambda kind: "json" not in kind)
    for kind in kinds:
        if "json" in kind or kind.startswith("application/x-www-form-urlencoded"):
            return kind, document.read_schema(content[kind].get("schema")) or {"type": "object"}
    return "", {}
