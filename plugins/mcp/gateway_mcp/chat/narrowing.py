"""Which of many tools a model is told of: those that the conversation needs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import msgspec

from gateway.hooks import RequestContext
from gateway_mcp.chat.entries import Entry
from gateway_mcp.finder import Finder
from gateway_mcp.listings import Item
from gateway_mcp.wire import Object

__all__ = ["narrow"]

_LONGEST = 2000
_NOTHING = msgspec.Raw(b"{}")
Listed = list[tuple[Entry, Object]]


async def narrow(listed: Listed, finder: Finder, context: RequestContext, member: str) -> Listed:
    """The tools without those that the operator's filter leaves out; what a client names itself stays.

    `member` of the body has the conversation.
    """
    free = [place for place, (entry, _) in enumerate(listed) if entry.allowed is None]
    items = [Item(cast("str", listed[place][1]["name"]), listed[place][1], _NOTHING) for place in free]
    chosen = await finder.choose(items, _said_last(context.body.read(member)), context)
    dropped = {place for index, place in enumerate(free) if index not in chosen}
    return [one for place, one in enumerate(listed) if place not in dropped]


def _said_last(messages: object) -> str:
    """The end of what the user has said."""
    if isinstance(messages, str):
        return messages[-_LONGEST:]
    found = cast("Sequence[object]", messages) if isinstance(messages, list) else ()
    texts = [text for message in found for text in _texts_of(message)]
    return "\n".join(texts)[-_LONGEST:]


def _texts_of(message: object) -> Iterator[str]:
    if not isinstance(message, dict):
        return
    said = cast("Mapping[str, object]", message)
    content = said.get("content")
    if said.get("role") != "user":
        return
    if isinstance(content, str):
        yield content
    for part in cast("list[object]", content) if isinstance(content, list) else []:
        text = cast("Mapping[str, object]", part).get("text") if isinstance(part, dict) else None
        if isinstance(text, str):
            yield text
