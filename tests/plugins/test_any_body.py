"""Both first-party plugins meet any JSON object that a client may send."""

import asyncio
from typing import Any

import gateway_guardrails
import gateway_mcp
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import PermissionDenied
from gateway.testing import load_plugin, make_context

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TEXT_BODIES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("messages", "prompt", "input", "other"), JSON)
)
TOOLS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["mcp", "MCP", "function"]) | JSON,
        "server_url": st.just("https://mcp.example.com/x") | st.text() | JSON,
        "connector_id": JSON,
        "server_label": JSON,
        "headers": JSON,
    },
)
TOOL_BODIES = st.fixed_dictionaries(
    {}, optional={"tools": st.lists(TOOLS | JSON, max_size=4) | JSON, "mcp_servers": st.lists(TOOLS) | JSON}
)

GUARDRAILS = load_plugin(gateway_guardrails, {"secret_detection": {}}, name="guardrails")
MCP = load_plugin(gateway_mcp, {"allowed_servers": [{"url": "https://mcp.example.com"}]}, name="mcp")


@settings(deadline=None)
@given(TEXT_BODIES)
def test_a_body_without_credentials_goes_on_byte_for_byte(body: dict[str, Any]) -> None:
    context = make_context(body)
    before = dict(context.body.members)

    asyncio.run(GUARDRAILS.guard_request(context))

    assert context.body.members == before


@settings(deadline=None)
@given(TOOL_BODIES)
def test_a_tool_is_either_accepted_or_refused_with_its_place(body: dict[str, Any]) -> None:
    refusal = _authorize(body)

    if refusal is None:
        assert not any(_names_another_server(tool) for tool in _list(body.get("tools")))
    else:
        assert (refusal.param or "").startswith(("tools[", "mcp_servers["))


def _authorize(body: dict[str, Any]) -> PermissionDenied | None:
    try:
        asyncio.run(MCP.authorize(make_context(body)))
    except PermissionDenied as refusal:
        return refusal
    return None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names_another_server(tool: Any) -> bool:
    if not isinstance(tool, dict) or tool.get("server_url") is None:
        return False
    return not str(tool["server_url"]).startswith("https://mcp.example.com")
