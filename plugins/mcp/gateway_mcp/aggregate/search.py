"""Hundreds of tools behind three: one that finds tools, one that describes one, one that calls it."""

from collections.abc import Collection, Sequence
from typing import cast

import msgspec

from gateway.errors import BadRequest
from gateway_mcp.aggregate.asked import Asked
from gateway_mcp.aggregate.lists import finish, tell_missing
from gateway_mcp.kinds import KINDS
from gateway_mcp.listings import Listing
from gateway_mcp.made import Made, json_answer
from gateway_mcp.search_terms import Wish, meaning_of_searches
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import INVALID_PARAMS, Object, error_message, result_message

__all__ = ["CALL_TOOL", "answer_search", "is_own_call", "list_search_tools", "unwrap_call"]

CALL_TOOL = "call_tool"
_SEARCH, _DESCRIBE = "search_tools", "describe_tool"
_TOOLS = KINDS["tools/list"]
_MOST = 50
_TTL_MILLIS = 3_600_000
_NAME = {"type": "string", "description": "The name of a tool, as search_tools gives it."}
_OWN: list[Object] = [
    {
        "name": _SEARCH,
        "description": "Find tools by what they are for. Say it in a few words; the best matches come first.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "What the tool is wanted for."},
                "limit": {"type": "integer", "minimum": 1, "maximum": _MOST},
            },
            "required": ["query"],
        },
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": _DESCRIBE,
        "description": "Tell what a tool does and which arguments it takes.",
        "inputSchema": {"type": "object", "properties": {"name": _NAME}, "required": ["name"]},
        "annotations": {"readOnlyHint": True},
    },
    {
        "name": CALL_TOOL,
        "description": "Call a tool that search_tools found, with the arguments that describe_tool names.",
        "inputSchema": {
            "type": "object",
            "properties": {"name": _NAME, "arguments": {"type": "object"}},
            "required": ["name"],
        },
    },
]


def is_own_call(message: Object) -> bool:
    """Whether a message calls a tool that the gateway answers itself."""
    params = message.get("params")
    name = cast("Object", params).get("name") if isinstance(params, dict) else None
    return message.get("method") == "tools/call" and name in {_SEARCH, _DESCRIBE}


def unwrap_call(message: Object) -> Object | None:
    """The call that a call of `call_tool` stands for; None for any other message. Raises BadRequest."""
    params = message.get("params")
    if message.get("method") != "tools/call" or not isinstance(params, dict):
        return None
    stated = cast("Object", params)
    if stated.get("name") != CALL_TOOL:
        return None
    arguments = stated.get("arguments")
    wanted = cast("Object", arguments) if isinstance(arguments, dict) else {}
    name, inner = wanted.get("name"), wanted.get("arguments", {})
    if not isinstance(name, str) or not name or not isinstance(inner, dict):
        text = f"'{CALL_TOOL}' has 'name', a text, and 'arguments', an object."
        raise BadRequest(text, param="params.arguments")
    return {**message, "params": {**stated, "name": name, "arguments": inner}}


async def list_search_tools(asked: Asked) -> Made:
    """The list of the three, and of those tools that the operator wants to be seen without a search."""
    core = asked.finder.search.core_tools
    result: Object = {"tools": [*_OWN, *(await _list_core(asked, core) if core else ())]}
    if asked.is_modern:
        result |= {"ttlMs": _TTL_MILLIS, "cacheScope": "private" if core else "public"}
    return json_answer(result_message(asked.identifier, finish(asked, result)))


async def _list_core(asked: Asked, names: Collection[str]) -> list[Object]:
    listed = await asked.listings.find(asked.upstreams, _TOOLS, asked.context)
    tools = [
        (item.name, _shown(item.shown))
        for upstream, listing in listed
        for item in listing.items
        if asked.reach.may_use(upstream, item.name)
    ]
    return [shown for name, shown in tools if name in names or shown["name"] in names]


async def answer_search(asked: Asked) -> Made | None:
    """Answer a call of one of the two that the gateway answers itself; None for another tool."""
    if not is_own_call(asked.message):
        return None
    name = asked.params["name"]
    arguments = asked.params.get("arguments")
    given = cast("Object", arguments) if isinstance(arguments, dict) else {}
    wanted = given.get("query" if name == _SEARCH else "name")
    if not isinstance(wanted, str) or not wanted.strip():
        text = f"'{name}' needs the argument '{'query' if name == _SEARCH else 'name'}', a text."
        return json_answer(error_message(asked.identifier, INVALID_PARAMS, text))
    listed = await asked.listings.find(asked.upstreams, _TOOLS, asked.context)
    if name == _DESCRIBE:
        return _describe(asked, listed, wanted)
    finder = asked.finder
    search = finder.search
    wish = Wish(wanted, _read_limit(given.get("limit"), search.top_k), meaning_of_searches(search))
    found = await finder.find(listed, wish, asked.reach.may_use, asked.context)
    tools = [
        {"name": _shown(item.shown)["name"], "description": item.said.get("description", "")}
        for _, item in found
    ]
    return _answer(asked, {"tools": tools, **tell_missing(listed)})


def _describe(asked: Asked, listed: Sequence[tuple[Upstream, Listing]], name: str) -> Made:
    for upstream, listing in listed:
        for item in listing.items:
            shown = _shown(item.shown)
            if shown["name"] == name and asked.reach.may_use(upstream, item.name):
                return _answer(asked, shown)
    text = "There is no such tool; ask search_tools for the names."
    return json_answer(error_message(asked.identifier, INVALID_PARAMS, text))


def _answer(asked: Asked, value: Object) -> Made:
    text = msgspec.json.encode(value).decode()
    result: Object = {
        "content": [{"type": "text", "text": text}],
        "structuredContent": value,
        "isError": False,
    }
    return json_answer(result_message(asked.identifier, finish(asked, result)))


def _read_limit(stated: object, usual: int) -> int:
    is_number = isinstance(stated, int) and not isinstance(stated, bool)
    return min(max(cast("int", stated), 1) if is_number else usual, _MOST)


def _shown(raw: msgspec.Raw) -> Object:
    return msgspec.json.decode(raw, type=dict[str, object])
