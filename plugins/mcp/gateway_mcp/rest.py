"""Tools of MCP servers by plain HTTP: `/mcp-rest/tools/list` and `/mcp-rest/tools/call`."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec

from gateway.domain import Endpoint, PassThrough
from gateway.errors import BadRequest, GatewayError, NotFound, PermissionDenied
from gateway.hooks import ForwardRequest, RequestContext, RequestHead, UpstreamStream
from gateway_mcp.aggregate.calls import FOUND_TOOL
from gateway_mcp.arguments import check_arguments
from gateway_mcp.charging import note_call
from gateway_mcp.conversation import RefusedError
from gateway_mcp.kinds import KINDS
from gateway_mcp.listings import Listing, Listings, check_refusals
from gateway_mcp.made import Made, json_answer
from gateway_mcp.messages import MessageGuard, may_have_failed, note_outcome, read_message, refuse_tool
from gateway_mcp.places import find_place, find_wished, list_named, narrow_place
from gateway_mcp.reach import Reach
from gateway_mcp.rights import check_server, check_toolset, is_visible, refuse_server
from gateway_mcp.upstreams import Upstream, Upstreams
from gateway_mcp.wire import INVALID_PARAMS, Object

__all__ = ["METHODS", "HiddenError", "PlainGuard", "PlainServers", "lead_plain"]

_MOUNT = "/mcp-rest/"
_LIST, _CALL = f"{_MOUNT}tools/list", f"{_MOUNT}tools/call"
_EVERY_TOOL = "/v1/mcp/tools"
METHODS = {_LIST: "GET", _CALL: "POST", _EVERY_TOOL: "GET"}
_TOOLS = KINDS["tools/list"]
_CALL_METHOD = "tools/call"


def lead_plain(head: RequestHead) -> PassThrough | None:
    """The way to the tools for a path of plain HTTP, None for any other path."""
    method = METHODS.get(head.path)
    if method is None:
        return None
    return PassThrough(
        id=f"mcp:{head.path}",
        path=head.path,
        target="",
        methods=(method,),
        endpoint=Endpoint.MCP,
        is_read_first=method == "POST",
    )


class HiddenError(PermissionDenied):
    """A server is only for clients within the operator's networks."""


class PlainGuard(MessageGuard):
    """Reads a call by plain HTTP, and makes of it the message that guardrails know."""

    def __init__(
        self, context: RequestContext, reach: Reach, listings: Listings, upstreams: Upstreams
    ) -> None:
        self._context = context
        self._reach = reach
        self._listings = listings
        self._upstreams = upstreams

    async def read_request(self) -> None:
        """Find what is called. Raises BadRequest, NotFound, and PermissionDenied for what it may not."""
        context = self._context
        if context.head.path != _CALL:
            return
        called = read_message(bytes(context.body.members.get("body", b"")))
        name, arguments = _text(called, "name"), called.get("arguments")
        if arguments is not None and not isinstance(arguments, dict):
            raise BadRequest("'arguments' is an object.", param="arguments")
        upstream = self._find(_text(called, "server_id"))
        if not self._reach.may_use(upstream, name) or not await self._listings.holds(upstream, name, context):
            raise refuse_tool(name, "name")
        check_arguments(called.get("arguments"), upstream.params_of(name), "arguments")
        context.state[FOUND_TOOL] = (upstream, name)
        note_call(context, upstream, name)
        params = {"name": name, "arguments": cast("Object", arguments or {})}
        message = {"jsonrpc": "2.0", "id": 1, "method": _CALL_METHOD, "params": params}
        context.body.write("body", message)

    async def check_answer(self, body: bytes) -> bytes:
        """Lists are made of what may be shown; the result of a call says whether it failed."""
        if self._context.tool_call is not None and may_have_failed(body):
            answer = msgspec.json.decode(body, type=dict[str, object])
            note_outcome(self._context, {"result": answer.get("answer")})
        return body

    def open_stream(self) -> None:
        """No answer comes as events."""
        return

    def _find(self, name: str) -> Upstream:
        upstream = self._upstreams.by_name(name)
        if upstream is None:
            raise NotFound(f"There is no MCP server '{name[:200]}'.", param="server_id")
        check_server(self._context, upstream, self._upstreams)
        if upstream not in self._reach.upstreams:
            raise refuse_server(upstream)
        return upstream


class PlainServers:
    """A `gateway.hooks.Forwarder` that lists and calls tools in the place of a client without MCP."""

    def __init__(
        self, context: RequestContext, reach: Reach, listings: Listings, upstreams: Upstreams
    ) -> None:
        self._context = context
        self._reach = reach
        self._listings = listings
        self._upstreams = upstreams

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[UpstreamStream]:
        """Answer a request. Raises what servers answer in the place of a result."""
        yield await (self._list() if request.method == "GET" else self._call(request))

    async def _call(self, request: ForwardRequest) -> Made:
        upstream, tool = cast("tuple[Upstream, str]", self._context.state[FOUND_TOOL])
        body = request.body if isinstance(request.body, bytes) else b"{}"
        params: Object = msgspec.json.decode(body, type=dict[str, Any]).get("params", {})
        called = {**params, "name": tool}
        try:
            result = await self._listings.ask(upstream, _CALL_METHOD, called, self._context)
        except RefusedError as error:
            if error.error.get("code") == INVALID_PARAMS:
                raise BadRequest(error.message, param="arguments", type=error.type) from None
            raise
        return json_answer(msgspec.json.encode(result))

    async def _list(self) -> Made:
        wished = dict(parse_qsl(self._context.head.query))
        try:
            reach = self._narrow(wished)
            upstreams = self._choose(reach)
        except GatewayError as error:
            return _say([], _tag(error), error.message)
        listed = await self._listings.find(upstreams, _TOOLS, self._context)
        if find_wished(self._context.head.query):
            check_refusals(listed)
        shows_all = wished.get("include_disabled_tools", "").lower() in {"true", "1"}
        shows_all = shows_all and self._context.principal.is_admin
        tools = [
            {**item.said, "mcp_info": _describe(upstream)}
            for upstream, listing in listed
            for item in listing.items
            if shows_all or reach.may_use(upstream, item.name)
        ]
        failed = [(one, listing.error) for one, listing in listed if listing.error and not listing.is_unknown]
        outcomes = [_outcome(upstream, listing) for upstream, listing in listed]
        if failed:
            text = "; ".join(f"'{one.name}': {error.message}" for one, error in failed)
            return _say(tools, "server_error", f"Not every MCP server has answered: {text}", outcomes)
        return _say(tools, None, "The tools that this key may call.", outcomes)

    def _narrow(self, wished: dict[str, str]) -> Reach:
        """What may be reached of the toolset that is wished for, if any is. Raises NotFound."""
        name = wished.get("toolset_name")
        if not name:
            return self._reach
        place = find_place(f"/toolset/{name}/mcp", self._upstreams)
        if place is None or place.tools is None:
            raise NotFound(f"There is no toolset '{name[:200]}'.")
        check_toolset(self._context, place)
        place = narrow_place(place, self._context.head.headers, self._upstreams)
        return Reach(self._context, place, self._upstreams)

    def _choose(self, reach: Reach) -> tuple[Upstream, ...]:
        for one in list_named(self._context.head, self._upstreams):
            check_server(self._context, one, self._upstreams)
        name = find_wished(self._context.head.query)
        if not name:
            return reach.upstreams
        upstream = self._upstreams.by_name(name)
        if upstream is None:
            raise NotFound(f"There is no MCP server '{name[:200]}'.")
        if not is_visible(self._context, upstream, self._upstreams):
            raise HiddenError("This MCP server is not reached from where the request comes from.")
        check_server(self._context, upstream, self._upstreams)
        if upstream not in self._reach.upstreams:
            raise refuse_server(upstream)
        return (upstream,)


def _say(tools: list[Object], error: str | None, message: str, outcomes: list[Object] | None = None) -> Made:
    answer: Object = {"tools": tools, "error": error, "message": message}
    if outcomes is not None:
        answer["server_outcomes"] = outcomes
    return json_answer(msgspec.json.encode(answer))


def _outcome(upstream: Upstream, listing: Listing) -> Object:
    has_failed = listing.error is not None and not listing.is_unknown
    return {
        "server_id": upstream.id,
        "server_name": upstream.name,
        "status": "error" if has_failed else "ok",
        "message": listing.error.message if listing.error is not None and has_failed else None,
    }


def _tag(error: GatewayError) -> str:
    if isinstance(error, HiddenError):
        return "ip_filtering"
    return "server_not_found" if isinstance(error, NotFound) else "access_denied"


def _describe(upstream: Upstream) -> Object:
    settings = upstream.settings
    return {
        "server_name": upstream.name,
        "server_id": upstream.id,
        "alias": settings.alias,
        "description": settings.description,
        "logo_url": None if settings.mcp_info is None else settings.mcp_info.get("logo_url"),
    }


def _text(called: Object, name: str) -> str:
    value = called.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"'{name}' is missing: name the MCP server and its tool.", param=name)
    return value
