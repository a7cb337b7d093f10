"""Both HTTP clients against a real server that fails in every way it can."""

import asyncio
import socket

import pytest

from gateway.errors import (
    UpstreamBroken,
    UpstreamError,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.hooks import UpstreamStream
from gateway.upstream.client import UpstreamClient, UpstreamRequest
from gateway.upstream.http1.client import Http1Client
from tests.upstreams import Upstream, replies

STREAM = b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
BOUND = 5.0


async def read_all(client: UpstreamClient, request: UpstreamRequest) -> bytes:
    chunks = []
    async with client.stream(request) as stream:
        while chunk := await stream.read_chunk():
            chunks.append(chunk)
    return b"".join(chunks)


async def read_rest(stream: UpstreamStream) -> None:
    while await stream.read_chunk():
        pass


async def test_an_answer_comes_back_whole(client, upstream, make_request):
    upstream.script = [replies.ok("hi", headers={"X-Request-Id": "abc"})]

    answer = await client.send(make_request(upstream))

    assert answer.status == 200
    assert b'"content": "hi"' in answer.body
    assert answer.header("x-request-id") == "abc"
    assert answer.header("absent") is None
    assert all(name == name.lower() for name, _ in answer.headers)


async def test_body_and_headers_arrive_as_given(client, upstream, make_request):
    body = b'{"model":"m", "x" :  1}'
    headers = (("authorization", "Bearer k"), ("content-type", "application/json"), ("x-custom", "1"))

    await client.send(make_request(upstream, body=body, headers=headers))

    seen = upstream.requests[0]
    assert seen.method == "POST"
    assert seen.body == body
    assert seen.headers["authorization"] == "Bearer k"
    assert seen.headers["x-custom"] == "1"
    assert [name for name, _ in seen.raw_headers].count("content-type") == 1
    assert "gzip" not in seen.headers.get("accept-encoding", "")
    assert "python" not in seen.headers.get("user-agent", "").lower()


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 529])
async def test_every_status_is_an_answer(client, upstream, make_request, status):
    upstream.script = [replies.error(status, headers={"location": "http://127.0.0.1:1/", "retry-after": "3"})]

    answer = await client.send(make_request(upstream))

    assert answer.status == status
    assert answer.header("retry-after") == "3"
    assert len(upstream.requests) == 1


async def test_connections_are_reused(client, upstream, make_request):
    for _ in range(3):
        await client.send(make_request(upstream))

    assert upstream.connections == 1


async def test_a_proxy_of_the_environment_is_ignored(client, upstream, make_request, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    fresh = type(client)()
    try:
        assert (await fresh.send(make_request(upstream))).status == 200
    finally:
        await fresh.close()


async def test_a_stream_arrives_piece_by_piece(client, upstream, make_request):
    upstream.script = [replies.stream_held(["one", "two"])]

    async with client.stream(make_request(upstream, body=STREAM)) as stream:
        assert stream.status == 200
        assert ("content-type", "text/event-stream") in stream.headers
        seen = b""
        async with asyncio.timeout(BOUND):
            while b"two" not in seen:
                seen += await stream.read_chunk()

    async with asyncio.timeout(BOUND):
        await upstream.hung_up.wait()


async def test_a_stream_ends_with_an_empty_chunk(client, upstream, make_request):
    received = await read_all(client, make_request(upstream, body=STREAM))

    assert received.endswith(b"data: [DONE]\n\n")


async def test_a_stream_that_was_read_to_its_end_keeps_its_connection(client, upstream, make_request):
    for _ in range(3):
        await read_all(client, make_request(upstream, body=STREAM))

    assert upstream.connections == 1


@pytest.mark.parametrize("turns", range(6))
async def test_a_cancelled_stream_hangs_up(client, upstream, make_request, turns):
    upstream.script = [replies.stream_held(["one"])]
    task = asyncio.create_task(read_all(client, make_request(upstream, body=STREAM)))
    async with asyncio.timeout(BOUND):
        await upstream.arrived.wait()
        # Before the head, as it comes, and after it: each has its own way to get lost.
        for _ in range(turns):
            await asyncio.sleep(0)

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.hung_up.wait()


BEFORE_THE_HEAD = [
    pytest.param(replies.close(), UpstreamUnreachable, id="closes without an answer"),
    pytest.param(replies.reset(), UpstreamUnreachable, id="resets"),
    pytest.param(replies.bytes_then_close(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), UpstreamGarbled, id="not HTTP"),
]
IN_THE_BODY = [
    pytest.param(replies.short_body(), UpstreamBroken, id="short body"),
    pytest.param(
        replies.bytes_then_close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"),
        UpstreamBroken,
        id="chunked body without end",
    ),
    pytest.param(
        replies.bytes_then_close(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n"),
        (UpstreamBroken, UpstreamGarbled),
        id="bad chunk size",
    ),
]


@pytest.mark.parametrize(("reply", "kind"), [*BEFORE_THE_HEAD, *IN_THE_BODY])
async def test_a_broken_answer_is_named(client, upstream, make_request, reply, kind):
    upstream.default = reply

    with pytest.raises(kind) as caught:
        await client.send(make_request(upstream))

    assert caught.value.is_sent
    assert_says_nothing(caught.value, upstream)


@pytest.mark.parametrize(("reply", "kind"), [*BEFORE_THE_HEAD, *IN_THE_BODY])
async def test_a_broken_stream_is_named(client, upstream, make_request, reply, kind):
    upstream.default = reply

    with pytest.raises(kind) as caught:
        await read_all(client, make_request(upstream, body=STREAM))

    assert caught.value.is_sent
    assert_says_nothing(caught.value, upstream)


async def test_a_reset_in_mid_stream_is_an_answer_that_broke_off(client, upstream, make_request):
    upstream.script = [replies.stream_reset(["one"])]

    async with client.stream(make_request(upstream, body=STREAM)) as stream:
        assert b"one" in await stream.read_chunk()
        upstream.release.set()
        with pytest.raises(UpstreamBroken):
            await read_rest(stream)


async def test_a_refused_connection_was_certainly_not_sent(client, make_request):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with pytest.raises(UpstreamUnreachable) as caught:
        await client.send(make_request(None, url=f"http://127.0.0.1:{port}/v1/chat/completions"))

    assert not caught.value.is_sent
    assert str(port) not in caught.value.message


async def test_an_unknown_host_was_certainly_not_sent(client, make_request):
    with pytest.raises(UpstreamUnreachable) as caught:
        await client.send(make_request(None, url="http://nowhere.invalid/v1"))

    assert not caught.value.is_sent
    assert "nowhere" not in caught.value.message


@pytest.mark.parametrize("url", ["ftp://example.invalid/", "not an address"])
async def test_an_address_that_is_none_is_an_upstream_error(client, make_request, url):
    with pytest.raises(UpstreamUnreachable) as caught:
        await client.send(make_request(None, url=url))

    assert not caught.value.is_sent
    assert url not in caught.value.message


async def test_a_header_cannot_smuggle_another(client, upstream, make_request):
    with pytest.raises(UpstreamUnreachable) as caught:
        await client.send(make_request(upstream, headers=(("x-a", "b\r\nx-evil: 1"),)))

    assert "evil" not in caught.value.message
    assert upstream.requests == []


async def test_an_upstream_that_never_answers_times_out_as_sent(client, upstream, make_request):
    upstream.script = [replies.never()]

    with pytest.raises(UpstreamTimeout) as caught:
        await client.send(make_request(upstream, timeout=0.1))

    assert caught.value.is_sent
    assert_says_nothing(caught.value, upstream)


async def test_a_stream_without_a_head_times_out_after_its_silence(client, upstream, make_request):
    upstream.script = [replies.never()]

    with pytest.raises(UpstreamTimeout) as caught:
        await read_all(client, make_request(upstream, body=STREAM, silence=0.1, timeout=1.0))

    assert "0.1 seconds" in caught.value.message


async def test_a_silent_stream_times_out_and_hangs_up(client, upstream, make_request):
    upstream.script = [replies.stream_held(["one"])]

    with pytest.raises(UpstreamTimeout):
        await read_all(client, make_request(upstream, body=STREAM, silence=0.1))

    async with asyncio.timeout(BOUND):
        await upstream.hung_up.wait()


async def test_a_stream_as_a_whole_is_bounded(client, upstream, make_request):
    upstream.script = [replies.stream_held(["one"])]

    with pytest.raises(UpstreamTimeout):
        await read_all(client, make_request(upstream, body=STREAM, timeout=0.2))


@pytest.mark.parametrize("has_length", [True, False])
async def test_a_huge_answer_is_refused(client, upstream, make_request, has_length):
    upstream.script = [replies.huge(3_000_000, has_length=has_length)]

    with pytest.raises(UpstreamGarbled, match="larger than 1000000 bytes"):
        await client.send(make_request(upstream, limit=1_000_000))


async def test_a_huge_stream_is_refused(client, upstream, make_request):
    upstream.script = [replies.huge(3_000_000, has_length=False)]

    with pytest.raises(UpstreamGarbled):
        await read_all(client, make_request(upstream, limit=1_000_000))


async def test_a_compressed_answer_is_refused(client, upstream, make_request):
    upstream.script = [replies.raw(200, b"\x1f\x8b\x08", {"content-encoding": "gzip"})]

    with pytest.raises(UpstreamGarbled):
        await client.send(make_request(upstream))


async def test_calls_run_side_by_side(client, upstream, make_request):
    upstream.default = replies.held()
    calls = [asyncio.create_task(client.send(make_request(upstream))) for _ in range(20)]
    async with asyncio.timeout(BOUND):
        await upstream.wait_for_requests(20)
        upstream.release.set()

        answers = await asyncio.gather(*calls)

    assert {answer.status for answer in answers} == {200}


async def test_http1_stops_a_call_before_its_answer(upstream, make_request):
    client = Http1Client()
    upstream.script = [replies.never()]
    task = asyncio.create_task(client.send(make_request(upstream, timeout=600.0)))
    async with asyncio.timeout(BOUND):
        await upstream.arrived.wait()

        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.hung_up.wait()
    await client.close()


def assert_says_nothing(error: UpstreamError, upstream: Upstream) -> None:
    text = f"{error.message} {error.details} {error.__cause__}"
    assert "127.0.0.1" not in text
    assert str(upstream.port) not in text
    assert "secret" not in text
    assert error.message.startswith(f"litellm.{error.litellm_class}: ")
