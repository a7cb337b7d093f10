"""The head of a request as rules and hooks see it, read from an ASGI scope."""

from collections.abc import Sequence

from gateway.hooks import RequestHead
from gateway.wire.asgi import Scope

__all__ = ["FORWARDED", "join_headers", "read_head"]

FORWARDED = "x-forwarded-for"


def join_headers(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Build the headers of a head: of a repeated one the last value counts.

    Only the lines of `x-forwarded-for` are one list (RFC 9110 section 5.3): a proxy may add its own.
    """
    headers = dict(pairs)
    if len(headers) != len(pairs) and FORWARDED in headers:
        headers[FORWARDED] = ", ".join(value for name, value in pairs if name == FORWARDED)
    return headers


def read_head(scope: Scope) -> RequestHead:
    """Read an ASGI scope."""
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root + "/"):
        path = path[len(root) :]
    query: bytes = scope.get("query_string", b"")
    client: tuple[str, object] | None = scope.get("client")
    return RequestHead(
        scope["method"],
        path,
        join_headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]),
        query.decode("latin-1"),
        client[0] or None if client else None,
        scope.get("scheme", "http"),
    )
