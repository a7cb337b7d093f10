"""Sends requests, whole or part by part."""

from collections.abc import AsyncIterable

from gateway.hooks import ForwardRequest
from gateway.upstream import faults
from gateway.upstream.http1.addresses import Address
from gateway.upstream.http1.connection import Connection
from gateway.upstream.http1.heads import list_values, write_head

__all__ = ["send_parts", "send_request"]

_JOINED_BYTES = 16 * 1024
"""A body up to this size is copied, to go out together with its head."""


def send_request(connection: Connection, address: Address, request: ForwardRequest) -> None:
    """Send a request, but for a body that comes in parts. Raises ValueError, with nothing sent."""
    body = request.body
    is_whole = isinstance(body, bytes)
    length = len(body) if is_whole else 0 if body is None else _declared_length(request)
    head = write_head(request.method, address, request.headers, length, has_body=body is not None)
    if not is_whole:
        connection.send(request.method, head)
    elif len(body) <= _JOINED_BYTES:
        connection.send(request.method, head + body)
    else:
        connection.send(request.method, head)
        connection.write(body)


async def send_parts(connection: Connection, request: ForwardRequest, body: AsyncIterable[bytes]) -> None:
    """Send a body as it comes; one that breaks off, or is not as long as it was said, ends the call."""
    length = left = _declared_length(request)
    try:
        async for part in body:
            if length is None:
                connection.write(b"%x\r\n%b\r\n" % (len(part), part) if part else b"")
            elif (left := (left or 0) - len(part)) < 0:
                break
            else:
                connection.write(part)
            await connection.drain()
    except Exception:  # noqa: BLE001  whoever makes the body keeps the reason
        left = -1
    if left:
        connection.fail(faults.connection_lost())
    elif length is None:
        connection.write(b"0\r\n\r\n")


def _declared_length(request: ForwardRequest) -> int | None:
    """How long a body is that comes in parts; None where nobody knows, and it goes out in chunks."""
    stated = list_values(request.headers, "content-length")
    return int(stated[0]) if stated and stated[0].isdecimal() else None
