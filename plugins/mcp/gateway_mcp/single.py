"""Sends messages to one server, and keeps its session ids to itself."""

import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import CoroutineType, TracebackType
from typing import Any, Self

import msgspec

from gateway.errors import PermissionDenied
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, RequestContext, UpstreamStream
from gateway_mcp.charging import note_request
from gateway_mcp.listings import Listings
from gateway_mcp.reach import Reach
from gateway_mcp.sessions import SESSION, Sessions
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object

__all__ = ["CALLED_TOOL", "SingleServer", "SingleTools"]

CALLED_TOOL = "gateway_mcp.called"
"""In the state of the request: the tool whose call was checked, as the server calls it."""


class _Params(msgspec.Struct):
    name: str = ""


class _Call(msgspec.Struct):
    params: _Params


_decode_call = msgspec.json.Decoder(_Call).decode


class SingleServer:
    """A `Forwarder` to the server `place` on behalf of the key `owner`, with `credentials` for the server.

    `called` is the tool whose call was checked before the message was rewritten, None for other messages.
    """

    def __init__(
        self,
        forwarder: Forwarder,
        sessions: Sessions,
        owner: str,
        place: str,
        credentials: HeaderPairs,
        called: str | None = None,
    ) -> None:
        self._called = called
        self._forwarder = forwarder
        self._sessions = sessions
        self._owner = owner
        self._place = place
        self._credentials = dict(credentials)
        self._sealed = self._session = ""

    def forward(self, request: ForwardRequest) -> "_Answer":
        """Send a request as `gateway.hooks.Forwarder` says.

        Raises NotFound for an unknown session, and PermissionDenied for a call of which a guardrail has made
        one of another tool.
        """
        if self._called is not None and isinstance(request.body, bytes):
            self._check_call(request.body, self._called)
        silence = request.timeout_seconds if request.method == "GET" else request.silence_seconds
        sent = msgspec.structs.replace(
            request, headers=self._unseal(request.headers), silence_seconds=silence
        )
        return _Answer(self._forwarder.forward(sent), self._seal)

    def _check_call(self, body: bytes, called: str) -> None:
        if _decode_call(body).params.name != called:
            message = "A guardrail has put the name of another tool into this call, which nobody has allowed."
            raise PermissionDenied(message, param="params.name", type="mcp_tool_access_denied")

    def _unseal(self, headers: HeaderPairs) -> HeaderPairs:
        sent = dict(headers)
        if SESSION in sent:
            sent[SESSION] = self._open(sent[SESSION])
        return tuple({**sent, **self._credentials}.items())

    def _open(self, sealed: str) -> str:
        names = self._sessions.open(self._owner, self._place, sealed)
        self._sealed, self._session = sealed, names.get(self._place, "")
        return self._session

    def _seal(self, headers: HeaderPairs) -> HeaderPairs:
        if SESSION not in dict(headers):
            return headers
        return tuple((name, self._close(value) if name == SESSION else value) for name, value in headers)

    def _close(self, session: str) -> str:
        if self._sealed and session == self._session:
            return self._sealed
        return self._sessions.close(self._owner, self._place, {self._place: session})


class SingleTools:
    """The tools of one server, by its own names."""

    hides = True

    def __init__(self, context: RequestContext, reach: Reach, upstream: Upstream, listings: Listings) -> None:
        self._context = context
        self._upstream = upstream
        self._listings = listings
        self._may_use = reach.of(upstream)
        self.instructions = upstream.settings.instructions

    async def find(self, name: str) -> tuple[Upstream, str] | None:
        """See Tools.find."""
        upstream = self._upstream
        if not self._may_use(name) or not await self._listings.holds(upstream, name, self._context):
            return None
        self._context.state[CALLED_TOOL] = name
        return upstream, name

    def note(self, method: str, thing: object) -> None:
        """See Tools.note."""
        del method, thing
        note_request(self._context, self._upstream)

    def show(self, tool: Object) -> Object | None:
        """A tool as a list may have it; where tools are pinned, written anew."""
        settings = self._upstream.settings
        if not self._may_use(tool["name"]) or not settings.holds(tool):
            return None
        shown = settings.dress(tool)
        return shown if settings.pinned_tools is None else {**shown}


class _Answer:
    """An answer under other headers, and its context in one object."""

    status: int
    headers: HeaderPairs
    _stream: UpstreamStream

    def __init__(
        self, opening: AbstractAsyncContextManager[UpstreamStream], seal: Callable[[HeaderPairs], HeaderPairs]
    ) -> None:
        self._opening = opening
        self._seal = seal

    async def __aenter__(self) -> Self:
        stream = self._stream = await self._opening.__aenter__()
        try:
            self.headers = self._seal(stream.headers)
        except BaseException:
            await self._opening.__aexit__(*sys.exc_info())
            raise
        self.status = stream.status
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opening.__aexit__(exc_type, exc, trace)

    def read_chunk(self) -> "CoroutineType[Any, Any, bytes]":
        """See UpstreamStream.read_chunk."""
        return self._stream.read_chunk()
