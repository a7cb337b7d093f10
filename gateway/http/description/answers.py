"""With which statuses a route answers, as OpenAPI describes them."""

from collections.abc import Iterable
from typing import Any

from gateway.access.rules import RouteRule
from gateway.permits.terms import Action, Resource

__all__ = ["ERROR_SCHEMAS", "describe_answers", "describe_inference_answers"]

ERROR_SCHEMAS: dict[str, Any] = {
    "WrappedError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                },
            }
        },
    },
    "RawError": {"type": "object", "required": ["detail"], "properties": {"detail": {}}},
}
"""The two envelopes: which one answers is said on the page of the resource."""

_TEXTS = {
    400: "A value cannot be, or contradicts what is stored.",
    401: "There is no valid credential, or its role does not reach this route.",
    403: "The caller may not have this, or may not set one of the members; `param` names it.",
    404: "What the request names is not there.",
    408: "The body came too slowly.",
    409: "An id or address is taken.",
    413: "The body is too large.",
    415: "The body is compressed or encoded in a way that is not read.",
    422: "The body or the query is not of the form that the route takes; every fault is named.",
    429: "A rate is used up, or no deployment has room.",
    499: "The client left.",
    500: "The gateway failed; its log says why.",
    502: "The deployment's answer could not be understood.",
    503: "The database is away or busy, or the gateway is stopping.",
    504: "The deployment did not answer in time.",
}
_ENVELOPES = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ERROR_SCHEMAS]}
_ANYTHING: dict[str, Any] = {"application/json": {"schema": {}}}
_TEXT: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
_EVENTS: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
_INFERENCE = (400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 502, 503, 504)


def describe_answers(rule: RouteRule, method: str, success: int, *, has_names: bool) -> dict[str, Any]:
    """The answers of an ordinary route; `has_names` says whether its path or query names anything."""
    statuses = {503}
    if not rule.is_public:
        statuses |= {400, 401, 403, 422}
    elif rule.permit.resource is not Resource.GATEWAY:
        # A login, an invitation: what is sent is the credential, and many attempts are slowed down.
        statuses |= {400, 401, 403, 404, 422, 429}
    if has_names or rule.body is not None:
        statuses |= {400, 404, 422}
    if rule.permit.resource is Resource.RESPONSE:
        # The model provider is asked.
        statuses |= {408, 429, 500, 502, 504}
    if method != "GET":
        statuses |= {413}
    if rule.permit.action is Action.DELETE or rule.is_optional:
        statuses |= {404}
    if rule.permit.action in (Action.CREATE, Action.UPDATE):
        statuses |= {409}
    content = _ANYTHING | (_TEXT if rule.permit.resource is Resource.GATEWAY else {})
    return {str(success): {"description": "Done.", "content": content}} | _refusals(statuses)


def describe_inference_answers() -> dict[str, Any]:
    """The answers of an inference route."""
    return {"200": {"description": "The deployment's answer.", "content": _ANYTHING | _EVENTS}} | _refusals(
        _INFERENCE
    )


def _refusals(statuses: Iterable[int]) -> dict[str, Any]:
    return {
        str(status): {
            "description": _TEXTS[status],
            "content": {"application/json": {"schema": _ENVELOPES}},
        }
        for status in sorted(statuses)
    }
