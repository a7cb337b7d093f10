"""The error envelope of budget, tag and organization routes: `{"detail": {"error": text}}`."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import msgspec
from litestar import MediaType, Request, Response

from gateway.errors import GatewayError, ValidationFailed

__all__ = ["RAW_ERRORS", "raw_errors"]

_encode = msgspec.json.Encoder().encode


class _RawRefusal(Exception):
    """A refusal that is answered raw."""

    def __init__(self, error: GatewayError) -> None:
        super().__init__(error.message)
        self.error = error


def _answer(request: Request[Any, Any, Any], refusal: _RawRefusal) -> Response[bytes]:
    del request
    error = refusal.error
    return Response(
        _encode({"detail": {"error": error.message}}),
        status_code=error.status,
        media_type=MediaType.JSON,
        headers=dict(error.headers),
    )


RAW_ERRORS: dict[int | type[Exception], Any] = {_RawRefusal: _answer}
"""For the `exception_handlers` of a route that uses `raw_errors`."""


@contextmanager
def raw_errors() -> Generator[None]:
    """Answer what is refused in the block raw; faults of a body and the guard's refusals keep their shape."""
    try:
        yield
    except ValidationFailed:
        raise
    except GatewayError as error:
        raise _RawRefusal(error) from error
