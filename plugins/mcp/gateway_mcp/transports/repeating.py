"""Calls that are not what their client wrote: headers must repeat what the message says now."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import msgspec

from gateway.hooks import Forwarder, ForwardRequest, RequestContext, UpstreamStream
from gateway_mcp.aggregate.calls import FOUND_TOOL
from gateway_mcp.listings import Listings
from gateway_mcp.messages import SAID
from gateway_mcp.repeated import ARGUMENT
from gateway_mcp.single import CALLED_TOOL
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import MODERN, PROTOCOL, Object

__all__ = ["is_retold", "repeat_anew"]


def is_retold(context: RequestContext) -> bool:
    """Whether a guardrail, or a search, has made another call of the client's."""
    if context.tool_call is None or context.head.headers.get(PROTOCOL) != MODERN:
        return False
    return context.body.members.get("body") is not context.state.get(SAID)


async def repeat_anew(
    forwarder: Forwarder, context: RequestContext, upstream: Upstream, listings: Listings
) -> Forwarder:
    """The way for a call that `is_retold`; `upstream` is the server of a path that has one only."""
    known = context.state.get(FOUND_TOOL) or (upstream, context.state.get(CALLED_TOOL))
    one, tool = cast("tuple[Upstream, str]", known)  # the guards write nothing else
    message: Object = msgspec.json.decode(context.body.members["body"], type=dict[str, Any])
    arguments = message["params"].get("arguments")
    given = cast("Object", arguments) if isinstance(arguments, dict) else {}
    return _RepeatingForwarder(forwarder, await listings.repeat(one, tool, given, context))


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
