"""An MCP server for tests that answers whatever it was told to, be it nothing."""

import asyncio
import contextlib
from typing import Self

__all__ = ["WildServer"]


class WildServer:
    """`answer` are the bytes of every answer, head and all; None answers nothing, an endless one goes on."""

    def __init__(self) -> None:
        self.answer: bytes | None = None
        self.is_endless = False
        self.requests = 0
        self.bodies: list[bytes] = []
        """What was posted."""
        self.left = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/mcp"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()

    def tell(self, body: str, kind: str = "application/json", *, is_endless: bool = False) -> None:
        """Answer with a body from now on."""
        length = "" if is_endless else f"connection: close\r\ncontent-length: {len(body.encode())}\r\n"
        self.answer = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{length}\r\n{body}".encode()
        self.is_endless = is_endless

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._answer(reader, writer)
        writer.close()
        self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        self.bodies.append(await reader.readexactly(length))
        self.requests += 1
        if self.answer is not None:
            writer.write(self.answer)
            await writer.drain()
            if not self.is_endless:
                return
        while not reader.at_eof():
            if self.is_endless:
                writer.write(b": still there\n\n")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.02 if self.is_endless else 20):
                    await reader.read(1)
        self.left.set()
