"""MCP servers of the database for tests: made by the API, gone when the test is over."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, bearer, eventually
from tests.mcp_servers import McpFixture

SERVERS = "/v1/mcp/server"
TOKEN = "token-of-the-upstream-0123456789"
CALL = {"name": "add", "arguments": {"a": 2, "b": 3}}
ACCEPTED = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28"}
ABOUT = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}
TABLES = ("LiteLLM_MCPServerTable", "LiteLLM_MCPToolsetTable", "LiteLLM_MCPUserCredentials")


def unique() -> str:
    return f"s_{secrets.token_hex(4)}"


def body_of(server: McpFixture, name: str, **members: object) -> dict[str, Any]:
    given = {"auth_type": "bearer_token", "credentials": {"auth_value": TOKEN}}
    return {"server_name": name, "url": server.url, **given, **members}


async def make(desk: Desk, body: dict[str, Any]) -> Any:
    """A server, once it is served."""
    made = await desk.post(SERVERS, body, status=201)
    await until_served(desk, made["server_id"])
    return made


async def until_served(desk: Desk, identifier: str, *, is_there: bool = True) -> None:
    """Until the worker has heard that a server or a toolset is there, or is not."""
    added = desk.live.gateway.parts.added

    def known() -> set[str]:
        shelf = added.current.mcp
        return {one.server_id for one in shelf.servers} | {one.toolset_id for one in shelf.toolsets}

    await eventually(lambda: (identifier in known()) is is_there)


async def call(desk: Desk, key: str, identifier: str) -> Any:
    return await desk.ask("POST", "/mcp-rest/tools/call", key, json={"server_id": identifier, **CALL})


@asynccontextmanager
async def emptied(live: LiveGateway) -> AsyncIterator[None]:
    """Nothing of the kind is left afterwards."""
    yield
    parts = live.gateway.parts
    for table in TABLES:
        await parts.database.execute(f'DELETE FROM "{table}"')
    parts.added.note_change()
    await eventually(lambda: not (parts.added.current.mcp.servers or parts.added.current.mcp.toolsets))


async def send(desk: Desk, path: str, key: str, method: str, **params: object) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": ABOUT}}
    named = {"mcp-name": str(params["name"])} if "name" in params else {}
    headers = {**bearer(key), **ACCEPTED, "mcp-method": method, **named}
    return await desk.live.http.post(path, json=body, headers=headers)


async def list_tools(desk: Desk, path: str, key: str) -> list[str]:
    answer = await send(desk, path, key, "tools/list")
    assert answer.status_code == 200, answer.text
    return [tool["name"] for tool in answer.json()["result"]["tools"]]
