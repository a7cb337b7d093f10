"""A conversation with a model that calls tools, until it has an answer."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any, cast

import msgspec

from gateway.domain import Endpoint
from gateway.errors import BadRequest, UpstreamGarbled
from gateway.hooks import Forwarder, RequestContext, UpstreamStream
from gateway_mcp.chat.asking_again import Ask
from gateway_mcp.chat.entries import Entry
from gateway_mcp.chat.narrowing import narrow
from gateway_mcp.chat.offers import Offers, Refused, ask, list_tools, read_whole
from gateway_mcp.chat.response_streams import StreamedResponses
from gateway_mcp.chat.responses import ResponsesForm
from gateway_mcp.chat.streams import StreamedRounds
from gateway_mcp.chat.turns import ChatForm, add_usage, go_on, split
from gateway_mcp.finder import Finder
from gateway_mcp.made import Made
from gateway_mcp.wire import Object

__all__ = ["answer_with_tools"]

_COST = "x-litellm-response-cost"
_OK = 200
_Form = ChatForm | ResponsesForm


@asynccontextmanager
async def answer_with_tools(
    context: RequestContext,
    entries: Sequence[Entry],
    gateway: Forwarder,
    finder: Finder,
    most_rounds: int,
) -> AsyncGenerator[UpstreamStream]:
    """Answer a chat completion, or a response, whose tools are partly the gateway's.

    The model is told of them as functions. As long as it calls only such as need no approval, they are called
    for it and it is asked again, at most `most_rounds` times; any other answer is the client's.
    Raises GatewayError.
    """
    if context.body.read("n") not in (None, 1):
        raise BadRequest("With tools of MCP servers there is one choice; leave 'n' out.", param="n")
    offers = Offers(gateway)
    form = ChatForm() if context.endpoint is Endpoint.CHAT else ResponsesForm(offers, context.body)
    try:
        listed = await list_tools(entries, gateway)
        for entry, tool in await narrow(listed, finder, context, form.member):
            offers.add(entry, tool)
        body = await _with_functions(form, context, entries, offers)

        def ask_again(sent: Object) -> AbstractAsyncContextManager[UpstreamStream]:
            return ask(gateway, "POST", form.path, sent)

        if context.is_stream:
            async with _begin_stream(form, body, offers, ask_again, most_rounds) as streamed:
                yield streamed
        else:
            yield await _answer(form, body, offers, ask_again, most_rounds)
    except Refused as refused:
        yield refused.answer


async def _with_functions(
    form: _Form, context: RequestContext, entries: Sequence[Entry], offers: Offers
) -> Object:
    """The body with functions in the place of the entries; all else stays as it was written."""
    members = context.body.members
    own, tools = {entry.index for entry in entries}, cast("list[object]", context.body.read("tools"))
    offers.check_names([name for tool in tools if (name := form.name_of(tool))])
    kept = [tool for index, tool in enumerate(split(members["tools"])) if index not in own]
    offered = [*kept, *map(form.write_tool, offers.functions)]
    body: Object = {**members, form.member: await form.read_conversation(members), "tools": offered}
    if offered:
        return form.with_choice(body, context.body.read("tool_choice"))
    return {name: value for name, value in body.items() if name not in {"tools", "tool_choice"}}


async def _answer(form: _Form, body: Object, offers: Offers, ask_again: Ask, most_rounds: int) -> Made:
    usage: Object = {}
    cost, left = Decimal(0), most_rounds
    while True:
        async with ask_again(body) as stream:
            data = await read_whole(stream)
            headers = dict(stream.headers)
        cost += Decimal(headers.get(_COST, "0"))
        if stream.status != _OK:
            raise Refused(Made(stream.status, stream.headers, data))
        answer = _decode(data)
        add_usage(usage, answer.get("usage"))
        turn = form.read_turn(answer)
        if not left or not offers.takes(turn.calls):
            answer["usage"] = usage or answer.get("usage")
            told = tuple({**headers, _COST: format(cost, "f")}.items())
            return Made(_OK, told, msgspec.json.encode(form.finish(answer)))
        left -= 1
        texts = await offers.call(turn.calls)
        form.note(answer, turn, texts)
        body = go_on(form, body, turn, texts)


def _decode(data: bytes) -> Object:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamGarbled("The model answered with something that is no JSON.") from None


@asynccontextmanager
async def _begin_stream(
    form: _Form, body: Object, offers: Offers, ask_again: Ask, most_rounds: int
) -> AsyncGenerator[UpstreamStream]:
    rounds = (
        StreamedRounds(form, body, offers, ask_again, most_rounds)
        if isinstance(form, ChatForm)
        else StreamedResponses(form, body, offers, ask_again, most_rounds)
    )
    try:
        yield await rounds.begin()
    finally:
        await rounds.close()
