"""What the client of pass-throughs does beside what `test_clients.py` says of all clients."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.errors import UpstreamError, UpstreamGarbled, UpstreamTimeout, UpstreamUnreachable
from gateway.hooks import ForwardRequest
from gateway.upstream.http1.client import Http1Client
from tests.upstreams import SeenRequest, Upstream, Wire, replies

BOUND = 5.0


@pytest.fixture
async def http1() -> AsyncIterator[Http1Client]:
    client = Http1Client()
    yield client
    await client.close()


async def parts_of(*parts: bytes, fault: Exception | None = None) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
    if fault is not None:
        raise fault


@pytest.fixture(autouse=True)
def answers(upstream: Upstream) -> None:
    upstream.default = replies.raw(200, b"fine")


def make_request(
    upstream: Upstream,
    body: AsyncIterator[bytes] | bytes | None = b"{}",
    method: str = "POST",
    length: int | None = None,
) -> ForwardRequest:
    headers = () if length is None else (("content-length", str(length)),)
    return ForwardRequest(method, f"{upstream.origin}/x", headers, body, 5.0, 5.0, 1_000_000)


async def ask(client: Http1Client, request: ForwardRequest) -> tuple[int, bytes]:
    chunks = []
    async with client.forward(request) as stream:
        while chunk := await stream.read_chunk():
            chunks.append(chunk)
        return stream.status, b"".join(chunks)


@pytest.mark.parametrize(
    ("parts", "length"),
    [
        ((b"ab", b"c"), 3),
        ((b"x" * 300_000, b"y" * 300_000), 600_000),
    ],
    ids=["small", "large"],
)
async def test_a_body_in_parts_arrives_whole(http1, upstream, parts, length):
    status, _ = await ask(http1, make_request(upstream, parts_of(*parts), length=length))

    assert status == 200
    assert upstream.requests[0].body == b"".join(parts)


async def test_a_body_of_unknown_length_goes_in_chunks(http1, upstream):
    async def read_chunks(wire: Wire, _: SeenRequest) -> None:
        await wire.answer(200, await wire.reader.readuntil(b"0\r\n\r\n"))

    upstream.script = [read_chunks]

    status, seen = await ask(http1, make_request(upstream, parts_of(b"ab", b"", b"c")))

    assert (status, seen) == (200, b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("parts", "fault"),
    [((b"abcd",), None), ((b"ab",), None), ((b"ab",), ValueError("the client left"))],
    ids=["too long", "too short", "breaks off"],
)
async def test_a_body_that_is_not_what_it_said_ends_the_call(http1, upstream, parts, fault):
    with pytest.raises(UpstreamError):
        await ask(http1, make_request(upstream, parts_of(*parts, fault=fault), length=3))

    assert upstream.requests == []


@pytest.mark.parametrize(("method", "is_repeated"), [("GET", True), ("DELETE", True), ("POST", False)])
async def test_only_what_may_arrive_twice_is_sent_again_when_a_kept_connection_ends(
    http1, upstream, method, is_repeated
):
    upstream.script = [replies.raw(200, b"fine"), replies.close()]
    await ask(http1, make_request(upstream))

    if is_repeated:
        assert (await ask(http1, make_request(upstream, None, method)))[0] == 200
    else:
        with pytest.raises(UpstreamUnreachable):
            await ask(http1, make_request(upstream, method=method))

    assert upstream.connections == 1 + is_repeated


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_was_answered_in_part_is_not_sent_again(http1, upstream, method):
    upstream.script = [replies.raw(200, b"fine"), replies.bytes_then_close(b"HTTP/1.1 2")]
    await ask(http1, make_request(upstream))

    with pytest.raises(UpstreamUnreachable):
        await ask(http1, make_request(upstream, None, method))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nX",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.0 200 OK\r\n\r\nab",
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nconnection: close\r\n\r\nab",
    ],
    ids=["more than was asked for", "closed", "old", "after a hint"],
)
async def test_a_connection_that_cannot_be_trusted_is_not_used_again(http1, upstream, data):
    upstream.script = [replies.bytes_then_close(data)]

    assert await ask(http1, make_request(upstream)) == (200, b"ab")
    assert (await ask(http1, make_request(upstream)))[0] == 200
    assert upstream.connections == 2


@pytest.mark.parametrize(
    "data",
    [b"HTTP/1.1 101 Switching\r\n\r\n", b"HTTP/1.1 200 OK\r\na: " + b"x" * 70_000, b"220 mail.example\r\n"],
    ids=["another protocol", "a huge head", "another greeting"],
)
async def test_a_head_that_is_none_ends_the_call(http1, upstream, data):
    upstream.script = [replies.bytes_then_close(data)]

    with pytest.raises(UpstreamGarbled):
        await ask(http1, make_request(upstream))


async def test_a_reader_that_is_slow_makes_the_server_wait_and_loses_nothing(http1, upstream):
    upstream.script = [replies.huge(12 * 65536, has_length=False)]

    async with http1.forward(make_request(upstream)) as stream:
        for _ in range(50):
            await asyncio.sleep(0)
        size = 0
        while chunk := await stream.read_chunk():
            size += len(chunk)

    assert size == 13 * 65536
    await ask(http1, make_request(upstream))
    assert upstream.connections == 1


async def test_a_call_that_is_cancelled_with_its_body_under_way_hangs_up(http1, upstream):
    asked, held = asyncio.Event(), asyncio.Event()

    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        asked.set()
        await held.wait()

    task = asyncio.create_task(ask(http1, make_request(upstream, parts(), length=2)))
    async with asyncio.timeout(BOUND):
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert upstream.requests == []


async def test_the_whole_call_is_bounded_beside_its_silence(http1, upstream):
    upstream.script = [replies.never()]
    request = ForwardRequest("POST", f"{upstream.origin}/x", (), b"{}", 0.05, 5.0, 100)

    with pytest.raises(UpstreamTimeout, match=r"within 0\.05 seconds"):
        await ask(http1, request)

    async with asyncio.timeout(BOUND):
        await upstream.hung_up.wait()
