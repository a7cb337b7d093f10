"""Calls of tools as the requests that an OpenAPI document describes."""

from typing import cast
from urllib.parse import quote, urlencode

import msgspec

from gateway.hooks import HeaderPairs
from gateway_mcp.transports.openapi.operations import Operation, Parameter
from gateway_mcp.wire import Object

__all__ = ["ArgumentsError", "Call", "build_call"]

_DOTS = frozenset({".", ".."})
_LONGEST_HEADER = 8192


class ArgumentsError(Exception):
    """The arguments do not make a request; the text says why, for the model that chose them."""


class Call(msgspec.Struct, frozen=True):
    """A request below the address of a service: path with query, headers and body."""

    target: str
    headers: HeaderPairs
    body: bytes | None


def build_call(operation: Operation, arguments: Object) -> Call:
    """The request of a call. Raises ArgumentsError.

    Arguments stay what they are: a value in the path is one segment of it, whatever it holds.
    """
    known = {one.argument for one in operation.parameters} | {operation.body_argument}
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise ArgumentsError(f"There is no argument '{unknown[0][:100]}'.")
    path, query, headers = operation.path, list[tuple[str, str]](), list[tuple[str, str]]()
    for one in operation.parameters:
        value = arguments.get(one.argument)
        if value is None:
            if one.is_required:
                raise ArgumentsError(f"The argument '{one.argument}' is missing.")
        elif one.place == "path":
            path = path.replace(f"{{{one.name}}}", _segment(one, value))
        elif one.place == "query":
            query += [(one.name, text) for text in _list_texts(value)]
        else:
            headers.append((one.name.lower(), _header(one, value)))
    body = _encode_body(operation, arguments)
    if body is not None:
        headers.append(("content-type", operation.body_type))
    return Call(path + (f"?{urlencode(query)}" if query else ""), tuple(headers), body)


def _segment(one: Parameter, value: object) -> str:
    text = ",".join(_list_texts(value))
    if not text or text in _DOTS:
        raise ArgumentsError(f"The argument '{one.argument}' cannot be a part of a path.")
    return quote(text, safe="")


def _header(one: Parameter, value: object) -> str:
    text = ",".join(_list_texts(value))
    if not (text.isascii() and text.isprintable()) or len(text) > _LONGEST_HEADER:
        raise ArgumentsError(f"The argument '{one.argument}' cannot be a header.")
    return text


def _list_texts(value: object) -> list[str]:
    """A value as it is written in addresses; an array is one text for each of its items."""
    if isinstance(value, list):
        return [text for item in cast("list[object]", value) for text in _list_texts(item)]
    return [value if isinstance(value, str) else msgspec.json.encode(value).decode()]


def _encode_body(operation: Operation, arguments: Object) -> bytes | None:
    name = operation.body_argument
    value = None if name is None else arguments.get(name)
    if value is None:
        if operation.is_body_required and name is not None:
            raise ArgumentsError(f"The argument '{name}' is missing.")
        return None
    if "json" in operation.body_type:
        return msgspec.json.encode(value)
    if not isinstance(value, dict):
        raise ArgumentsError(f"The argument '{name}' is an object.")
    fields = cast("Object", value).items()
    return urlencode([(field, text) for field, item in fields for text in _list_texts(item)]).encode()
