"""One HTTP exchange as the pipeline sees it: a head, a body that is read once, and an answer."""

from collections.abc import Iterable

from gateway.clock import Clock
from gateway.errors import BadRequest, BodyTooLarge, UnsupportedMediaType
from gateway.hooks import RequestHead
from gateway.wire.asgi import Message, Receive, Scope, Send

__all__ = ["ClientLeftError", "Exchange", "read_head"]


class ClientLeftError(Exception):
    """The client closed its connection before its request was whole: nobody is there to be answered."""


def read_head(scope: Scope) -> RequestHead:
    """Read an ASGI scope; raises BadRequest where the length is ambiguous (RFC 9112 section 6.1)."""
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if "transfer-encoding" in headers and "content-length" in headers:
        raise BadRequest(
            "The request has both Content-Length and Transfer-Encoding; send one of them.",
            param="transfer-encoding",
        )
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root + "/"):
        path = path[len(root) :]
    query: bytes = scope.get("query_string", b"")
    client: tuple[str, object] | None = scope.get("client")
    host = client[0] or None if client else None
    return RequestHead(scope["method"], path, headers, query.decode("latin-1") if query else "", host)


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
        headers = self.head.headers
        content_type = headers.get("content-type", "")
        if content_type and "json" not in content_type and "json" not in content_type.lower():
            raise UnsupportedMediaType(
                f"This route reads JSON, and the content-type is '{content_type[:100]}'; "
                "send 'content-type: application/json'.",
                param="content-type",
            )
        declared = headers.get("content-length", "")
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
