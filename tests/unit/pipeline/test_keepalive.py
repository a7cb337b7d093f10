import asyncio

from gateway.pipeline.keepalive import KeepAlive
from tests.integration.serving import eventually

COMMENT = b": keep-alive\n\n"


async def test_a_silent_stream_gets_comments(make_exchange) -> None:
    exchange, conversation = make_exchange()
    output = KeepAlive(exchange, 0.01)
    await eventually(lambda: conversation.body.count(COMMENT) >= 3)
    await output.close()


async def test_after_the_end_nothing_is_written(make_exchange) -> None:
    exchange, conversation = make_exchange()
    output = KeepAlive(exchange, 0.01)
    await output.close()
    await output.write(b"data: 1\n\n")
    assert conversation.body == b"data: 1\n\n"


async def test_without_an_interval_no_timer_runs(make_exchange) -> None:
    exchange, conversation = make_exchange()
    output = KeepAlive(exchange, 0)
    await output.write(b"data: 1\n\n")
    await output.close()
    assert conversation.body == b"data: 1\n\n"


async def test_a_comment_never_comes_into_an_event_that_is_being_written(make_exchange) -> None:
    exchange, conversation = make_exchange()
    gate = asyncio.Event()
    send = exchange._send

    async def slow(message) -> None:
        if message["body"].startswith(b"data"):
            await gate.wait()
        await send(message)

    exchange._send = slow
    output = KeepAlive(exchange, 0.01)
    writing = asyncio.create_task(output.write(b"data: 1\n\n"))
    await asyncio.sleep(0.05)
    assert conversation.body == b""
    gate.set()
    await writing
    await output.close()
    assert conversation.body.startswith(b"data: 1\n\n")
