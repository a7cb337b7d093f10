"""What a client asked several servers, and how each of them is sent its part."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from gateway.hooks import ForwardRequest, RequestContext, UpstreamStream
from gateway_mcp.courses import LAST_EVENT
from gateway_mcp.credentials import Credentials
from gateway_mcp.finder import Finder
from gateway_mcp.listings import Listings
from gateway_mcp.reach import Reach
from gateway_mcp.sessions import SESSION
from gateway_mcp.transports.asking import watch_refusals
from gateway_mcp.transports.cancelling import stop_refused
from gateway_mcp.transports.choose import Transports
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import MODERN, PROTOCOL, Object

__all__ = ["Asked", "Part"]

_NOT_SENT = frozenset({"content-length", SESSION, PROTOCOL, LAST_EVENT, "accept-encoding"})


class Part(msgspec.Struct, frozen=True):
    """What a session is with one server: the revision that was agreed on, and the server's name for it."""

    revision: str
    session: str = ""

    @classmethod
    def read(cls, text: str) -> "Part":
        """The part that `write` made a text of."""
        revision, _, session = text.partition(" ")
        return cls(revision, session)

    def write(self) -> str:
        """One text."""
        return f"{self.revision} {self.session}"

    @property
    def is_modern(self) -> bool:
        """Whether there is no session, for the server knows none."""
        return self.revision == MODERN

    def headers(self) -> dict[str, str]:
        """What the server is told."""
        return {PROTOCOL: self.revision, **({SESSION: self.session} if self.session else {})}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a client, decoded, with everything that answers it.

    `parts` are the servers of the client's session by their ids; None where it has none.
    """

    context: RequestContext
    request: ForwardRequest
    message: Object
    reach: Reach
    listings: Listings
    credentials: Credentials
    transports: Transports
    finder: Finder
    parts: Mapping[str, Part] | None

    @property
    def identifier(self) -> Any:
        """By what the client knows the answer."""
        return self.message.get("id")

    @property
    def method(self) -> str:
        """What is asked; empty for an answer to a server's question."""
        method = self.message.get("method")
        return method if isinstance(method, str) else ""

    @property
    def params(self) -> Object:
        """With which parameters."""
        params = self.message.get("params")
        return cast("Object", params) if isinstance(params, dict) else {}

    @property
    def is_modern(self) -> bool:
        """Whether the client speaks the revision without sessions."""
        return self.context.head.headers.get(PROTOCOL) == MODERN

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """The servers that take part: those of the session, as far as the caller may still reach them."""
        found = self.reach.upstreams
        return found if self.parts is None else tuple(one for one in found if one.id in self.parts)

    def part(self, upstream: Upstream) -> Part | None:
        """The client's session with a server."""
        return None if self.parts is None else self.parts.get(upstream.id)

    @asynccontextmanager
    async def sent(
        self, upstream: Upstream, body: bytes | None, headers: Mapping[str, str]
    ) -> AsyncGenerator[UpstreamStream]:
        """Send something to one server, under the headers of the client's request and these."""
        kept = {name: value for name, value in self.request.headers if name not in _NOT_SENT}
        credentials = await self.credentials.list_headers(upstream, self.context)
        sent = {**kept, "accept-encoding": "identity", **headers, **dict(credentials)}
        seconds = upstream.settings.timeout
        is_waiting = self.request.method == "GET"
        request = msgspec.structs.replace(
            self.request,
            url=upstream.settings.url,
            headers=tuple(sent.items()),
            body=body,
            silence_seconds=self.request.timeout_seconds if is_waiting else seconds,
        )
        way = stop_refused(self.transports.of(upstream), self.context)
        way = watch_refusals(way, upstream, self.context, self.credentials)
        async with way.forward(request) as stream:
            yield stream
