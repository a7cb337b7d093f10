"""Many callers of one MCP server, each with a credential of its own, while the server dies and comes back."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from gateway.ids import new_id
from tests.integration.serving import MASTER_KEY, ServerProcess, bearer
from tests.upstreams import SeenRequest, Upstream, Wire

__all__ = ["Crowd", "McpServerOfMany", "call_interleaved", "gather_crowd"]

_MODERN = "2026-07-28"
_SESSION, _REVISION = "mcp-session-id", "mcp-protocol-version"
_AT_ONCE = 24
_PAUSE_SECONDS = 0.02
_TRIES = 500
_AWAY = ("api_connection_error", "bad_gateway_error", "upstream_error")
"""What is told of a server that gives no answer, or breaks one off: nothing that the client itself did."""


class McpServerOfMany:
    """Keeps sessions as long as it lives; `mixed_up` is what came with somebody else's credential."""

    def __init__(self) -> None:
        self.upstream = Upstream(default=self._reply)
        self.calls = 0
        self.mixed_up: list[str] = []
        self._sessions: dict[str, str] = {}

    async def restart(self) -> None:
        """End every connection, be away for a moment, and know nobody any more."""
        await self.upstream.__aexit__()
        self._sessions.clear()
        await asyncio.sleep(_PAUSE_SECONDS)
        await self.upstream.__aenter__()

    async def _reply(self, wire: Wire, request: SeenRequest) -> None:
        message, owner = request.json, request.headers.get("authorization", "")
        method, headers = message["method"], dict[str, str]()
        result: dict[str, Any] = {}
        if method == "initialize":
            headers[_SESSION] = new_id()
            self._sessions[headers[_SESSION]] = owner
            result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": _ABOUT}
        elif request.headers.get(_REVISION) != _MODERN:
            known = self._sessions.get(request.headers.get(_SESSION, ""))
            if known is None:
                await wire.answer(404, b"")
                return
            if known != owner:
                self.mixed_up.append(f"a session of {known} from {owner}")
        if "id" not in message:
            await wire.answer(202, b"")
            return
        if method == "tools/call":
            text = message["params"]["arguments"]["text"]
            self.calls += 1
            if owner != f"Bearer {text}":
                self.mixed_up.append(f"a call of {text} from {owner}")
            result = {"content": [{"type": "text", "text": f"{text} as {owner}"}]}
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        await wire.answer(200, json.dumps(body).encode(), headers)


class _Caller:
    """One client: it begins anew where the protocol tells it to, and asks again while the server is away."""

    def __init__(self, http: httpx.AsyncClient, key: str, path: str, token: str, *, is_modern: bool) -> None:
        self.recovered = 0
        self._http = http
        self._path = path
        self._token = token
        self._is_modern = is_modern
        self._headers = {"x-litellm-api-key": key, "authorization": f"Bearer {token}"}
        self._headers["accept"] = "application/json, text/event-stream"
        self._session = ""

    async def call(self) -> None:
        """Have one call answered."""
        for _ in range(_TRIES):
            if not (self._is_modern or self._session) and not await self._begin():
                continue
            answer = await self._post("tools/call", {"name": "echo", "arguments": {"text": self._token}})
            if answer.status_code == 200:
                (content,) = answer.json()["result"]["content"]
                assert content["text"] == f"{self._token} as Bearer {self._token}"
                return
            await self._recover(answer)
        raise TimeoutError

    async def begin_anew(self) -> None:
        """Have a session of its own, whatever it had."""
        self._session = ""
        assert self._is_modern or await self._begin()

    async def steal(self, other: "_Caller") -> None:
        """Come with the session of somebody who has another key: it leads nowhere."""
        # Its own session stays where it is: others may come with that at the same time.
        if other._session and not self._is_modern:
            params = {"name": "echo", "arguments": {"text": self._token}}
            answer = await self._post("tools/call", params, other._session)
            assert answer.status_code == 404, answer.text

    async def _begin(self) -> bool:
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": _ABOUT}
        answer = await self._post("initialize", about)
        if answer.status_code != 200:
            await self._recover(answer)
            return False
        self._session = answer.headers[_SESSION]
        answer = await self._post("notifications/initialized", None)
        if answer.status_code != 202:
            await self._recover(answer)
        return bool(self._session)

    async def _recover(self, answer: httpx.Response) -> None:
        """What a client of the protocol can do: begin a session anew, or send the request again."""
        self.recovered += 1
        is_session_gone = answer.status_code == 404 and bool(self._session)
        is_away = answer.status_code != 404 and answer.json()["error"]["type"] in _AWAY
        assert is_session_gone or is_away, (answer.status_code, answer.text)
        self._session = "" if is_session_gone else self._session
        await asyncio.sleep(_PAUSE_SECONDS)

    async def _post(self, method: str, params: Any, session: str = "") -> httpx.Response:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
        stated = dict[str, str]()
        if params is not None:
            message |= {"id": 1, "params": params}
        if self._is_modern:
            stated = {_REVISION: _MODERN, "mcp-method": method, "mcp-name": "echo"}
            message["params"]["_meta"] = _META
        elif session or self._session:
            stated = {_REVISION: "2025-11-25", _SESSION: session or self._session}
        return await self._http.post(self._path, json=message, headers={**self._headers, **stated})


class Crowd:
    """Callers with tokens of their own, two and two of which share a key; any worker gets any request."""

    def __init__(self, server: ServerProcess, keys: list[str], path: str) -> None:
        self._server = server
        self._keys = keys
        self._path = path

    async def play(self, plays: list[list[str]]) -> None:
        """Have each caller do what its play says, all at once: `call`, `begin` or `steal`."""
        limits = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(
            base_url=self._server.origin, timeout=60, limits=limits, verify=False
        ) as http:
            callers = [
                _Caller(http, self._keys[number // 2], self._path, new_id(), is_modern=number % 4 == 3)
                for number in range(len(plays))
            ]
            others = [callers[(number // 2 * 2 + 2) % len(callers)] for number in range(len(callers))]
            await asyncio.gather(*map(self._follow, callers, others, plays))

    async def _follow(self, caller: _Caller, other: _Caller, play: list[str]) -> None:
        for step in play:
            if step == "call":
                await caller.call()
            elif step == "begin":
                await caller.begin_anew()
            elif caller is not other:
                await caller.steal(other)


@contextlib.asynccontextmanager
async def gather_crowd(server: ServerProcess, mcp: McpServerOfMany) -> AsyncIterator[Crowd]:
    """Callers of a server that stays."""
    async with mcp.upstream:
        path = await _declare(server, mcp)
        yield Crowd(server, [await server.make_key() for _ in range(3)], path)


async def call_interleaved(server: ServerProcess, mcp: McpServerOfMany, callers: int, calls: int) -> int:
    """Have so many callers make so many calls each, over connections that any worker may get.

    The MCP server dies and comes back twice meanwhile. Returns how often a caller had to recover.
    """
    path = await _declare(server, mcp)
    keys = [await server.make_key() for _ in range(5)]
    limits, turns = httpx.Limits(max_keepalive_connections=0), asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=server.origin, timeout=60, limits=limits, verify=False) as http:
        clients = [
            _Caller(http, keys[number % 5], path, f"token-{number}", is_modern=number % 2 == 1)
            for number in range(callers)
        ]
        running = asyncio.gather(*(_make_calls(client, calls, turns) for client in clients))
        for share in (1, 2):
            while mcp.calls < callers * calls * share // 3 and not running.done():  # noqa: ASYNC110  answers
                await asyncio.sleep(_PAUSE_SECONDS)
            await mcp.restart()
        await running
    return sum(client.recovered for client in clients)


async def _make_calls(client: _Caller, count: int, turns: asyncio.Semaphore) -> None:
    for _ in range(count):
        # Between the calls of one session those of others come.
        async with turns:
            await client.call()


async def _declare(server: ServerProcess, mcp: McpServerOfMany) -> str:
    """The path of the server, once every worker serves it."""
    name = f"many_{new_id()[-8:]}"
    body = {"server_id": name, "server_name": name, "url": f"{mcp.upstream.origin}/mcp", "transport": "http"}
    made = await server.http.post(
        "/v1/mcp/server", json={**body, "extra_headers": ["Authorization"]}, headers=bearer(MASTER_KEY)
    )
    assert made.status_code == 201, made.text
    path = f"/{name}/mcp"
    async with asyncio.timeout(30):
        # Without a key it is 401 where it is known, and 404 where it is not yet.
        while 404 in [await _ask_alone(server, path) for _ in range(12)]:  # noqa: ASYNC110  other processes
            await asyncio.sleep(0.05)
    return path


async def _ask_alone(server: ServerProcess, path: str) -> int:
    """Ask over a connection of its own."""
    return int((await server.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())).split()[1])


_ABOUT = {"name": "many", "version": "1"}
_META = {
    "io.modelcontextprotocol/protocolVersion": _MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": _ABOUT,
}
