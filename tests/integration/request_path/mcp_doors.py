"""Every way to call a tool of an MCP server: tests go through all of them, so that none is left open."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from tests.integration.request_path.guarded import WORD
from tests.integration.request_path.mcp import OlderClient, open_older, post
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer
from tests.upstreams import replies

__all__ = ["DOORS", "ERA", "FORM_OF", "FURTHER", "META", "SAID", "TOOLSET", "Door", "Told", "make_toolset"]

TOOLSET = "guarded"

SAID = f"over {WORD}"
ERA = "2026-07-28"
ABOUT = {"protocolVersion": ERA, "clientCapabilities": {}}
META = {f"io.modelcontextprotocol/{name}": value for name, value in ABOUT.items()}


class Told(msgspec.Struct, frozen=True):
    """What a caller got, and whether it was an error."""

    text: str
    is_error: bool


async def speak(live: LiveGateway, key: str, path: str, name: str, arguments: Any) -> Told:
    """Call a tool by MCP."""
    params = {"name": name, "arguments": arguments, "_meta": META}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    named = {"mcp-protocol-version": ERA, "mcp-method": "tools/call", "mcp-name": name}
    answer = await post(live, key, message, path, **named)
    return Told(answer.text, answer.status_code >= 400 or '"error"' in answer.text)


async def call_one(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/fix/mcp", "echo", {"text": SAID})


async def call_several(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/fix,other/mcp", "fix-echo", {"text": SAID})


async def call_several_named(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/mcp/fix,other", "fix-echo", {"text": SAID})


async def call_a_group(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/crew/mcp", "fix-echo", {"text": SAID})


async def call_a_named_group(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/mcp/crew", "fix-echo", {"text": SAID})


async def call_of_a_toolset(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/toolset/guarded/mcp", "fix-echo", {"text": SAID})


async def call_named(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/mcp/fix", "echo", {"text": SAID})


async def call_under_the_roof(live: LiveGateway, key: str) -> Told:
    return await speak(live, key, "/mcp", "fix-echo", {"text": SAID})


async def call_what_was_found(live: LiveGateway, key: str) -> Told:
    return await speak(
        live, key, "/mcp/proxy", "call_tool", {"name": "fix-echo", "arguments": {"text": SAID}}
    )


async def call_by_rest(live: LiveGateway, key: str) -> Told:
    body = {"server_id": "fix", "name": "echo", "arguments": {"text": SAID}}
    headers = {"authorization": f"Bearer {key}"}
    answer = await live.http.post("/mcp-rest/tools/call", json=body, headers=headers)
    return Told(answer.text, answer.status_code >= 400)


async def call_for_a_model(live: LiveGateway, key: str) -> Told:
    """The caller is the model: it is told in its second request."""
    function = {"name": "fix-echo", "arguments": json.dumps({"text": SAID})}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }
    choices = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    head = {"id": "one", "object": "chat.completion", "created": 1, "model": "m"}
    live.upstream.script += [
        replies.raw(200, json.dumps({**head, "choices": choices}).encode()),
        replies.ok("Done"),
    ]
    own = {"type": "mcp", "server_url": "litellm_proxy/mcp/fix", "require_approval": "never"}
    body = {"model": "m", "messages": [{"role": "user", "content": "Go."}], "tools": [own]}
    answer = await live.post("/v1/chat/completions", key, body)
    assert answer.status_code == 200, answer.text
    text = live.upstream.requests[1].json["messages"][-1]["content"]
    return Told(text, text.startswith("The call failed"))


async def call_by_the_older_transport(live: LiveGateway, key: str) -> Told:
    async with open_older(live, "/mcp/sse", bearer(key)) as client:
        assert isinstance(client, OlderClient)
        assert await client.begin(live) is None
        call = {"name": "fix-echo", "arguments": {"text": SAID}}
        message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}
        answer = await client.post(live, message)
        text = answer.text + json.dumps(await client.wait_for(2))
    return Told(text, answer.status_code >= 400 or '"error"' in text)


Door = Callable[[LiveGateway, str], Awaitable[Told]]
DOORS: Mapping[str, Door] = {
    "single": call_one,
    "named": call_named,
    "roof": call_under_the_roof,
    "search": call_what_was_found,
    "rest": call_by_rest,
    "older": call_by_the_older_transport,
    "chat": call_for_a_model,
}
FURTHER: Mapping[str, Door] = {
    "several": call_several,
    "several named": call_several_named,
    "group": call_a_group,
    "named group": call_a_named_group,
    "toolset": call_of_a_toolset,
}
"""Further paths of a roof: from there on the way is the same, and a few outcomes tell if it is guarded."""
FORM_OF = {
    "single": "/{names}/mcp",
    "several": "/{names}/mcp",
    "group": "/{names}/mcp",
    "named": "/mcp/{names}",
    "several named": "/mcp/{names}",
    "named group": "/mcp/{names}",
    "roof": "/mcp",
    "search": "/mcp/proxy",
    "toolset": "/toolset/{name}/mcp",
    "rest": "/mcp-rest",
    "older": "/sse/messages",
}
"""The form of each door's paths; a model's calls have no path of their own."""


async def make_toolset(live: LiveGateway) -> str:
    """The id of the toolset that its door leads to, which this worker knows then."""
    stock = live.gateway.parts.mcp_stock
    known = [one.toolset_id for one in stock.current.toolsets if one.name == TOOLSET]
    if known:
        return known[0]
    body = {"toolset_name": TOOLSET, "tools": [{"server_id": "fix", "tool_name": "echo"}]}
    made = await live.http.post("/v1/mcp/toolset", json=body, headers=bearer(MASTER_KEY))
    assert made.status_code < 300, made.text
    async with asyncio.timeout(30):
        while all(one.name != TOOLSET for one in stock.current.toolsets):  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(0.01)
    return made.json()["toolset_id"]
