"""Answers of SCIM routes, refusals included: `application/scim+json`, in the shapes of RFC 7644."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from gateway.errors import BadRequest, Conflict, GatewayError, ValidationFailed
from gateway.identity.scim.attributes import Document
from gateway.identity.scim.refusals import ScimRefusal

__all__ = ["SCIM_ERRORS", "ScimAnswer", "scim_answer", "scim_root"]

ScimAnswer = Response[bytes]
_MEDIA_TYPE = "application/scim+json"
_ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"
_ROUTES = "/scim/v2"
_encode = msgspec.json.Encoder().encode


def scim_answer(document: Document, status: int = 200) -> ScimAnswer:
    """A resource, a list or a description."""
    place = document.get("meta", {}).get("location")
    headers = {"location": place} if status == 201 and place else {}  # noqa: PLR2004  created
    return Response(_encode(document), status_code=status, media_type=_MEDIA_TYPE, headers=headers)


def scim_root(base_url: str, request: Request[Any, Any, Any]) -> str:
    """Where the resources are: below the operator's base URL, else below the address that was asked."""
    return (base_url or str(request.base_url)).rstrip("/") + _ROUTES


def _answer_error(request: Request[Any, Any, Any], error: GatewayError) -> ScimAnswer:
    del request
    # Its lists of faults are other routes'.
    status = BadRequest.status if isinstance(error, ValidationFailed) else error.status
    kind = _scim_type(error)
    content = {"schemas": [_ERROR_URN], "status": str(status), "detail": error.message}
    return Response(
        _encode({**content, "scimType": kind} if kind else content),
        status_code=status,
        media_type=_MEDIA_TYPE,
        headers=dict(error.headers),
    )


def _answer_http(request: Request[Any, Any, Any], error: HTTPException) -> ScimAnswer:
    kind = "invalid_request_error" if error.status_code < GatewayError.status else GatewayError.type
    return _answer_error(request, GatewayError(error.detail, status=error.status_code, type=kind))


def _scim_type(error: GatewayError) -> str | None:
    if isinstance(error, ScimRefusal):
        return error.scim_type
    if isinstance(error, Conflict):
        return "uniqueness"
    return ScimRefusal.scim_type if isinstance(error, BadRequest | ValidationFailed) else None


SCIM_ERRORS: dict[int | type[Exception], Any] = {
    GatewayError: _answer_error,
    ValidationFailed: _answer_error,
    HTTPException: _answer_http,
}
"""For the `exception_handlers` of every SCIM route."""
