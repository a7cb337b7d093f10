"""An MCP server for tests: on the official SDK, on loopback, which keeps what it was asked with."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any, Self

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel

from tests.mcp_oauth import OAuthProvider

__all__ = ["Colour", "McpFixture"]

Refuse = Callable[[str, dict[str, str]], tuple[int, dict[str, str], bytes] | None]
"""What is answered for a path and headers before the server hears of it, if anything."""


class Colour(BaseModel):
    """What the tool `ask` asks for."""

    answer: str


async def count(ctx: Context) -> str:
    """Count to two."""
    for step in (1, 2):
        await ctx.report_progress(step, 2)
    return "done"


class McpFixture:
    """`async with McpFixture() as server:` serves at `server.url`; `calls` are the tools that were called.

    `refuse` may answer in its place. `headers` has the headers of every HTTP request, `is_json` says whether
    answers are no event streams, `is_older` whether it speaks the transport before streamable HTTP. With a
    `provider` it asks for tokens.
    """

    def __init__(
        self, *, is_json: bool = False, is_older: bool = False, provider: OAuthProvider | None = None
    ) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.refuse: Refuse = lambda path, headers: None
        self.slow = asyncio.Event()
        self.cancelled = asyncio.Event()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        path = "sse" if is_older else "mcp"
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/{path}"
        self.provider = provider
        self.server = server = self._build()
        if is_older:
            server.tool()(count)
        app = server.sse_app() if is_older else server.streamable_http_app(json_response=is_json)
        config = uvicorn.Config(self._watched(app), log_level="error", lifespan="on", ws="none")
        self._server = uvicorn.Server(config)

    def describe_echo(self, text: str) -> None:
        """Describe the tool `echo` otherwise from now on."""
        self.server.remove_tool("echo")

        def echo(text: str) -> str:
            return f"you said {text}"

        self.server.add_tool(echo, name="echo", description=text)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:  # noqa: ASYNC110  the server has no event for it
            await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.force_exit = self._server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def _watched(self, app: Any) -> Any:
        async def watch(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                headers = {name.decode(): value.decode() for name, value in scope["headers"]}
                self.headers.append(headers)
                answer = self.refuse(scope["path"], headers)
                if answer is not None:
                    status, told, body = answer
                    pairs = [(name.encode(), value.encode()) for name, value in told.items()]
                    await send({"type": "http.response.start", "status": status, "headers": pairs})
                    await send({"type": "http.response.body", "body": body})
                    return
            await app(scope, receive, send)

        return watch

    def _build(self) -> MCPServer:
        origin = self.url.rpartition("/")[0]
        guarded = {} if self.provider is None else self.provider.guard(origin, self.url)
        server = MCPServer("fixture", **guarded)

        @server.tool()
        def add(a: int, b: int) -> int:
            """Add two numbers."""
            self.calls.append(("add", {"a": a, "b": b}))
            return a + b

        @server.tool()
        def echo(text: str) -> str:
            """Say it again."""
            self.calls.append(("echo", {"text": text}))
            return f"you said {text}"

        @server.tool()
        async def wait(ctx: Context) -> str:
            """Wait until somebody lets go."""
            self.calls.append(("wait", {}))
            try:
                await self.slow.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
            return "done"

        @server.tool()
        async def ask(ctx: Context) -> str:
            """Ask the caller something."""
            answer = await ctx.elicit("Which colour?", Colour)
            return answer.data.answer if answer.action == "accept" else "none"

        @server.resource("note://today")
        def today() -> str:
            """How the day is."""
            return "sunny"

        @server.prompt()
        def greet(name: str) -> str:
            """Greet somebody."""
            return f"Hello {name}"

        return server
