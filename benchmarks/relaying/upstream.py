"""MCP servers that cost nothing: each message has its answer ready, in both generations.

Run as a program: the port. Every path is a server with as many tools as TOOLS says.
"""

import asyncio
import re
import sys

import msgspec
import uvloop

__all__ = ["TOOLS"]

TOOLS = 40
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_METHOD = re.compile(rb'"method": ?"([^"]+)"')
_SCHEMA = {
    "type": "object",
    "properties": {
        name: {"type": "string", "description": f"The {name} to look for."} for name in ("text", "place")
    },
    "required": ["text"],
}
_LISTED = [
    {
        "name": f"tool_{number}",
        "description": "Looks something up and tells what it found.",
        "inputSchema": _SCHEMA,
    }
    for number in range(TOOLS)
]
_CALLED = {"content": [{"type": "text", "text": "Nothing was found."}], "resultType": "complete"}
_SERVER = {"name": "bench", "version": "1"}
_CAPABILITIES = {"tools": {}}
_RESULTS = {
    b"initialize": {"protocolVersion": "2025-11-25", "capabilities": _CAPABILITIES, "serverInfo": _SERVER},
    b"server/discover": {
        "supportedVersions": ["2026-07-28"],
        "capabilities": _CAPABILITIES,
        "resultType": "complete",
        "ttlMs": 0,
        "cacheScope": "private",
    },
    b"tools/list": {"tools": _LISTED, "ttlMs": 0, "cacheScope": "private", "resultType": "complete"},
    b"tools/call": _CALLED,
}


def _answer(result: object, session: str = "") -> bytes:
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "result": result})
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{session}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


_ANSWERS = {method: _answer(result) for method, result in _RESULTS.items()}
_ANSWERS_OF_SESSION = {
    method: _answer(result, "mcp-session-id: bench\r\n") for method, result in _RESULTS.items()
}
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"


class _Server(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, separator, body = self._data.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if not separator or len(body) < length:
            return
        self._data = body[length:]
        method = _METHOD.search(body)
        answers = _ANSWERS if b"2026-07-28" in head else _ANSWERS_OF_SESSION
        answer = answers.get(method[1], _ACCEPTED) if method else _ACCEPTED
        self._transport.write(answer)  # pyright: ignore[reportAttributeAccessIssue]  a TCP server makes nothing else


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
