"""The yardstick: a Litestar route that passes bytes on, with the same server and HTTP client.

It authenticates nobody, reads nothing and records nothing; granian has the settings of `gatewright serve`.
Run as a program: port, then the address of the upstream for whole answers and of the one for streams.
"""

import multiprocessing
import os
import sys

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer
from litestar import Litestar, asgi
from litestar.types import Receive, Scope, Send
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.http import Url

__all__ = ["build"]

_HEADERS = (("content-type", "application/json"), ("authorization", "Bearer sk-upstream"))
_BACKLOG = 4096
_PATH = "v1/chat/completions"


def build() -> Litestar:
    """Build the application of the worker; the addresses come from the environment."""
    answers, streams = os.environ["BENCH_ANSWERS"], os.environ["BENCH_STREAMS"]
    client = ClientBuilder().no_proxy().build()
    url = Url(f"{answers}/answer/{_PATH}")

    @asgi(f"/answer/{_PATH}", copy_scope=False)
    async def pass_answer(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        body = await _read(receive)
        answer = await client.post(url).headers(_HEADERS).body_bytes(body).build().send()
        content = bytes(await answer.bytes())
        length = str(len(content)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})

    routes = [_stream_route(client, kind, Url(f"{streams}/{kind}/{_PATH}")) for kind in ("stream", "burst")]
    return Litestar([pass_answer, *routes], openapi_config=None, logging_config=None)


def _stream_route(client: Client, kind: str, url: Url) -> asgi:
    @asgi(f"/{kind}/{_PATH}", copy_scope=False)
    async def pass_stream(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        prepared = client.post(url).headers(_HEADERS).body_bytes(await _read(receive))
        async with prepared.streamed_read_buffer_limit(0).build_streamed() as answer:
            headers = [(b"content-type", b"text/event-stream")]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            while (chunk := await answer.body_reader.read_chunk()) is not None:
                await send({"type": "http.response.body", "body": bytes(chunk), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return pass_stream


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body = message["body"]
    if not message["more_body"]:
        return body
    parts = [body]
    while message["more_body"]:
        message = await receive()
        parts.append(message["body"])
    return b"".join(parts)


def main() -> None:
    """Serve with one worker until SIGTERM."""
    port, os.environ["BENCH_ANSWERS"], os.environ["BENCH_STREAMS"] = sys.argv[1:]
    multiprocessing.set_start_method("spawn", force=True)
    MPServer(
        "loadtest.bare:build",
        factory=True,
        interface=Interfaces.ASGI,
        address="127.0.0.1",
        port=int(port),
        workers=1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_BACKLOG,
        http1_settings=HTTP1Settings(header_read_timeout=75_000, max_buffer_size=65_536),
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()
