"""Tools found by their meaning: a model of the catalog is asked, the caller pays, and words are the rest."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.test_mcp_limits import ask
from tests.integration.request_path.test_mcp_tools_in_chat import OWN
from tests.integration.serving import INPUT_NANOS, LiveGateway, deployment
from tests.mcp_servers import McpFixture
from tests.upstreams import SeenRequest, Wire, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXES = (("add", "sum"), ("echo", "again"), ("wait",), ("ask",))
FILTER = {"enabled": True, "embedding_model": "emb", "top_k": 1}
SEARCH = {"embedding_model": "emb", "similarity_threshold": 0.5, "core_tools": ["one-wait"]}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest.fixture(autouse=True)
def declared(live: LiveGateway, server: McpFixture) -> None:
    live.upstream.default = reply
    settings = {"mcp_semantic_tool_filter": FILTER, "mcp_tool_search": SEARCH}
    servers = {"one": {"url": server.url}, "two": {"url": server.url, "allowed_tools": ["echo"]}}
    live.configure(
        deployment("m", live.upstream),
        deployment("emb", live.upstream),
        mcp_servers=servers,
        litellm_settings=settings,
    )


async def reply(wire: Wire, request: SeenRequest) -> None:
    """Embed texts by the words that are in them; answer everything else as ever."""
    if not request.path.endswith("/embeddings"):
        await replies.ok()(wire, request)
        return
    texts: list[str] = request.json["input"]
    vectors = [[float(any(word in text.lower() for word in axis)) for axis in AXES] for text in texts]
    data = [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(vectors)]
    usage = {"prompt_tokens": 9, "total_tokens": 9}
    body = {"object": "list", "model": "real", "data": data[::-1], "usage": usage}
    await wire.answer(200, json.dumps(body).encode())


async def search(live: LiveGateway, key: str, query: str, **more: Any) -> list[str]:
    sought = {"name": "search_tools", "arguments": {"query": query, **more}}
    answer = await ask(live, key, "/mcp/proxy", "tools/call", **sought)
    return [tool["name"] for tool in answer.json()["result"]["structuredContent"]["tools"]]


def embedded(live: LiveGateway) -> list[int]:
    """How many texts each question to the model had."""
    return [len(one.json["input"]) for one in live.upstream.requests if one.path.endswith("/embeddings")]


async def test_a_search_goes_by_meaning_and_its_caller_pays(live: LiveGateway, server: McpFixture) -> None:
    key = await live.make_key(models=["m"])
    assert await search(live, key, "sum of it") == ["one-add"]
    assert await search(live, key, "once again") == ["one-echo", "two-echo"]
    assert await search(live, key, "sum of it") == ["one-add"]
    assert await search(live, key, "sum of it", limit=1) == ["one-add"]
    assert embedded(live) == [1 + 4, 1]
    rows = await live.rows(key)
    paid = [
        (row.call_type, row.nanos, row.details["gatewright"].get("guardrail")) for row in rows if row.nanos
    ]
    assert paid == [("aembedding", 9 * INPUT_NANOS, "mcp_tool_search")] * 2
    assert await live.spent_nanos(key) == 18 * INPUT_NANOS
    listed = (await ask(live, key, "/mcp/proxy", "tools/list")).json()["result"]["tools"]
    assert [tool["name"] for tool in listed] == ["search_tools", "describe_tool", "call_tool", "one-wait"]


async def test_a_list_is_narrowed_and_words_do_where_the_model_fails(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    named = {"x-litellm-api-key": f"Bearer {key}", "mcp-protocol-version": "2026-07-28"}
    headers = {**named, "mcp-method": "tools/list", "accept": "application/json, text/event-stream"}

    async def narrowed(query: str, **more: str) -> list[str]:
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
        sent = {**headers, "x-mcp-tool-query": query, **more}
        answer = await live.http.post("/mcp", json=body, headers=sent)
        return [tool["name"] for tool in answer.json()["result"]["tools"]]

    assert await narrowed("sum") == ["one-add"]
    assert await narrowed("again", **{"x-mcp-tool-limit": "2"}) == ["one-echo", "two-echo"]
    live.upstream.script += [replies.raw(500, b"{}")] * 4
    assert await narrowed("numbers") == ["one-add"]
    live.upstream.script.clear()
    assert await narrowed("numbers") == ["one-add"]
    assert await narrowed("sum up") == []


async def test_a_model_is_told_of_the_tools_that_the_conversation_needs(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    async def told(text: str, **more: Any) -> list[str]:
        tool = {**OWN, "server_url": "litellm_proxy/mcp/one", **more}
        body = {"model": "m", "messages": [{"role": "user", "content": text}], "tools": [tool]}
        assert (await live.post("/v1/chat/completions", key, body)).status_code == 200
        tools = live.upstream.requests[-1].json.get("tools", [])
        return [one["function"]["name"] for one in tools]

    assert await told("What is the sum?") == ["one-add"]
    assert await told("Good morning!") == []
    named = ["one-wait", "one-ask"]
    assert await told("Good morning!", allowed_tools=["wait", "ask"]) == named
