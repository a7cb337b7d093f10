"""SIGTERM at every moment: streams end with a reason, nothing recorded is lost, the exit code is 0."""

import asyncio
import json
import signal
from pathlib import Path

from tests.chaos.conftest import config_for
from tests.chaos.load import Load, check_books, read_books
from tests.integration.serving import ServerProcess, bearer, chat_body
from tests.upstreams import Upstream, replies


async def test_an_open_stream_ends_with_an_error_event_and_is_recorded(
    server: ServerProcess, upstream: Upstream, migrated_database_url: str
) -> None:
    key = await server.make_key()
    upstream.default = replies.stream_held(["one", "two"])
    body = chat_body(stream=True)
    async with server.http.stream("POST", "/v1/chat/completions", json=body, headers=bearer(key)) as answer:
        lines = answer.aiter_lines()
        first = await anext(lines)
        assert first.startswith("data: {")
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        rest = [line async for line in lines if line]
    error = json.loads(rest[-1].removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("503", "service_unavailable")
    assert await server.wait() == 0
    books = await read_books(migrated_database_url, key)
    assert [row["status"] for row in books.rows] == ["failure"]
    assert books.spent_nanos == books.row_nanos > 0


async def test_a_stop_under_load_loses_nothing(
    server: ServerProcess, upstream: Upstream, migrated_database_url: str
) -> None:
    load = Load(server, await server.make_key())
    running = asyncio.create_task(load.run(8))
    await load.wait_for_answers(50)
    assert await server.stop() == 0
    await running
    books = await read_books(migrated_database_url, load.key)
    assert books.spent_nanos == books.row_nanos
    assert len(books.rows) == len(upstream.requests)
    check_books(books, load)


async def test_a_request_under_way_is_answered_before_the_end(
    server: ServerProcess, upstream: Upstream
) -> None:
    key = await server.make_key()
    upstream.default = replies.held()
    request = asyncio.create_task(server.chat(key))
    await upstream.wait_for_requests(1)
    stopping = asyncio.create_task(server.stop())
    await asyncio.sleep(0.2)
    upstream.release.set()
    assert (await request).status_code == 200
    assert await stopping == 0


async def test_a_stop_during_the_start_ends_it(
    upstream: Upstream, migrated_database_url: str, tmp_path: Path
) -> None:
    for moment in (0.3, 1.0, 1.6):
        folder = tmp_path / str(moment)
        folder.mkdir()
        server = ServerProcess(folder, config_for(upstream), migrated_database_url)
        await server.spawn()
        await asyncio.sleep(moment)
        code = await server.stop()
        await server.http.aclose()
        assert code in {0, -signal.SIGTERM}, server.log_path.read_text()
        assert "Traceback" not in server.log_path.read_text()
