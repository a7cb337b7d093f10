"""Headers that repeat arguments of a call: whether they do, and what they are once it is another call."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import msgspec

from gateway.hooks import Forwarder, ForwardRequest, RequestContext, UpstreamStream
from gateway_mcp.aggregate.calls import FOUND_TOOL
from gateway_mcp.faults import HeaderMismatchError
from gateway_mcp.listings import Listings
from gateway_mcp.messages import SAID
from gateway_mcp.places import Place
from gateway_mcp.repeated import ARGUMENT, find_mismatch
from gateway_mcp.single import CALLED_TOOL
from gateway_mcp.transports.choose import Transports
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import MODERN, PROTOCOL, Object

__all__ = ["Repeating", "is_modern_call", "is_rewritten"]


def is_modern_call(context: RequestContext) -> bool:
    """Whether a client of the revision without sessions calls a tool."""
    is_call = context.tool_call is not None and SAID in context.state
    return is_call and context.head.headers.get(PROTOCOL) == MODERN


def is_rewritten(context: RequestContext) -> bool:
    """Whether a guardrail, or a search, has made another message of the client's."""
    return context.body.members.get("body") is not context.state.get(SAID)


class Repeating:
    """Compares headers with calls in the place of servers that hear nothing of them, or of other ones."""

    def __init__(self, listings: Listings, transports: Transports) -> None:
        self._listings = listings
        self._transports = transports

    async def lead(self, forwarder: Forwarder, context: RequestContext, place: Place) -> Forwarder:
        """The way for a call that `is_modern_call`. Raises HeaderMismatchError, and what its server raises.

        Where a list of the server's tools cannot be had there is nothing to compare.
        """
        known = context.state.get(FOUND_TOOL) or (place.upstreams[0], context.state.get(CALLED_TOOL))
        one, tool = cast("tuple[Upstream, str]", known)  # the guards write nothing else
        is_retold = is_rewritten(context)
        if not is_retold and await self._is_compared(one, context, is_passed_on=place.is_single):
            return forwarder
        name, arguments = _read_call(context.body.members["body"])
        said, given = _read_call(context.state[SAID]) if is_retold else (name, arguments)
        if said == name:
            schema = await self._listings.find_schema(one, tool, context)
            _check(context, find_mismatch(schema, given, context.head.headers))
        if not is_retold:
            return forwarder
        return _RepeatingForwarder(forwarder, await self._listings.repeat(one, tool, arguments, context))

    async def _is_compared(self, one: Upstream, context: RequestContext, *, is_passed_on: bool) -> bool:
        """Whether the server compares them itself; one that knows no such revision says so to the client."""
        if self._transports.speaks_for(one):
            return False
        return is_passed_on or await self._listings.is_modern(one, context)


class _RepeatingForwarder:
    """Sends `repeated` in the place of what the client has repeated."""

    def __init__(self, forwarder: Forwarder, repeated: Mapping[str, str]) -> None:
        self._forwarder = forwarder
        self._repeated = repeated

    def forward(self, request: ForwardRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        """Send a request as `gateway.hooks.Forwarder` says."""
        kept = (pair for pair in request.headers if not pair[0].startswith(ARGUMENT))
        sent = (*kept, *self._repeated.items())
        return self._forwarder.forward(msgspec.structs.replace(request, headers=sent))


def _read_call(body: Any) -> tuple[object, Object]:
    """What a call names, and with which arguments."""
    params: Object = msgspec.json.decode(body, type=dict[str, Any])["params"]
    arguments = params.get("arguments")
    return params.get("name"), cast("Object", arguments) if isinstance(arguments, dict) else {}


def _check(context: RequestContext, name: str | None) -> None:
    if name is None:
        return
    is_there = name in context.head.headers
    reason = "says something else than the argument that it repeats" if is_there else "is missing"
    message = f"The header '{name}' {reason}: the tool marks this argument with 'x-mcp-header'."
    raise HeaderMismatchError(message, param=name)
