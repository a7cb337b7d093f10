"""How tools of MCP servers are found is changed while the gateway runs."""

from typing import Any

import pytest

from gateway.domain import McpFinding, McpNarrowing, McpToolSearch
from tests.integration.manage.conftest import Desk
from tests.integration.manage.mcp_serving import body_of, emptied, make, send, unique
from tests.integration.serving import LiveGateway, eventually
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTS, SEARCHES = "mcp_semantic_filter_settings", "mcp_tool_search_settings"


async def until_served(live: LiveGateway, finding: McpFinding) -> None:
    await eventually(lambda: live.gateway.parts.mcp_stock.finding == finding)


async def test_a_change_is_live_and_null_is_the_default(
    desk: Desk, live: LiveGateway, clean_config: None
) -> None:
    made = await desk.patch(f"/update/{LISTS}", {"enabled": True, "top_k": 3})
    both = McpNarrowing(enabled=True, top_k=3)
    await until_served(live, McpFinding(narrowing=both))
    assert (made["status"], made["settings"]["similarity_threshold"]) == ("success", 0.3)
    await desk.patch(f"/update/{SEARCHES}", {"core_tools": ["one-add"], "embedding_model": "emb"})
    search = McpToolSearch(embedding_model="emb", core_tools=("one-add",))
    await until_served(live, McpFinding(both, search))
    shown = await desk.get(f"/get/{SEARCHES}")
    assert (shown["values"]["core_tools"], shown["values"]["top_k"]) == (["one-add"], 10)
    assert shown["field_schema"]["properties"].keys() == shown["values"].keys()
    made = await desk.patch(f"/update/{SEARCHES}", {"embedding_model": None, "top_k": None})
    assert (made["settings"]["embedding_model"], made["settings"]["top_k"]) == (None, 5)
    await until_served(live, McpFinding(both, McpToolSearch(core_tools=("one-add",), top_k=5)))
    assert (await desk.get(f"/get/{LISTS}"))["values"]["enabled"] is True


async def test_searches_go_by_what_was_said_last(desk: Desk, live: LiveGateway, clean_config: None) -> None:
    async def found(key: str) -> int:
        sought = {"name": "search_tools", "arguments": {"query": "add echo wait ask"}}
        answer = await send(desk, "/mcp/proxy", key, "tools/call", **sought)
        return len(answer.json()["result"]["structuredContent"]["tools"])

    key = await live.make_key()
    async with McpFixture() as server, emptied(live):
        await make(desk, body_of(server, unique()))
        await eventually(lambda: live.gateway.snapshot.pass_through_hooks.has_find_pass_through)
        assert await found(key) > 1
        await desk.patch(f"/update/{SEARCHES}", {"top_k": 1})
        await until_served(live, McpFinding(search=McpToolSearch(top_k=1)))
        assert await found(key) == 1


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        (LISTS, {"top_k": 0}, "litellm_settings.mcp_semantic_tool_filter.top_k"),
        (
            LISTS,
            {"similarity_threshold": 1.5},
            "litellm_settings.mcp_semantic_tool_filter.similarity_threshold",
        ),
        (SEARCHES, {"top_k": 1001}, "litellm_settings.mcp_tool_search.top_k"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    desk: Desk, clean_config: None, path: str, body: dict[str, Any], param: str
) -> None:
    error = (await desk.patch(f"/update/{path}", body, status=400))["error"]
    assert error["param"] == param
    assert await desk.value("""SELECT count(*) FROM "LiteLLM_Config" WHERE param_value <> '{}'""") == 0
