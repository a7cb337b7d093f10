"""Requests whose server task is cancelled, and clients that leave with half a request."""

import asyncio
import json

import pytest

from gateway.domain import Endpoint
from gateway.hooks import RequestHead
from gateway.http.asgi_exchange import AsgiExchange
from gateway.pipeline.inference import infer
from tests.integration.serving import LiveGateway, bearer, chat_body
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")


def open_exchange(live: LiveGateway, key: str, body: object, begun: asyncio.Event) -> AsgiExchange:
    """A request whose client waits for ever."""
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> dict[str, object]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    async def send(message: dict[str, object]) -> None:
        if message.get("body"):
            begun.set()

    return AsgiExchange(
        RequestHead("POST", "/v1/chat/completions", bearer(key)), receive, send, live.gateway.clock
    )


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
async def test_a_cancelled_request_is_settled(
    live: LiveGateway,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    key = await live.make_key(max_budget=1, max_parallel_requests=1)
    live.upstream.script.append(replies.stream_held(["one", "two"]) if is_stream else replies.never())
    begun = asyncio.Event()
    exchange = open_exchange(live, key, chat_body(stream=is_stream), begun)
    task = asyncio.create_task(infer(live.gateway, Endpoint.CHAT, exchange, ""))
    await live.upstream.wait_for_requests(1)
    if is_stream:
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = await live.row(key)
    assert row.status == "failure"
    assert row.nanos == live.settled_nanos(key) > 0
    assert live.held_nanos(key) == 0
    assert (await live.chat(key)).status_code == 200


async def test_half_a_request_leaves_nothing_behind(live: LiveGateway, key: str) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", int(live.origin.rsplit(":", 1)[1]))
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        "content-type: application/json\r\ncontent-length: 100\r\n\r\n"
    )
    writer.write(head.encode() + b'{"model":')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await live.chat(key)).status_code == 200
    assert [row.status for row in await live.rows(key)] == ["success"]
