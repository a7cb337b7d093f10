"""SIGTERM at every moment: streams end with a reason, nothing recorded is lost, the exit code is 0."""

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.chaos.conftest import Stage, config_for
from tests.chaos.load import Load, check_books, read_books
from tests.integration.serving import ServerProcess, bearer, chat_body
from tests.upstreams import Upstream, replies


@dataclass
class Stopped:
    """A server that was told to end under load, with a request and a stream under way."""

    load: Load
    streaming: str
    """The key of the stream."""
    events: list[str]
    """What the stream told after the signal."""
    answered: httpx.Response
    """The answer to the request."""
    code: int
    came: int
    """How many requests of the load came to the upstream."""
    database_url: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stopped(stage: Stage) -> Stopped:
    server, upstream = stage.server, stage.upstream
    held, streaming = await server.make_key(), await server.make_key()
    load = Load(server, await server.make_key())
    upstream.script += [replies.held(), replies.stream_held(["one", "two"])]
    request = asyncio.create_task(server.chat(held))
    await upstream.wait_for_requests(1)
    body = chat_body(stream=True)
    async with server.http.stream(
        "POST", "/v1/chat/completions", json=body, headers=bearer(streaming)
    ) as answer:
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("data: {")
        running = asyncio.create_task(load.run(8))
        await load.wait_for_answers(50)
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0.2)
        # Which lets go the request; the stream has nothing more to say.
        upstream.release.set()
        answered = await request
        rest = [line async for line in lines if line]
    code = await stopping
    await running
    return Stopped(load, streaming, rest, answered, code, len(upstream.requests) - 2, stage.database_url)


@pytest.mark.asyncio(loop_scope="module")
async def test_an_open_stream_ends_with_an_error_event_and_is_recorded(stopped: Stopped) -> None:
    error = json.loads(stopped.events[-1].removeprefix("data: "))["error"]
    assert (error["code"], error["type"]) == ("503", "service_unavailable")
    books = await read_books(stopped.database_url, stopped.streaming)
    assert [row["status"] for row in books.rows] == ["failure"]
    assert books.spent_nanos == books.row_nanos > 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stop_under_load_loses_nothing(stopped: Stopped) -> None:
    assert stopped.code == 0
    books = await read_books(stopped.database_url, stopped.load.key)
    assert books.spent_nanos == books.row_nanos
    assert len(books.rows) == stopped.came
    check_books(books, stopped.load)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_under_way_is_answered_before_the_end(stopped: Stopped) -> None:
    assert stopped.answered.status_code == 200
    assert stopped.code == 0


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
