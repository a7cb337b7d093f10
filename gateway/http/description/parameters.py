"""The parameters of a route in the path and in the query, as OpenAPI describes them."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg, PathParameter, QueryParameter
from litestar.types import Empty
from litestar.typing import FieldDefinition

from gateway.access.rules import RouteRule

__all__ = ["any_value", "describe_parameters"]

_BOUNDS = (("ge", "minimum"), ("gt", "exclusiveMinimum"), ("le", "maximum"), ("lt", "exclusiveMaximum"))
_LENGTHS = (("min_length", "minLength"), ("max_length", "maxLength"), ("pattern", "pattern"))


def any_value(kind: type) -> dict[str, Any]:
    """The schema of a member that takes any JSON value; raises NotImplementedError for other types."""
    if kind is object:
        return {"description": "Any JSON value."}
    raise NotImplementedError


def describe_parameters(handler: HTTPRouteHandler, path: str, rule: RouteRule) -> list[dict[str, Any]]:
    """Every parameter of a handler at one of its paths, with those that its dependencies read."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, field in _fields(handler):
        described = _describe(name, field)
        if described is not None and (described["in"] != "path" or f"{{{described['name']}:" in path):
            found[described["in"], described["name"]] = described
    for described in _struct_parameters(rule.query):
        found[described["in"], described["name"]] = described
    return [found[place] for place in sorted(found)]


def _fields(handler: HTTPRouteHandler) -> Iterator[tuple[str, FieldDefinition]]:
    yield from handler.parsed_fn_signature.parameters.items()
    for provider in (handler.resolve_dependencies() or {}).values():
        yield from provider.parsed_fn_signature.parameters.items()


def _describe(name: str, field: FieldDefinition) -> dict[str, Any] | None:
    kwarg = field.kwarg_definition
    if isinstance(kwarg, PathParameter):
        return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    if not isinstance(kwarg, QueryParameter):
        return None
    schema = msgspec.json.schema(field.annotation, schema_hook=any_value)
    has_default = field.default is not Empty and field.default is not ...
    return {
        "name": kwarg.name or kwarg.query or name,
        "in": "query",
        "required": not has_default and not field.is_optional,
        "schema": {**schema, **_bounds(kwarg)},
    }


def _bounds(kwarg: ParameterKwarg) -> Mapping[str, Any]:
    values = {word: getattr(kwarg, name) for name, word in (*_BOUNDS, *_LENGTHS)}
    return {word: value for word, value in values.items() if value is not None}


def _struct_parameters(kind: type[msgspec.Struct] | None) -> Iterator[dict[str, Any]]:
    if kind is None:
        return
    for field in msgspec.structs.fields(kind):
        yield {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": msgspec.json.schema(field.type, schema_hook=any_value),
        }
