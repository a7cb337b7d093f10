"""Calls that wait for a word of the client: a response asks by items, and the next input answers by them.

https://platform.openai.com/docs/guides/tools-remote-mcp#approvals
"""

from collections.abc import Sequence

import msgspec

from gateway.errors import BadRequest
from gateway.ids import new_charge_id
from gateway_mcp.chat.offers import Offers
from gateway_mcp.chat.turns import CALLED, Call, split
from gateway_mcp.wire import Object

__all__ = ["Conversation", "ask_for", "is_ours", "new_call_id", "read_conversation"]

_CALL, _REQUEST = "mcp_gw_", "mcpr_gw_"
"""With these the ids begin that the gateway gives: of calls that it made, and of those that it asks about."""
_RESULT = "function_call_output"
_REFUSED = "The user has not approved this call."
_encode = msgspec.json.Encoder().encode


class _Asked(msgspec.Struct, tag_field="type", tag="mcp_approval_request"):
    id: str
    server_label: str
    name: str
    arguments: str = "{}"


class _Answered(msgspec.Struct, tag_field="type", tag="mcp_approval_response"):
    approval_request_id: str
    approve: bool


class _Made(msgspec.Struct, tag_field="type", tag="mcp_call"):
    id: str
    server_label: str
    name: str
    arguments: str = "{}"
    output: str | None = None
    approval_request_id: str | None = None


_decode = msgspec.json.Decoder(_Asked | _Answered | _Made).decode


class Conversation(msgspec.Struct):
    """The items that the model is given; of the approved `calls` the results are missing, each at a place."""

    items: list[object] = []
    calls: list[tuple[Call, int]] = []

    def fill(self, texts: Sequence[str]) -> None:
        """Put in what the approved calls came to."""
        for (call, place), text in zip(self.calls, texts, strict=True):
            self.items[place] = _result(call.id, text)


def new_call_id() -> str:
    """The id of an item that tells of a call."""
    return f"{_CALL}{new_charge_id()}"


def is_ours(item: Object, offers: Offers) -> bool:
    """Whether an item of a response calls a tool of the gateway's servers."""
    return item.get("type") == CALLED and offers.has(str(item.get("name")))


def ask_for(item: Object, offers: Offers) -> Object:
    """The item that asks whether a call may be made."""
    name = str(item["name"])
    return {
        "type": "mcp_approval_request",
        "id": f"{_REQUEST}{new_charge_id()}",
        "server_label": offers.label_of(name),
        "name": offers.tool_of(name),
        "arguments": item.get("arguments") or "{}",
    }


def read_conversation(raw: msgspec.Raw, offers: Offers) -> Conversation:
    """What an `input` says to the model: what was called for it before goes as functions and their results.

    Raises BadRequest for a call that nobody has decided about, or whose tool is not offered.
    """
    if not bytes(raw).startswith(b"["):
        return Conversation([{"role": "user", "content": raw}])
    items = [(one, _parse(one)) for one in split(raw)]
    found = [parsed for _, parsed in items]
    made = {one.approval_request_id for one in found if isinstance(one, _Made)}
    answers = {one.approval_request_id: one.approve for one in found if isinstance(one, _Answered)}
    told = Conversation()
    for place, (one, parsed) in enumerate(items):
        if isinstance(parsed, _Made):
            told.items += (_function(parsed.id, parsed, offers), _result(parsed.id, parsed.output or ""))
        elif isinstance(parsed, _Asked):
            if parsed.id not in made:
                _decide(told, parsed, answers, offers, f"input[{place}]")
        elif parsed is None:
            told.items.append(one)
    return told


def _decide(told: Conversation, asked: _Asked, answers: dict[str, bool], offers: Offers, path: str) -> None:
    if asked.id not in answers:
        message = f"'{path}' asks whether a tool may be called; answer by an item 'mcp_approval_response'."
        raise BadRequest(message, param=path)
    told.items.append(_function(asked.id, asked, offers))
    name = offers.find(asked.server_label, asked.name)
    if not answers[asked.id]:
        told.items.append(_result(asked.id, _REFUSED))
    elif name is None:
        message = f"'{path}' names a tool that the tools of this request do not have."
        raise BadRequest(message, param=path)
    else:
        told.calls.append((Call(asked.id, name, asked.arguments), len(told.items)))
        told.items.append(None)


def _function(call_id: str, one: _Asked | _Made, offers: Offers) -> Object:
    name = offers.find(one.server_label, one.name) or one.name
    return {"type": CALLED, "call_id": call_id, "name": name, "arguments": one.arguments}


def _result(call_id: object, text: str) -> Object:
    return {"type": _RESULT, "call_id": call_id, "output": text}


def _parse(raw: msgspec.Raw) -> _Asked | _Answered | _Made | None:
    """An item of ours; None for any other."""
    if _CALL.encode() not in bytes(raw) and _REQUEST.encode() not in bytes(raw):
        return None
    try:
        one = _decode(raw)
    except msgspec.DecodeError:
        return None
    begins = (_CALL,) if isinstance(one, _Made) else (_REQUEST,)
    named = one.approval_request_id if isinstance(one, _Answered) else one.id
    return one if named.startswith(begins) else None
