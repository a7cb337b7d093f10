"""An MCP server on the official SDK that has all that the conformance suite asks for by name."""

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import (
    Completion,
    EmptyResult,
    JSONRPCMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from tests.mcp_conformance.contents import add_contents, schema_tool
from tests.mcp_conformance.questions import add_questions
from tests.mcp_conformance.rounds import add_rounds

__all__ = ["build_app"]

RETRY_MILLISECONDS = 50


class Events(EventStore):
    """Keeps the events of streams that clients may come back to."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        last = int(last_event_id)
        stream_id = self._events[last - 1][0]
        for number, (stream, message) in enumerate(self._events[last:], last + 1):
            if stream == stream_id and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream_id


def build_app() -> Any:
    """The application, which serves at `/mcp`."""
    server = MCPServer("conformance", version="1", tools=[schema_tool()])
    add_contents(server)
    add_questions(server)
    add_rounds(server)
    _add_further(server)
    return server.streamable_http_app(event_store=Events(), retry_interval=RETRY_MILLISECONDS)


def _add_further(server: MCPServer) -> None:
    @server.completion()
    async def complete(ref: Any, argument: Any, context: Any) -> Completion:
        del ref, argument, context
        return Completion(values=[], total=0, has_more=False)

    async def accept(ctx: Any, params: Any) -> EmptyResult:
        del ctx, params
        return EmptyResult()

    lowlevel = server._lowlevel_server
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)
