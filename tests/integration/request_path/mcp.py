"""Clients of MCP servers behind a gateway."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.integration.serving import LiveGateway

__all__ = ["connect", "names_of", "post", "text_of"]


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
