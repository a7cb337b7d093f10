"""Answers a client that asks several servers at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from gateway.errors import GatewayError
from gateway.hooks import ForwardRequest, UpstreamStream
from gateway_mcp.aggregate.asked import Asked, Part
from gateway_mcp.aggregate.calls import ROUTED, route_call
from gateway_mcp.aggregate.lists import answer_list
from gateway_mcp.aggregate.marks import MarkedStream, read_event, read_mark
from gateway_mcp.aggregate.news import listen, wait_for_news
from gateway_mcp.aggregate.opening import answer_discover, answer_initialize
from gateway_mcp.aggregate.search import answer_search, list_search_tools
from gateway_mcp.courses import LAST_EVENT
from gateway_mcp.kinds import KINDS
from gateway_mcp.made import Made, json_answer
from gateway_mcp.sessions import SESSION, Sessions
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import INVALID_PARAMS, METHOD_NOT_FOUND, error_message, result_message

__all__ = ["Roof"]

_OK, _NOT_FOUND = 200, 404


class Roof:
    """A `gateway.hooks.Forwarder` to several servers; `blank` is what it knows before there is a message.

    Where tools `are_searched`, three of the gateway's own stand for them all.
    """

    def __init__(
        self, blank: Asked, sessions: Sessions, owner: str, place: str, *, are_searched: bool = False
    ) -> None:
        self._are_searched = are_searched
        self._blank = blank
        self._sessions = sessions
        self._owner = owner
        self._place = place

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Answer a request. Raises NotFound for an unknown session."""
        body = request.body if isinstance(request.body, bytes) else b""
        message = msgspec.json.decode(body, type=dict[str, object]) if body else {}
        asked = msgspec.structs.replace(
            self._blank, request=request, message=message, parts=self._read_parts(request)
        )
        if request.method == "DELETE":
            await _tell_all(asked, None)
            yield Made(_OK, (), b"")
        elif request.method == "GET":
            async with _follow(asked) as news:
                yield news
        elif self._are_searched and (own := await answer_search(asked)) is not None:
            yield own
        elif asked.method in ROUTED:
            async with route_call(asked) as stream:
                yield stream
        elif asked.method == "subscriptions/listen":
            async with listen(asked) as news:
                yield news
        else:
            yield await self._answer(asked)

    async def _answer(self, asked: Asked) -> Made:
        """Answer what the gateway can answer itself, or must put together."""
        method = asked.method
        if not method:
            return await _pass_answer(asked)
        if "id" not in asked.message:
            await _tell_all(asked, msgspec.json.encode(asked.message))
            return json_answer(b"")
        if method == "initialize":
            return await answer_initialize(asked, self._sessions, self._owner, self._place)
        if method == "server/discover":
            return await answer_discover(asked)
        if method in KINDS:
            is_searched = self._are_searched and method == "tools/list"
            return await list_search_tools(asked) if is_searched else await answer_list(asked, KINDS[method])
        return await _answer_plainly(asked)

    def _read_parts(self, request: ForwardRequest) -> dict[str, Part] | None:
        sealed = next((value for name, value in request.headers if name == SESSION), None)
        if sealed is None:
            return None
        found = self._sessions.open(self._owner, self._place, sealed)
        return {server: Part.read(text) for server, text in found.items()}


@asynccontextmanager
async def _follow(asked: Asked) -> AsyncGenerator[UpstreamStream]:
    """What servers say by themselves, or what is left of the answer that one of them broke off."""
    server, last = read_event(asked.context.head.headers.get(LAST_EVENT, ""))
    upstream = next((one for one in asked.upstreams if one.id == server), None)
    part = None if upstream is None else asked.part(upstream)
    if upstream is None or part is None or not part.session:
        async with wait_for_news(asked) as news:
            yield news
        return
    async with asked.sent(upstream, None, {**part.headers(), LAST_EVENT: last}) as stream:
        yield MarkedStream(stream, upstream, lambda: asked.listings.forget(upstream))


async def _answer_plainly(asked: Asked) -> Made:
    """Answer what has an empty answer; anything else is unknown here."""
    if asked.method == "logging/setLevel":
        await _tell_all(asked, msgspec.json.encode(asked.message))
    elif asked.method != "ping":
        text = f"The gateway does not know the method '{asked.method[:100]}' for several servers."
        status = _NOT_FOUND if asked.is_modern else 200
        return json_answer(error_message(asked.identifier, METHOD_NOT_FOUND, text), status)
    return json_answer(result_message(asked.identifier, {}))


async def _pass_answer(asked: Asked) -> Made:
    """Take a client's answer to the server that has asked."""
    mark = read_mark(asked.identifier)
    upstream = next((one for one in asked.upstreams if mark is not None and one.id == mark[0]), None)
    part = None if upstream is None else asked.part(upstream)
    if upstream is None or part is None or mark is None:
        text = "No server of this session has asked that."
        return json_answer(error_message(asked.identifier, INVALID_PARAMS, text), 400)
    body = msgspec.json.encode({**asked.message, "id": mark[1]})
    async with asked.sent(upstream, body, part.headers()) as stream:
        return Made(stream.status, (), await stream.read_chunk())


async def _tell_all(asked: Asked, body: bytes | None) -> None:
    """Tell every server of the session, none of which has to answer; without a body its session ends."""
    parts = [(one, part) for one in asked.upstreams if (part := asked.part(one)) and not part.is_modern]
    await asyncio.gather(*(_tell(asked, one, part, body) for one, part in parts))


async def _tell(asked: Asked, upstream: Upstream, part: Part, body: bytes | None) -> None:
    if body is None and not part.session:
        return
    try:
        async with asked.sent(upstream, body, part.headers()) as stream:
            while await stream.read_chunk():
                pass
    except GatewayError:
        # A notification has no answer; a server that is away has forgotten its sessions.
        return
