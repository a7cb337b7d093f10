"""What the spend row of a call says: whether it failed, of whose tool it was, and with what it was called."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import post
from tests.integration.request_path.test_mcp_limits import REST, call
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAYS = ["/{}/mcp", "/mcp", "/mcp/proxy", REST]
PRICES = {"mcp_server_cost_info": {"default_cost_per_query": 0.01}, "logo_url": "https://logo.example/l.png"}
PRICE = 10_000_000
ERROR = b'{"jsonrpc":"2.0","id":%d,"error":{"code":-32602,"message":"No such thing."}}'
WORD = "confidential"
MASKED = {"keyword": WORD, "action": "MASK"}
STORED = {"store_prompts_in_spend_logs": True}
ARGUMENTS = {
    "a": 1,
    "b": 2,
    "note": f"over {WORD}",
    "inner": [{"Patient": "Ann", "api_key": "k", "page": "x"}],
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


def declare(
    live: LiveGateway,
    server: McpFixture,
    mode: str | None = None,
    prices: dict[str, Any] = PRICES,
    **general: bool,
) -> None:
    """The server, and a guardrail of a mode that masks a word."""
    fix = {"url": server.url, "transport": "http", "mcp_info": prices, "redacted_arguments": ["patient"]}
    words = {"guardrail": "keywords", "mode": mode, "default_on": True, "blocked_words": [MASKED]}
    masking = [{"guardrail_name": "words", "litellm_params": words}] if mode else []
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={"fix": fix},
        general_settings=general,
        guardrails=masking,
    )


@pytest.mark.parametrize("way", WAYS)
async def test_a_row_says_whether_the_call_failed(live: LiveGateway, server: McpFixture, way: str) -> None:
    declare(live, server)
    key = await live.make_key()
    await call(live, key, "fix", way)
    await call(live, key, "fix", way, arguments={"a": "no number"})
    identifier = 1 if way == REST else 7

    def refuse(path: str, headers: dict[str, str]) -> Any:
        if headers.get("mcp-method") != "tools/call":
            return None
        return 200, {"content-type": "application/json"}, ERROR % identifier

    server.refuse = refuse
    await call(live, key, "fix", way)
    server.refuse = lambda path, headers: None

    rows = await live.rows(key)
    told = [row.details.get("error_information") or {} for row in rows]
    kind = "BadRequest" if way == REST else "CallFailedError"
    assert [(row.status, row.nanos, one.get("error_class")) for row, one in zip(rows, told, strict=True)] == [
        ("success", PRICE, None),
        ("failure", PRICE, "ToolFailedError"),
        ("failure", 0, kind),
    ]
    assert "number" not in str(told[1])
    assert "No such thing." in told[2]["error_message"]
    assert [row.details["mcp_tool_call_metadata"] for row in rows] == 3 * [
        {
            "name": "add",
            "mcp_server_name": "fix",
            "namespaced_tool_name": "fix/add",
            "mcp_server_logo_url": PRICES["logo_url"],
        }
    ]
    assert await live.spent_nanos(key) == 2 * PRICE


async def test_rows_that_the_database_puts_together_say_the_same_as_those_of_the_request(
    live: LiveGateway, server: McpFixture
) -> None:
    """It is spared to the request, unless there is more to say: of guardrails."""
    rows = []
    for prices, mode in ((PRICES, None), ({"logo_url": PRICES["logo_url"]}, None), (PRICES, "pre_mcp_call")):
        declare(live, server, mode, prices)
        key = await live.make_key()
        await call(live, key, "fix")
        rows.append((await live.row(key)).details)
    dear, free, guarded = rows
    nothing = {"input_cost": 0, "output_cost": 0, "total_cost": 0}
    assert free["cost_breakdown"] == nothing
    assert dear["cost_breakdown"].items() >= {**nothing, "total_cost": 0.01, "per_request_cost": 0.01}.items()
    assert guarded["cost_breakdown"] == dear["cost_breakdown"]
    assert (
        free["mcp_tool_call_metadata"] == dear["mcp_tool_call_metadata"] == guarded["mcp_tool_call_metadata"]
    )
    assert free.keys() == dear.keys() == guarded.keys() - {"applied_guardrails", "guardrail_information"}
    assert [one["gatewright"].keys() for one in rows] == [free["gatewright"].keys()] * 3


async def test_what_is_no_call_has_no_tool(live: LiveGateway, server: McpFixture) -> None:
    declare(live, server, **STORED)
    key = await live.make_key()
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    await post(live, key, message, "/mcp")
    assert "mcp_tool_call_metadata" not in (await live.row(key)).metadata


@pytest.mark.parametrize("way", WAYS)
async def test_arguments_are_recorded_without_what_is_secret(
    live: LiveGateway, server: McpFixture, way: str
) -> None:
    declare(live, server, "pre_mcp_call", **STORED)
    key = await live.make_key()
    answer = await call(live, key, "fix", way, arguments=ARGUMENTS)
    assert answer.status_code == 200
    row = await live.row(key)
    found = row.details["mcp_tool_call_metadata"]["arguments"]
    assert (found.pop("note").startswith("over "), WORD in row.text) == (True, False)
    hidden = {"Patient": "*****", "api_key": "*****", "page": "x"}
    assert found == {"a": 1, "b": 2, "inner": [hidden]}
    assert row.members["proxy_server_request"] == "{}"


async def test_guardrails_of_records_see_arguments_before_anybody_else(
    live: LiveGateway, server: McpFixture
) -> None:
    declare(live, server, "logging_only", **STORED)
    key = await live.make_key()
    await call(live, key, "fix", arguments=ARGUMENTS)
    await live.settled()
    await live.gateway.parts.inspections.flush()
    row = await live.row(key)
    assert WORD not in row.text
    assert '"over ' in row.members["messages"]
    assert "Ann" not in row.text
    assert server.calls[-1][1] == {"a": 1, "b": 2}


async def test_what_is_called_with_is_not_recorded_unless_prompts_are(
    live: LiveGateway, server: McpFixture
) -> None:
    declare(live, server)
    key = await live.make_key()
    await call(live, key, "fix", arguments=ARGUMENTS)
    row = await live.row(key)
    assert WORD not in row.text
    assert "arguments" not in row.details["mcp_tool_call_metadata"]
