"""What a message to an MCP server says, as far as the gateway acts on it."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast

import msgspec

from gateway.errors import BadRequest, GatewayError, PermissionDenied, UpstreamGarbled
from gateway.hooks import RequestContext
from gateway_mcp.arguments import check_arguments
from gateway_mcp.charging import note_call
from gateway_mcp.faults import (
    CallFailedError,
    HeaderMismatchError,
    NoMessageError,
    ToolFailedError,
    state_in_message,
)
from gateway_mcp.header_texts import read_header
from gateway_mcp.opening import OPENING, VERSION, Opening, Spoken
from gateway_mcp.revisions import EVERY, Revisions
from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import NAMED

__all__ = [
    "SAID",
    "MessageGuard",
    "Tools",
    "may_have_failed",
    "note_outcome",
    "read_message",
    "refuse_tool",
]

SAID = "gateway_mcp.said"
"""In the state of the request: the message as its client wrote it."""

_CALL = "tools/call"
_TOOLS, _ESCAPE = b'"tools"', b"\\u00"
_FAILURE = re.compile(rb'"error"|"isError"\s*:\s*true|\\u00')
_LONGEST = 500
_Object = dict[str, Any]


class Tools(Protocol):
    """The tools behind a path, as far as a caller may have them; where it `hides`, lists have others too.

    `instructions` are what clients are told of the server, in the place of what it says itself.
    """

    hides: bool
    instructions: str

    async def find(self, name: str) -> tuple[Upstream, str] | None:
        """The server and its name for the tool; None for one that the caller may not call."""
        ...

    def note(self, method: str, thing: object) -> None:
        """Have a request for a thing that is no tool count for the limits of its server."""
        ...

    def show(self, tool: _Object) -> _Object | None:
        """A tool as a list of a server may have it; None for one that it may not have."""
        ...


class MessageGuard:
    """Reads one message: refuses calls of tools that the caller may not use, and hides these in lists."""

    names: tuple[str, ...] = ()
    goes_beside = False

    def __init__(self, context: RequestContext, tools: Tools, revisions: Revisions = EVERY) -> None:
        self._context = context
        self._tools = tools
        self._revisions = revisions
        self._spoken = Spoken(revisions)

    async def check_request(self) -> None:
        """Nothing more: the message was read before the request was admitted."""

    async def read_request(self) -> None:
        """Check the message. Raises BadRequest for what could be read in two ways, and PermissionDenied."""
        raw = self._context.body.members.get("body")
        self._context.state[SAID] = raw
        identifier: object = None
        try:
            if raw is None:
                self._revisions.check_head(self._context.head)
            else:
                message = read_message(bytes(raw))
                identifier = message.get("id")
                self._context.tell_refusal = partial(state_in_message, identifier=identifier)
                self._check_revision(message)
                await self.check_message(message)
        except GatewayError as error:
            state_in_message(error, identifier)
            raise

    async def check_message(self, message: _Object) -> None:
        """Check a message that was read already; raises as `read_request`."""
        thing, method = self.check_headers(message), message.get("method")
        if method == _CALL:
            await self.check_tool(thing, message)
        elif method in OPENING:
            self._spoken = Opening(self._revisions, self._tools.instructions)
        elif isinstance(method, str) and method in NAMED:
            self._tools.note(method, thing)

    def _check_revision(self, message: _Object) -> None:
        """Raise UnsupportedRevisionError; a handshake that wishes for another revision gets one of those."""
        revisions, head = self._revisions, self._context.head
        revisions.check(head, message)
        if not revisions.is_limited or message.get("method") != "initialize":
            return
        params = message.get("params")
        stated = cast("_Object", params) if isinstance(params, dict) else {}
        agreed = revisions.agree(stated.get(VERSION))
        if agreed != stated.get(VERSION):
            stated[VERSION] = agreed
            self._context.body.write("body", message)

    def check_headers(self, message: _Object) -> object:
        """Raise BadRequest where headers say something else than the message; return what it is for."""
        params, method = message.get("params"), message.get("method")
        found = cast("_Object", params) if isinstance(params, dict) else {}
        self._check_header("mcp-method", method)
        if not isinstance(method, str) or method not in NAMED:
            return None
        thing = found.get(NAMED[method])
        self._check_header("mcp-name", thing)
        return thing

    async def check_tool(self, tool: object, message: _Object) -> None:
        """Raise PermissionDenied for a call that the caller may not make, BadRequest for one of no tool."""
        if not isinstance(tool, str) or not tool:
            raise BadRequest("A call of a tool has a name.", param="params.name")
        found = await self._tools.find(tool)
        if found is None:
            raise refuse_tool(tool, "params.name")
        check_arguments(message["params"].get("arguments"), found[0].params_of(found[1]), "params.arguments")
        note_call(self._context, *found)

    async def check_beside(self) -> None:
        """Nothing goes on beside the call."""

    async def check_answer(self, body: bytes) -> bytes:
        """Hide tools in a list that the caller may not use; a call that is answered with an error is free."""
        if not self._may_matter(body):
            return body
        members = _decode(body)
        is_changed = self._read_answer(members.get("answer"))
        return msgspec.json.encode(members) if is_changed else body

    def open_stream(self) -> "_Events | None":
        """The same for answers that come as events."""
        is_watched = self._tools.hides or self._context.tool_call is not None
        return _Events(self._may_matter, self._read_answer) if is_watched else None

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

    def _may_matter(self, data: bytes) -> bool:
        """Whether there may be a list of tools, or of a call that it failed.

        A server can write the word with escapes, too.
        """
        if self._spoken.may_matter(data):
            return True
        if self._tools.hides and (_TOOLS in data or _ESCAPE in data):
            return True
        return self._context.tool_call is not None and may_have_failed(data)

    def _read_answer(self, message: object) -> bool:
        """Act on a message of a server; says whether anything of it was changed."""
        if not isinstance(message, dict):
            return False
        said = cast("_Object", message)
        if self._context.tool_call is not None and "method" not in said:
            note_outcome(self._context, said)
        return self._spoken.edit(said) or (self._tools.hides and self._hide(said))

    def _hide(self, message: _Object) -> bool:
        """Take tools out of a list, or show them otherwise; says whether there were such."""
        result = message.get("result")
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
    """Edits events of a stream, each by itself: those that `may_matter`, by `edit`."""

    def __init__(self, may_matter: Callable[[bytes], bool], edit: Callable[[object], bool]) -> None:
        self._may_matter = may_matter
        self._edit_message = edit

    async def feed(self, events: bytes) -> bytes:
        """Take whole events; return them with hidden tools taken out."""
        return self._edit(events) if self._may_matter(events) else events

    async def finish(self, events: bytes) -> bytes:
        """Take the last events."""
        return await self.feed(events)

    def _edit(self, events: bytes) -> bytes:
        plain = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return b"\n\n".join(self._edit_one(event) for event in plain.split(b"\n\n"))

    def _edit_one(self, event: bytes) -> bytes:
        lines = event.split(b"\n")
        data = [line.removeprefix(b"data:").removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        if not data or not self._may_matter(event):
            return event
        message = _decode(b"\n".join(data))
        if not self._edit_message(message):
            return event
        others = [line for line in lines if not line.startswith(b"data:")]
        return b"\n".join([*others, b"data: " + msgspec.json.encode(message)])


class _TwinError(Exception):
    """An object has two members of one name."""


def may_have_failed(data: bytes) -> bool:
    """Whether an answer to a call has to be read to know."""
    return _FAILURE.search(data) is not None


def note_outcome(context: RequestContext, message: _Object) -> None:
    """Note of an answer to a call whether it failed: an error in the place of a result is free."""
    result = message.get("result")
    if "error" in message:
        context.cost_nanos = 0
        error = message["error"]
        stated = cast("_Object", error) if isinstance(error, dict) else {}
        text, code = str(stated.get("message", ""))[:_LONGEST], stated.get("code")
        context.failed = CallFailedError(f"The MCP server answered with the error {code}: {text}")
    elif isinstance(result, dict) and cast("_Object", result).get("isError") is True:
        context.failed = ToolFailedError("The tool says in its result that it failed ('isError').")


def refuse_tool(name: str, param: str) -> PermissionDenied:
    """The refusal of a tool that is not there, or not for the caller: which of both is not said."""
    message = f"There is no tool '{name[:200]}' behind this path that this key may call."
    return PermissionDenied(message, param=param, type="mcp_tool_access_denied")


def read_message(raw: bytes) -> _Object:
    """One message; what a server might read as another one than the gateway does is refused.

    Raises BadRequest.
    """
    try:
        message: object = _decoder.decode(raw.decode())
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


_decoder = json.JSONDecoder(object_pairs_hook=_join)


def _decode(data: bytes) -> _Object:
    """What a server answered. Raises UpstreamGarbled."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamGarbled("The MCP server answered with a list of tools that cannot be read.") from None
