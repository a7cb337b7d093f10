"""What a message to an MCP server says, as far as the gateway acts on it."""

import json
from collections.abc import Callable
from typing import Any, Protocol, cast

import msgspec

from gateway.errors import BadRequest, GatewayError, PermissionDenied, UpstreamGarbled
from gateway.hooks import RequestContext
from gateway_mcp.faults import HeaderMismatchError, NoMessageError, state_in_message
from gateway_mcp.header_texts import read_header
from gateway_mcp.wire import NAMED

__all__ = ["MessageGuard", "Tools", "read_message", "refuse_tool"]

_CALL = "tools/call"
_TOOLS, _ESCAPE = b'"tools"', b"\\u00"
_Object = dict[str, Any]


class Tools(Protocol):
    """The tools behind a path, as far as a caller may have them; where it `hides`, lists have others too."""

    hides: bool

    async def find(self, name: str) -> tuple[str, str] | None:
        """The names of the server and of its tool; None for one that the caller may not call."""
        ...

    def show(self, tool: _Object) -> _Object | None:
        """A tool as a list of a server may have it; None for one that it may not have."""
        ...


class MessageGuard:
    """Reads one message: refuses calls of tools that the caller may not use, and hides these in lists."""

    names: tuple[str, ...] = ()

    def __init__(self, context: RequestContext, tools: Tools) -> None:
        self._context = context
        self._tools = tools

    async def check_request(self) -> None:
        """Check the message. Raises BadRequest for what could be read in two ways, and PermissionDenied."""
        raw = self._context.body.members.get("body")
        identifier: object = None
        try:
            if raw is not None:
                message = read_message(bytes(raw))
                identifier = message.get("id")
                await self.check_message(message)
        except GatewayError as error:
            state_in_message(error, identifier)
            raise

    async def check_message(self, message: _Object) -> None:
        """Check a message that was read already; raises as `check_request`."""
        name = self.check_headers(message)
        if message.get("method") == _CALL:
            await self.check_tool(name)

    def check_headers(self, message: _Object) -> object:
        """Raise BadRequest where headers say something else than the message; return the name that it has."""
        params, method = message.get("params"), message.get("method")
        found = cast("_Object", params) if isinstance(params, dict) else {}
        self._check_header("mcp-method", method)
        if isinstance(method, str) and method in NAMED:
            self._check_header("mcp-name", found.get(NAMED[method]))
        return found.get("name")

    async def check_tool(self, tool: object) -> None:
        """Raise PermissionDenied for a tool that the caller may not call, BadRequest for none at all."""
        if not isinstance(tool, str) or not tool:
            raise BadRequest("A call of a tool has a name.", param="params.name")
        found = await self._tools.find(tool)
        if found is None:
            raise refuse_tool(tool, "params.name")
        self._context.tool = f"{found[0]}/{found[1][:200]}"

    async def check_beside(self) -> None:
        """Nothing goes on beside the call."""

    async def check_answer(self, body: bytes) -> bytes:
        """Hide tools in a list that the caller may not use."""
        if not self._tools.hides or not _may_list(body):
            return body
        members = _decode(body)
        hidden = self._hide(members.get("answer"))
        return msgspec.json.encode(members) if hidden else body

    def open_stream(self) -> "_Events | None":
        """Hide tools in lists that come as events."""
        return _Events(self._hide) if self._tools.hides else None

    def open_record(self) -> None:
        """Nothing is recorded of messages."""
        return

    def report(self) -> None:
        """What is refused stands in the error."""
        return

    def _check_header(self, name: str, stated: object) -> None:
        header = self._context.head.headers.get(name)
        if header is not None and (stated is None or read_header(header) != stated):
            message = f"The header '{name}' says something else than the message."
            raise HeaderMismatchError(message, param=name)

    def _hide(self, message: object) -> bool:
        """Take tools out of a list, or show them otherwise; says whether there were such."""
        if not isinstance(message, dict):
            return False
        result = cast("_Object", message).get("result")
        tools = cast("_Object", result).get("tools") if isinstance(result, dict) else None
        if not isinstance(tools, list):
            return False
        listed = cast("list[object]", tools)
        shown = [self._show(tool) for tool in listed]
        cast("_Object", result)["tools"] = [tool for tool in shown if tool is not None]
        return any(new is not old for new, old in zip(shown, listed, strict=True))

    def _show(self, tool: object) -> _Object | None:
        if not isinstance(tool, dict) or not isinstance(cast("_Object", tool).get("name"), str):
            return None
        return self._tools.show(cast("_Object", tool))


class _Events:
    """Edits events of a stream, each by itself."""

    def __init__(self, hide: Callable[[object], bool]) -> None:
        self._hide = hide

    async def feed(self, events: bytes) -> bytes:
        """Take whole events; return them with hidden tools taken out."""
        return self._edit(events) if _may_list(events) else events

    async def finish(self, events: bytes) -> bytes:
        """Take the last events."""
        return await self.feed(events)

    def _edit(self, events: bytes) -> bytes:
        plain = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return b"\n\n".join(self._edit_one(event) for event in plain.split(b"\n\n"))

    def _edit_one(self, event: bytes) -> bytes:
        lines = event.split(b"\n")
        data = [line.removeprefix(b"data:").removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        if not data or not _may_list(event):
            return event
        message = _decode(b"\n".join(data))
        if not self._hide(message):
            return event
        others = [line for line in lines if not line.startswith(b"data:")]
        return b"\n".join([*others, b"data: " + msgspec.json.encode(message)])


def _may_list(data: bytes) -> bool:
    """Whether there may be a list of tools: a server can write the word with escapes, too."""
    return _TOOLS in data or _ESCAPE in data


class _TwinError(Exception):
    """An object has two members of one name."""


def refuse_tool(name: str, param: str) -> PermissionDenied:
    """The refusal of a tool that is not there, or not for the caller: which of both is not said."""
    message = f"There is no tool '{name[:200]}' behind this path that this key may call."
    return PermissionDenied(message, param=param, type="mcp_tool_access_denied")


def read_message(raw: bytes) -> _Object:
    """One message; what a server might read as another one than the gateway does is refused.

    Raises BadRequest.
    """
    try:
        message: object = json.loads(raw, object_pairs_hook=_join)
    except _TwinError as error:
        raise NoMessageError(f"The message has two members '{str(error)[:100]}'.", param="body") from None
    except (ValueError, RecursionError):
        raise NoMessageError("The message is no JSON.", param="body") from None
    if not isinstance(message, dict):
        raise NoMessageError("One request has one message of JSON-RPC; batches are not served.", param="body")
    return cast("_Object", message)


def _join(pairs: list[tuple[str, Any]]) -> _Object:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwinError(next(name for name in names if names.count(name) > 1))
    return members


def _decode(data: bytes) -> _Object:
    """What a server answered. Raises UpstreamGarbled."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamGarbled("The MCP server answered with a list of tools that cannot be read.") from None
