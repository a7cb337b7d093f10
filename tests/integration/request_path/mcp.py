"""Clients of MCP servers behind a gateway."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.integration import serving
from tests.integration.serving import LiveGateway

__all__ = [
    "Era",
    "OlderClient",
    "connect",
    "connect_older",
    "names_of",
    "open_older",
    "post",
    "speak",
    "text_of",
]

Era = Literal["2024-11-05", "2025-11-25", "2026-07-28"]
"""A revision that a client speaks; the oldest one has the transport before streamable HTTP."""


@contextlib.asynccontextmanager
async def connect(
    live: LiveGateway, key: str, path: str = "/fix/mcp", mode: Any = "auto", **options: Any
) -> AsyncIterator[Client]:
    headers = {"x-litellm-api-key": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=20, verify=False) as http:
        transport = streamable_http_client(f"{live.origin}{path}", http_client=http)
        async with Client(transport, mode=mode, **options) as client:
            yield client


@contextlib.asynccontextmanager
async def connect_older(
    live: LiveGateway, key: str, path: str, mode: Any = "legacy", **options: Any
) -> AsyncIterator[Client]:
    transport = sse_client(f"{live.origin}{path}", headers={"x-litellm-api-key": f"Bearer {key}"}, timeout=20)
    async with Client(transport, mode=mode, **options) as client:
        yield client


@dataclass
class OlderClient:
    """A stream that is open, and where its messages are posted."""

    headers: dict[str, str]
    address: str
    messages: AsyncIterator[Any]

    async def post(self, live: serving.Client, message: Any, **headers: str) -> httpx.Response:
        """Post a message, to whichever worker."""
        sent = {**self.headers, "content-type": "application/json", **headers}
        content = message if isinstance(message, bytes) else json.dumps(message).encode()
        return await live.http.post(self.address, headers=sent, content=content)

    async def ask(self, live: serving.Client, method: str, params: Any, identifier: Any = 1) -> Any:
        """What is answered on the stream, once the post was accepted."""
        message = {"jsonrpc": "2.0", "id": identifier, "method": method, "params": params}
        answer = await self.post(live, message)
        assert answer.status_code == 202, answer.text
        return await self.wait_for(identifier)

    async def wait_for(self, identifier: Any) -> Any:
        """The answer on the stream to a request."""
        async with asyncio.timeout(20):
            async for message in self.messages:
                if "method" not in message and message["id"] == identifier:
                    return message
        raise EOFError

    async def begin(self, live: serving.Client) -> httpx.Response | None:
        """Shake hands; the answer to the post if it is refused."""
        about = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": _ABOUT}
        answer = await self.post(live, _request("initialize", about))
        if answer.status_code != 202:
            return answer
        begun = await self.wait_for(1)
        assert "result" in begun, begun
        answer = await self.post(live, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        assert answer.status_code == 202, answer.text
        return None


@contextlib.asynccontextmanager
async def open_older(
    live: serving.Client, path: str, headers: dict[str, str]
) -> AsyncIterator[OlderClient | httpx.Response]:
    """Open a stream, or say why it is refused."""
    async with live.http.stream("GET", path, headers=headers) as answer:
        if answer.status_code != 200:
            await answer.aread()
            yield answer
            return
        lines = answer.aiter_lines()
        assert await anext(lines) == "event: endpoint"
        address = (await anext(lines)).removeprefix("data: ")
        yield OlderClient(headers, address, _read_messages(lines))


async def _read_messages(lines: AsyncIterator[str]) -> AsyncIterator[Any]:
    async for line in lines:
        if line.startswith("data: "):
            yield json.loads(line[6:])


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
    live: LiveGateway,
    path: str,
    era: Era,
    headers: dict[str, str],
    *,
    is_told: bool = False,
    tool: str = "add",
) -> list[httpx.Response]:
    """List tools and call one, as a client of this generation does; ends with the first refusal.

    The client may want to be told of progress.
    """
    if path.startswith("/mcp-rest/"):
        return [await live.http.get(path, headers=headers)]
    if era == "2024-11-05":
        return [answer async for answer in _speak_older(live, path, headers, is_told=is_told)]
    sent, answers = {**headers, "mcp-protocol-version": era}, list[httpx.Response]()
    call = {"name": tool, "arguments": {"a": 1, "b": 2}}
    messages: list[tuple[str, dict[str, Any]]] = [("tools/list", {}), ("tools/call", call)]
    if era == "2025-11-25":
        about = {"protocolVersion": era, "capabilities": {}, "clientInfo": _ABOUT}
        messages.insert(0, ("initialize", about))
    for method, params in messages:
        named = {} if era == "2025-11-25" else {"mcp-method": method}
        if named and "name" in params:
            named["mcp-name"] = tool
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


async def _speak_older(
    live: LiveGateway, path: str, headers: dict[str, str], *, is_told: bool
) -> AsyncIterator[httpx.Response]:
    async with open_older(live, f"{path.rstrip('/')}/sse", headers) as opened:
        if isinstance(opened, httpx.Response):
            yield opened
            return
        if (refused := await opened.begin(live)) is not None:
            yield refused
            return
        call: dict[str, Any] = {"name": "add", "arguments": {"a": 1, "b": 2}}
        if is_told:
            call["_meta"] = {"progressToken": 7}
        for method, params in (("tools/list", {}), ("tools/call", call)):
            answer = await opened.post(live, _request(method, params))
            if answer.status_code != 202:
                yield answer
                return
            yield httpx.Response(200, json=await opened.wait_for(1))


def _request(method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


_ABOUT = {"name": "c", "version": "1"}
_STATED: dict[str, Any] = {"protocolVersion": "2026-07-28", "clientCapabilities": {}}
