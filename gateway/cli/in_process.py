"""One request to an application in this process, without a server between."""

from collections.abc import Mapping
from urllib.parse import unquote

from gateway.wire.asgi import App, Message

__all__ = ["call"]


async def call(
    app: App, method: str, target: str, body: bytes, headers: Mapping[str, str], address: str
) -> tuple[int, bytes]:
    """Return status and body of the answer; `target` is the path with its query, `address` the client's."""
    path, _, query = target.partition("?")
    given = {**headers, "host": "localhost", "content-length": str(len(body))}
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": (address, 0),
        "server": ("localhost", 80),
        "state": {},
    }
    status, parts = 0, list[bytes]()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, b"".join(parts)
