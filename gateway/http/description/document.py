"""The OpenAPI document, built from the routes themselves: their rules, bodies, parameters and answers."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from gateway.access.rules import RouteRule
from gateway.domain import MODEL_ENDPOINTS, Endpoint
from gateway.http.description.answers import ERROR_SCHEMAS, describe_answers, describe_inference_answers
from gateway.http.description.links import Operation, add_links
from gateway.http.description.parameters import any_value, describe_parameters
from gateway.permits.terms import Action

__all__ = ["Described", "build_document", "inference_paths", "list_described"]

_TEMPLATE = "#/components/schemas/{name}"
_CREDENTIALS: list[dict[str, list[str]]] = [{"bearer": []}, {"x-api-key": []}]
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
}
_TEXT = {"type": "string"}
_INFERENCE_BODIES: dict[Endpoint, Any] = {
    Endpoint.CHAT: {
        "type": "object",
        "required": ["model", "messages"],
        "properties": {"model": _TEXT, "messages": {"type": "array", "items": {"type": "object"}}},
    },
    Endpoint.COMPLETIONS: {
        "type": "object",
        "required": ["model", "prompt"],
        "properties": {"model": _TEXT, "prompt": {"anyOf": [_TEXT, {"type": "array"}]}},
    },
    Endpoint.EMBEDDINGS: {
        "type": "object",
        "required": ["model", "input"],
        "properties": {"model": _TEXT, "input": {"anyOf": [_TEXT, {"type": "array"}]}},
    },
    Endpoint.RESPONSES: {
        "type": "object",
        "required": ["model", "input"],
        "properties": {"model": _TEXT, "input": {"anyOf": [_TEXT, {"type": "array"}]}},
    },
}


class Described(msgspec.Struct, frozen=True):
    """One ordinary route: its path as the application has it, the method and the handler with its rule."""

    path: str
    method: str
    handler: HTTPRouteHandler
    rule: RouteRule

    @property
    def template(self) -> str:
        """The path with the names of its parameters only."""
        return re.sub(r":\w+}", "}", self.path)


def list_described(app: Litestar) -> list[Described]:
    """Every ordinary route of an application, in the order of paths."""
    return sorted(_described(app), key=lambda route: (route.path, route.method))


def build_document(app: Litestar, version: str) -> dict[str, Any]:
    """The document of everything that the application answers (OpenAPI 3.1.0)."""
    routes = list_described(app)
    bodies = [route.rule.body for route in routes if route.rule.body is not None]
    schemas, components = msgspec.json.schema_components(
        bodies, ref_template=_TEMPLATE, schema_hook=any_value
    )
    schema_of = dict(zip(bodies, schemas, strict=True))
    operations = [
        *(_operation(route, schema_of) for route in routes),
        *(_inference(path, endpoint) for path, endpoint in inference_paths()),
    ]
    add_links(operations, components)
    paths: dict[str, Any] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation.content
    return {
        "openapi": "3.1.0",
        "info": {"title": "Gatewright", "version": version},
        "paths": paths,
        "components": {"schemas": {**components, **ERROR_SCHEMAS}, "securitySchemes": _SCHEMES},
    }


def _described(app: Litestar) -> Iterator[Described]:
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            rule = handler.opt.get("rule")
            if isinstance(rule, RouteRule):
                path = _typed_path(handler, route.path)
                for method in sorted(str(method) for method in handler.http_methods):
                    if method not in ("OPTIONS", "HEAD"):
                        yield Described(path, method, handler, rule)


def _typed_path(handler: HTTPRouteHandler, path: str) -> str:
    """The handler's own spelling of a path, in which parameters have names and types."""
    plain = re.sub(r"{[^}]*}", "{}", path)
    return next(one for one in sorted(handler.paths) if re.sub(r"{[^}]*}", "{}", one) == plain)


def _operation(route: Described, schema_of: dict[type[msgspec.Struct], Any]) -> Operation:
    rule, parameters = route.rule, describe_parameters(route.handler, route.path, route.rule)
    described: dict[str, Any] = {
        "operationId": f"{route.method.lower()} {route.template}",
        "summary": _summary(route.handler),
        "tags": [rule.permit.resource.value],
        "security": [] if rule.is_public else _CREDENTIALS,
        "parameters": parameters,
        "responses": describe_answers(
            rule, route.method, route.handler.status_code, has_names=bool(parameters)
        ),
    }
    if rule.body is not None:
        content = {"application/json": {"schema": schema_of[rule.body]}}
        described["requestBody"] = {"required": True, "content": content}
    is_creation = rule.permit.action is Action.CREATE
    return Operation(route.template, route.method.lower(), described, is_creation=is_creation)


def _summary(handler: HTTPRouteHandler) -> str:
    text = inspect.getdoc(handler.fn) or ""
    return text.split("\n", 1)[0]


def inference_paths() -> Iterator[tuple[str, Endpoint]]:
    """Every path of an inference route, with its endpoint."""
    for endpoint in MODEL_ENDPOINTS:
        for prefix in ("/v1", "", "/openai/deployments/{model}", "/engines/{model}"):
            yield f"{prefix}/{endpoint.value}", endpoint


def _inference(path: str, endpoint: Endpoint) -> Operation:
    model = {"name": "model", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    described = {
        "operationId": f"post {path}",
        "summary": "One inference request, streamed if it asks for a stream.",
        "tags": ["inference"],
        "security": _CREDENTIALS,
        "parameters": [model] if "{model}" in path else [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _INFERENCE_BODIES[endpoint]}},
        },
        "responses": describe_inference_answers(),
    }
    return Operation(path, "post", described)
