"""Clients of MCP servers behind a gateway."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Literal

import httpx
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.integration.serving import LiveGateway

__all__ = ["Era", "connect", "names_of", "post", "speak", "text_of"]

Era = Literal["2025-11-25", "2026-07-28"]


@contextlib.asynccontextmanager
async def connect(
    live: LiveGateway, key: str, path: str = "/fix/mcp", mode: Any = "auto", **options: Any
) -> AsyncIterator[Client]:
    headers = {"x-litellm-api-key": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20, verify=False) as http:
        transport = streamable_http_client(f"{live.origin}{path}", http_client=http)
        async with Client(transport, mode=mode, **options) as client:
            yield client


async def names_of(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


def text_of(result: Any) -> str:
    return result.content[0].text


async def post(live: LiveGateway, key: str | None, body: Any, path: str = "/fix/mcp", **headers: str) -> Any:
    sent = {"content-type": "application/json", "accept": "application/json, text/event-stream", **headers}
    if key:
        sent["authorization"] = f"Bearer {key}"
    content = body if isinstance(body, (str, bytes)) else None
    return await live.http.post(path, headers=sent, content=content, json=None if content else body)


async def speak(
    live: LiveGateway, path: str, era: Era, headers: dict[str, str], *, is_told: bool = False
) -> list[httpx.Response]:
    """List tools and call one, as a client of this generation does; ends with the first refusal.

    The client may want to be told of progress.
    """
    if path.startswith("/mcp-rest/"):
        return [await live.http.get(path, headers=headers)]
    sent, answers = {**headers, "mcp-protocol-version": era}, list[httpx.Response]()
    call = {"name": "add", "arguments": {"a": 1, "b": 2}}
    messages: list[tuple[str, dict[str, Any]]] = [("tools/list", {}), ("tools/call", call)]
    if era == "2025-11-25":
        about = {"protocolVersion": era, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        messages.insert(0, ("initialize", about))
    for method, params in messages:
        named = {} if era == "2025-11-25" else {"mcp-method": method}
        if named and "name" in params:
            named["mcp-name"] = "add"
        meta: dict[str, Any] = {"progressToken": 7} if is_told else {}
        meta |= {f"io.modelcontextprotocol/{name}": value for name, value in _STATED.items() if named}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        answers.append(await post(live, None, message, path, **sent, **named))
        if answers[-1].status_code >= 400:
            break
        if method == "initialize":
            sent["mcp-session-id"] = answers[-1].headers["mcp-session-id"]
            await post(live, None, {"jsonrpc": "2.0", "method": "notifications/initialized"}, path, **sent)
    return answers


_STATED: dict[str, Any] = {"protocolVersion": "2026-07-28", "clientCapabilities": {}}
