"""A conversation with a model that calls tools, until it has an answer."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import msgspec

from gateway.errors import BadRequest, UpstreamGarbled
from gateway.hooks import Forwarder, RequestContext, UpstreamStream
from gateway_mcp.chat.entries import Entry
from gateway_mcp.chat.narrowing import narrow
from gateway_mcp.chat.offers import Offers, Refused, ask, list_tools, read_whole
from gateway_mcp.chat.streams import StreamedRounds
from gateway_mcp.chat.turns import add_usage, read_turn
from gateway_mcp.finder import Finder
from gateway_mcp.made import Made
from gateway_mcp.wire import Object

__all__ = ["answer_with_tools"]

_PATH = "/v1/chat/completions"
_COST = "x-litellm-response-cost"
_OK = 200


@asynccontextmanager
async def answer_with_tools(
    context: RequestContext,
    entries: Sequence[Entry],
    gateway: Forwarder,
    finder: Finder,
    most_rounds: int,
) -> AsyncGenerator[UpstreamStream]:
    """Answer a chat completion whose tools are partly the gateway's.

    The model is told of them as functions. As long as it calls only such as need no approval, they are called
    for it and it is asked again, at most `most_rounds` times; any other answer is the client's.
    Raises GatewayError.
    """
    if context.body.read("n") not in (None, 1):
        raise BadRequest("With tools of MCP servers there is one choice; leave 'n' out.", param="n")
    try:
        offers = Offers(gateway)
        for entry, tool in await narrow(await list_tools(entries, gateway), finder, context):
            offers.add(entry, tool)
        body = _with_functions(context, entries, offers)
        if context.is_stream:
            async with _begin_stream(body, offers, gateway, most_rounds) as streamed:
                yield streamed
        else:
            yield await _answer(body, offers, gateway, most_rounds)
    except Refused as refused:
        yield refused.answer


def _with_functions(context: RequestContext, entries: Sequence[Entry], offers: Offers) -> Object:
    """The body with functions in the place of the entries; all else stays as it was written."""
    members = context.body.members
    own, tools = {entry.index for entry in entries}, cast("list[object]", context.body.read("tools"))
    offers.check_names([name for tool in tools if (name := _function_of(tool))])
    kept = [tool for index, tool in enumerate(_split(members["tools"])) if index not in own]
    offered = [*kept, *(function for _, function in offers.functions)]
    body: Object = {**members, "messages": _split(members["messages"]), "tools": offered}
    if offered:
        return body
    return {name: value for name, value in body.items() if name not in {"tools", "tool_choice"}}


def _split(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """The items of an array. Raises BadRequest."""
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise BadRequest(f"The request body is not valid JSON: {error}.", param="body") from None


async def _answer(body: Object, offers: Offers, gateway: Forwarder, most_rounds: int) -> Made:
    usage: Object = {}
    cost, left = Decimal(0), most_rounds
    while True:
        async with ask(gateway, "POST", _PATH, body) as stream:
            data = await read_whole(stream)
            headers = dict(stream.headers)
        cost += Decimal(headers.get(_COST, "0"))
        if stream.status != _OK:
            raise Refused(Made(stream.status, stream.headers, data))
        answer = _decode(data)
        add_usage(usage, answer.get("usage"))
        turn = read_turn(answer)
        if not left or not offers.takes(turn.calls):
            answer["usage"] = usage or answer.get("usage")
            told = tuple({**headers, _COST: format(cost, "f")}.items())
            return Made(_OK, told, msgspec.json.encode(answer))
        left -= 1
        body = turn.go_on(body, await offers.call(turn.calls))


def _decode(data: bytes) -> Object:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamGarbled("The model answered with something that is no JSON.") from None


@asynccontextmanager
async def _begin_stream(
    body: Object, offers: Offers, gateway: Forwarder, most_rounds: int
) -> AsyncGenerator[UpstreamStream]:
    first: AbstractAsyncContextManager[UpstreamStream] = ask(gateway, "POST", _PATH, body)
    rounds = StreamedRounds(body, offers, lambda sent: ask(gateway, "POST", _PATH, sent), most_rounds)
    try:
        yield await rounds.begin(first)
    finally:
        await rounds.close()


def _function_of(tool: object) -> str | None:
    function = cast("Object", tool).get("function") if isinstance(tool, dict) else None
    name = cast("Object", function).get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else None
