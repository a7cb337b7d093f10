"""Calls that go to one of several servers."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from gateway.hooks import UpstreamStream
from gateway_mcp.aggregate.asked import Asked
from gateway_mcp.aggregate.lists import finish
from gateway_mcp.aggregate.marks import MarkedStream, mark_message
from gateway_mcp.conversation import RefusedError
from gateway_mcp.header_texts import write_header
from gateway_mcp.made import Made, json_answer
from gateway_mcp.names import split_name, split_uri
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    MODERN,
    PROTOCOL,
    Object,
    error_message,
    result_message,
)

__all__ = ["FOUND_TOOL", "ROUTED", "route_call"]

FOUND_TOOL = "gateway_mcp.tool"
"""In the state of the request: the server and the tool that a call was found to mean, when it was checked."""
_NAMED = {"tools/call": "name", "prompts/get": "name", "completion/complete": ""}
_ADDRESSED = ("resources/read", "resources/subscribe", "resources/unsubscribe")
ROUTED = frozenset((*_NAMED, *_ADDRESSED))
"""The methods that are for one server."""


@asynccontextmanager
async def route_call(asked: Asked) -> AsyncGenerator[UpstreamStream]:
    """Have the server answer whose name the thing begins with that is asked for."""
    found = _find(asked)
    if found is None:
        text = "There is no such thing behind this path; ask for the lists again."
        yield json_answer(error_message(asked.identifier, INVALID_PARAMS, text))
        return
    upstream, params, name = found
    part = asked.part(upstream)
    goes_through = (
        await asked.listings.is_modern(upstream, asked.context)
        if asked.is_modern
        else part is not None and not part.is_modern
    )
    if not goes_through:
        yield await _translate(asked, upstream, params)
        return
    headers = {PROTOCOL: MODERN} if part is None else part.headers()
    if asked.is_modern and name:
        headers["mcp-name"] = write_header(name)
    body = msgspec.json.encode({**asked.message, "params": params})
    async with asked.sent(upstream, body, headers) as stream:
        yield MarkedStream(stream, upstream, lambda: asked.listings.forget(upstream))


async def _translate(asked: Asked, upstream: Upstream, params: Object) -> Made:
    """Ask a server of the other generation in the client's place, which it can ask nothing then."""
    plain = {name: value for name, value in params.items() if name != "_meta"}
    try:
        result = await asked.listings.ask(upstream, asked.method, plain, asked.context)
    except RefusedError as error:
        code, text = error.error.get("code", INTERNAL_ERROR), error.message
        return json_answer(error_message(asked.identifier, code, text, error.error.get("data")))
    mark_message(upstream, {"result": result})
    return json_answer(result_message(asked.identifier, finish(asked, result)))


def _find(asked: Asked) -> tuple[Upstream, Object, str] | None:
    """The server, the parameters as it knows them, and the name or address in them."""
    if asked.method == "tools/call":
        found = cast("tuple[Upstream, str] | None", asked.context.state.get(FOUND_TOOL))
        return None if found is None else (found[0], {**asked.params, "name": found[1]}, found[1])
    if asked.method == "completion/complete":
        return _find_reference(asked)
    member = _NAMED.get(asked.method, "uri")
    return _split(asked, asked.params, member)


def _find_reference(asked: Asked) -> tuple[Upstream, Object, str] | None:
    reference = asked.params.get("ref")
    if not isinstance(reference, dict):
        return None
    member = "uri" if "uri" in reference else "name"
    found = _split(asked, cast("Object", reference), member)
    return None if found is None else (found[0], {**asked.params, "ref": found[1]}, "")


def _split(asked: Asked, holder: Object, member: str) -> tuple[Upstream, Object, str] | None:
    text: Any = holder.get(member)
    if not isinstance(text, str):
        return None
    split = split_uri if member == "uri" else split_name
    found = split(text, asked.upstreams)
    return None if found is None else (found[0], {**holder, member: found[1]}, found[1])
