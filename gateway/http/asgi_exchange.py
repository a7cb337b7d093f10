"""An exchange over ASGI: for the routes of the Litestar application."""

from gateway.clock import Clock
from gateway.errors import BadRequest
from gateway.hooks import RequestHead
from gateway.pipeline.exchange import ClientLeftError, Exchange, Headers, too_large
from gateway.wire.asgi import Message, Receive, Send

__all__ = ["AsgiExchange"]


class AsgiExchange(Exchange):
    """Reads by `receive` and answers by `send`."""

    __slots__ = ("_receive", "_send")

    def __init__(self, head: RequestHead, receive: Receive, send: Send, clock: Clock) -> None:
        super().__init__(head, clock)
        self._receive = receive
        self._send = send

    def check_head(self) -> None:
        """See Exchange.check_head: a body has one length (RFC 9112 section 6.1)."""
        headers = self.head.headers
        if "transfer-encoding" in headers and "content-length" in headers:
            raise BadRequest(
                "The request has both Content-Length and Transfer-Encoding; send one of them.",
                param="transfer-encoding",
            )

    async def _read_body(self, length: int, limit: int) -> bytes:
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
                raise too_large(limit)
            if not message.get("more_body", False):
                return b"".join(parts)
            message = await self._receive()
        raise ClientLeftError

    async def wait_until_gone(self) -> None:
        """See Exchange.wait_until_gone; after the body `receive` has nothing else to tell."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """See Exchange.answer."""
        headers.append(("content-length", str(len(body))))
        await self.begin(status, headers)
        await self.end(body)

    async def begin(self, status: int, headers: Headers) -> None:
        """See Exchange.begin."""
        self.is_begun = True
        pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def write(self, chunk: bytes) -> None:
        """See Exchange.write."""
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self, last: bytes = b"") -> None:
        """See Exchange.end."""
        if not self.is_ended:
            self.is_ended = True
            await self._send({"type": "http.response.body", "body": last, "more_body": False})
