"""What answers of a server to a call say of it: whether it failed, and what it costs then."""

from typing import Any

import msgspec
import pytest
from gateway_mcp.faults import CallFailedError, ToolFailedError
from gateway_mcp.messages import MessageGuard
from gateway_mcp.upstreams import Upstream

from gateway.domain import McpCall
from gateway.errors import GatewayError
from gateway.hooks import RequestContext
from gateway.testing import make_context

FAILED: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {"content": [], "isError": True}}
RESULT: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"text": '"error"'}]}}
ERROR: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "No."}}
QUESTION: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"error": 1}}


class Tools:
    hides = False
    instructions = ""

    async def find(self, name: str) -> tuple[Upstream, str] | None:
        raise AssertionError(name)

    def note(self, method: str, thing: object) -> None:
        raise AssertionError(method, thing)

    def show(self, tool: dict[str, Any]) -> dict[str, Any] | None:
        return tool


def priced() -> tuple[RequestContext, MessageGuard]:
    context = make_context({})
    context.cost_nanos, context.tool_call = 7, McpCall(name="add", server="s")
    return context, MessageGuard(context, Tools())


@pytest.mark.parametrize(
    ("message", "nanos", "failed"),
    [
        (RESULT, 7, None),
        (FAILED, 7, ToolFailedError),
        (ERROR, 0, CallFailedError),
        (QUESTION, 7, None),
    ],
    ids=["result", "failed", "error", "question"],
)
async def test_an_error_in_the_place_of_a_result_is_free(
    message: dict[str, Any], nanos: int, failed: type[GatewayError] | None
) -> None:
    context, guard = priced()
    body = msgspec.json.encode({"answer": message})
    assert await guard.check_answer(body) == body
    assert context.cost_nanos == nanos
    assert context.failed.__class__ is (failed or type(None))
    context, guard = priced()
    stream = guard.open_stream()
    assert stream is not None
    events = b"event: message\ndata: " + msgspec.json.encode(message) + b"\n\n"
    assert await stream.feed(events) == events
    assert context.cost_nanos == nanos
    assert context.failed.__class__ is (failed or type(None))


async def test_answers_to_what_calls_nothing_are_not_read() -> None:
    context, guard = priced()
    context.tool_call = None
    assert guard.open_stream() is None
    assert await guard.check_answer(b'"error" and no JSON') == b'"error" and no JSON'
