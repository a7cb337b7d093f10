"""Tools of MCP servers as functions that a model is offered, and their calls."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast
from urllib.parse import quote

import msgspec

from gateway.errors import BadRequest, PermissionDenied, UpstreamError, UpstreamGarbled
from gateway.hooks import Forwarder, ForwardRequest, HeaderPairs, UpstreamStream
from gateway_mcp.chat.entries import Entry
from gateway_mcp.chat.turns import Call
from gateway_mcp.made import Made
from gateway_mcp.wire import Object

__all__ = ["Offers", "Refused", "ask", "list_tools", "read_whole"]

_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST = 64
_SECONDS = 600.0
_BYTES = 32 * 1024 * 1024
_JSON: HeaderPairs = (("content-type", "application/json"), ("accept", "application/json"))
_FIRST_FAILURE, _TOO_MANY = 400, 429
_OVER_BUDGET = "budget_exceeded"


class Refused(Exception):
    """What the client is answered in the place of a model."""

    def __init__(self, answer: Made) -> None:
        super().__init__()
        self.answer = answer


class _Tool(msgspec.Struct, frozen=True):
    server_id: str
    name: str
    label: str
    is_called: bool


class Offers:
    """The functions of one request, by the names under which the model knows them."""

    def __init__(self, gateway: Forwarder) -> None:
        self._gateway = gateway
        self._tools: dict[str, _Tool] = {}
        self.functions: list[Object] = []
        """Each with `name`, `parameters`, and `description` where the tool has one."""

    def add(self, entry: Entry, listed: Object) -> None:
        """Offer a tool of a list."""
        server, name = cast("Object", listed["mcp_info"]), cast("str", listed["name"])
        label = str(server.get("alias") or server.get("server_name"))
        tool = _Tool(cast("str", server["server_id"]), name, entry.label or label, entry.calls(name))
        spelt = self._spell(f"{label}-{name}", tool)
        if spelt is None:
            return
        function: Object = {"name": spelt, "parameters": listed.get("inputSchema") or {"type": "object"}}
        if listed.get("description"):
            function["description"] = listed["description"]
        self.functions.append(function)

    def takes(self, calls: Sequence[Call]) -> bool:
        """Whether all of a model's calls are for the gateway to make."""
        found = (self._tools.get(call.name) for call in calls)
        return bool(calls) and all(tool is not None and tool.is_called for tool in found)

    def has(self, name: str) -> bool:
        """Whether a function is a tool of the gateway's servers."""
        return name in self._tools

    def label_of(self, name: str) -> str:
        """What the client calls the server of a function's tool."""
        return self._tools[name].label

    def tool_of(self, name: str) -> str:
        """The name that a function's tool has at its server."""
        return self._tools[name].name

    def find(self, label: str, tool: str) -> str | None:
        """The function of a tool, by what the client calls its server."""
        return next(
            (name for name, one in self._tools.items() if (one.label, one.name) == (label, tool)), None
        )

    async def call(self, calls: Sequence[Call]) -> list[str]:
        """Make calls, all at once; return what they came to, for the model. Raises Refused."""
        return list(await asyncio.gather(*(self._call(call) for call in calls)))

    def check_names(self, others: Sequence[str]) -> None:
        """Raise BadRequest where the client has a function of the same name."""
        for name in others:
            if name in self._tools:
                message = f"A function of the request has the name of the MCP tool '{name}'; rename it."
                raise BadRequest(message, param="tools")

    def _spell(self, name: str, tool: _Tool) -> str | None:
        """A name that models take, for no other tool; None for a tool that is offered already."""
        plain = _FOREIGN.sub("_", name)[:_LONGEST]
        spelt, number = plain, 1
        while spelt in self._tools:
            known = self._tools[spelt]
            if (known.server_id, known.name) == (tool.server_id, tool.name):
                return None
            number += 1
            spelt = f"{plain[: _LONGEST - 4]}_{number}"
        self._tools[spelt] = tool
        return spelt

    async def _call(self, call: Call) -> str:
        tool = self._tools[call.name]
        arguments = _read_arguments(call.arguments)
        if arguments is None:
            return "The arguments are no JSON object."
        sent = {"server_id": tool.server_id, "name": tool.name, "arguments": arguments}
        async with ask(self._gateway, "POST", "/mcp-rest/tools/call", sent) as stream:
            return _tell(stream, await read_whole(stream))


async def list_tools(entries: Sequence[Entry], gateway: Forwarder) -> list[tuple[Entry, Object]]:
    """Ask the servers of all entries for their tools; of several that one names it has those that it may.

    Raises Refused, PermissionDenied and UpstreamError.
    """
    lists = await asyncio.gather(*(_list_entry(entry, gateway) for entry in entries))
    return [
        (entry, tool)
        for entry, listed in zip(entries, lists, strict=True)
        for tool in listed
        if entry.offers(cast("str", tool["name"]))
    ]


async def _list_entry(entry: Entry, gateway: Forwarder) -> list[Object]:
    if entry.upstreams is None:
        return _tools_of(await _list(gateway, ""))
    answers = await asyncio.gather(
        *(_list(gateway, f"?server_id={quote(one.id, safe='')}") for one in entry.upstreams)
    )
    refused = [str(one.get("message")) for one in answers if one.get("error")]
    failed = next((one for one in answers if one.get("error") == "server_error"), None)
    if failed is not None:
        raise UpstreamError(str(failed.get("message")))
    if len(refused) == len(answers):
        raise PermissionDenied(refused[0], param="tools", type="mcp_server_access_denied")
    return [tool for one in answers for tool in _tools_of(one)]


async def _list(gateway: Forwarder, query: str) -> Object:
    async with ask(gateway, "GET", f"/mcp-rest/tools/list{query}") as stream:
        body = await read_whole(stream)
        if stream.status >= _FIRST_FAILURE:
            raise Refused(Made(stream.status, stream.headers, body))
    return msgspec.json.decode(body, type=dict[str, Any])


def _tools_of(answer: Object) -> list[Object]:
    return cast("list[Object]", answer["tools"])


def ask(
    gateway: Forwarder, method: str, path: str, body: Object | None = None
) -> AbstractAsyncContextManager[UpstreamStream]:
    """A request to the gateway itself, with its answer."""
    data = None if body is None else msgspec.json.encode(body)
    return gateway.forward(ForwardRequest(method, path, _JSON, data, _SECONDS, _SECONDS, _BYTES))


async def read_whole(stream: UpstreamStream) -> bytes:
    """All of an answer."""
    chunks: list[bytes] = []
    while chunk := await stream.read_chunk():
        chunks.append(chunk)
    return b"".join(chunks)


def _read_arguments(text: object) -> Object | None:
    try:
        found: object = msgspec.json.decode(text or "{}") if isinstance(text, str | None) else text
    except (msgspec.DecodeError, RecursionError):
        return None
    return cast("Object", found) if isinstance(found, dict) else None


def _tell(stream: UpstreamStream, body: bytes) -> str:
    """What a call came to, as a text for the model. Raises Refused where a limit ends the request."""
    try:
        answer: Object = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise UpstreamGarbled("An MCP server answered with something that is no JSON.") from None
    if stream.status >= _FIRST_FAILURE:
        stated = answer.get("error")
        error = cast("Object", stated) if isinstance(stated, dict) else {"message": stated}
        if stream.status == _TOO_MANY or error.get("type") == _OVER_BUDGET:
            raise Refused(Made(stream.status, stream.headers, body))
        return f"The call failed: {error.get('message')}"
    return _read_result(answer)


def _read_result(result: Object) -> str:
    """The texts of a result (MCP, tools, tool result); what a text cannot hold is named."""
    items = result.get("content")
    blocks = [cast("Object", item) for item in cast("list[object]", items or []) if isinstance(item, dict)]
    texts = [_read_block(block) for block in blocks]
    if not texts and "structuredContent" in result:
        texts = [msgspec.json.encode(result["structuredContent"]).decode()]
    text = "\n".join(texts)
    return f"The call failed: {text}" if result.get("isError") else text


def _read_block(block: Object) -> str:
    match block.get("type"):
        case "text":
            return str(block.get("text", ""))
        case "resource" if isinstance(resource := block.get("resource"), dict) and "text" in resource:
            return str(cast("Object", resource)["text"])
        case "resource_link":
            return str(block.get("uri", ""))
        case kind:
            return f"[{kind}: {block.get('mimeType', 'of no stated type')}]"
