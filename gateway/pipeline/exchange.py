"""One HTTP exchange as the pipeline sees it: a head, a body that is read once, and an answer."""

from collections.abc import Iterable
from typing import cast

from gateway.clock import Clock
from gateway.errors import BadRequest, BodyTooLarge, UnsupportedMediaType
from gateway.hooks import RequestHead
from gateway.wire.asgi import Message, Receive, Scope, Send

__all__ = ["ClientLeftError", "Exchange", "read_head"]


class ClientLeftError(Exception):
    """The client closed its connection before its request was whole: nobody is there to be answered."""


def read_head(scope: Scope) -> RequestHead:
    """Read an ASGI scope; raises BadRequest where the length is ambiguous (RFC 9112 section 6.1)."""
    pairs = cast("list[tuple[bytes, bytes]]", scope["headers"])
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if "transfer-encoding" in headers and "content-length" in headers:
        raise BadRequest(
            "The request has both Content-Length and Transfer-Encoding; send one of them.",
            param="transfer-encoding",
        )
    client = cast("tuple[str, object] | None", scope.get("client"))
    return RequestHead(
        cast("str", scope["method"]),
        _path_of(scope),
        headers,
        cast("bytes", scope.get("query_string", b"")).decode("latin-1"),
        client[0] if client and client[0] else None,
    )


def _path_of(scope: Scope) -> str:
    path = cast("str", scope["path"])
    root = cast("str", scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root + "/") else path


class Exchange:
    """A request that is being answered; `is_begun` says whether a status line went out."""

    __slots__ = ("_receive", "_send", "head", "is_begun", "is_ended", "started_monotonic", "started_nanos")

    def __init__(self, head: RequestHead, receive: Receive, send: Send, clock: Clock) -> None:
        self.head = head
        self._receive = receive
        self._send = send
        self.is_begun = False
        self.is_ended = False
        self.started_nanos = clock.now_nanos()
        self.started_monotonic = clock.monotonic_nanos()

    @property
    def receive(self) -> Receive:
        """The ASGI receive callable; after the body it only ever tells that the client left."""
        return self._receive

    async def read_json_bytes(self, limit: int) -> bytes:
        """Read the whole body, counting; raises BodyTooLarge, UnsupportedMediaType or ClientLeftError.

        `limit` is in bytes. A body without a content type is taken for JSON.
        """
        content_type = self.head.headers.get("content-type", "")
        if content_type and "json" not in content_type.lower():
            raise UnsupportedMediaType(
                f"This route reads JSON, and the content-type is '{content_type[:100]}'; "
                "send 'content-type: application/json'.",
                param="content-type",
            )
        declared = self.head.headers.get("content-length", "")
        length = int(declared) if declared.isdecimal() else -1
        if length > limit:
            raise _too_large(limit)
        message = await self._receive()
        data: bytes = message.get("body", b"")
        if len(data) == length:
            # All of it came at once; to be told so by the server would be another turn of the event loop.
            return data
        return await self._read_rest(message, limit)

    async def _read_rest(self, message: Message, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while message["type"] == "http.request":
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            if not message.get("more_body", False):
                return b"".join(parts)
            message = await self._receive()
        raise ClientLeftError

    async def begin(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Send the status line and the headers."""
        self.is_begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def write(self, chunk: bytes) -> None:
        """Send a part of the body."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self, last: bytes = b"") -> None:
        """Send the rest of the body and end the answer."""
        if not self.is_ended:
            self.is_ended = True
            await self._send({"type": "http.response.body", "body": last, "more_body": False})


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The request body is larger than {limit} bytes, the limit of this gateway.", param="body"
    )
