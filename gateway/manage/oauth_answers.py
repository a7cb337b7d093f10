"""Answers of the routes of the authorization server: refusals in the words of RFC 6749, and never kept."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, Response

from gateway.errors import GatewayError
from gateway.identity.grants.refusals import OAuthRefusal

__all__ = ["OAUTH_ERRORS", "oauth_answer", "read_fields"]

_FORM = "application/x-www-form-urlencoded"
_LONGEST_FORM, _MOST_FIELDS = 64 * 1024, 30
_HEADERS = {"cache-control": "no-store", "pragma": "no-cache"}
_BROKEN = 500
_encode = msgspec.json.Encoder().encode


def oauth_answer(content: Mapping[str, object], status: int = 200) -> Response[bytes]:
    """What was asked for."""
    return Response(_encode(content), status_code=status, media_type="application/json", headers=_HEADERS)


async def read_fields(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The fields of a posted form; empty ones are none. Raises OAuthRefusal."""
    data = await request.body()
    if not request.headers.get("content-type", "").startswith(_FORM) or len(data) > _LONGEST_FORM:
        raise OAuthRefusal("invalid_request", f"Expected a form ({_FORM}).")
    try:
        return read_once(parse_qsl(data.decode(), max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise OAuthRefusal("invalid_request", "The form cannot be read.") from None


def read_once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Parameters by their names. Raises OAuthRefusal for one that is there twice, or cannot be stored."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found or "\0" in value:
            raise OAuthRefusal("invalid_request", f"'{name[:100]}' is there twice, or cannot be read.")
        if value:
            found[name] = value
    return found


def _answer_refusal(request: Request[Any, Any, Any], error: GatewayError) -> Response[bytes]:
    del request
    kind = "server_error" if error.status >= _BROKEN else "invalid_request"
    if isinstance(error, OAuthRefusal):
        kind = error.error
    return oauth_answer({"error": kind, "error_description": error.message}, error.status)


OAUTH_ERRORS: dict[int | type[Exception], Any] = {GatewayError: _answer_refusal}
"""For the `exception_handlers` of the routes that clients call."""
