"""`kill -9` under load: what was served is in the books to the nano-dollar, and nothing is there twice."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.conftest import Stage, config_for
from tests.chaos.load import Load, check_books, wait_for_books
from tests.integration.serving import INPUT_NANOS, MASTER_KEY, OUTPUT_NANOS, ServerProcess, bearer, eventually
from tests.upstreams import Upstream, replies

WORDS = 40


@dataclass
class Killed:
    """A server that was killed under load, with a request and a stream under way, and started again."""

    load: Load
    held: str
    streaming: str
    """The keys of the request and of the stream."""
    came: int
    """How many requests of the load came to the upstream."""
    database_url: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def killed(stage: Stage) -> Killed:
    server, upstream, noted = stage.server, stage.upstream, asyncio.Event()
    held, streaming = await server.make_key(), await server.make_key()
    load = Load(server, await server.make_key())
    upstream.script += [replies.held(), replies.stream_paced(WORDS, 0.05, noted)]
    request = asyncio.create_task(server.chat(held, max_tokens=5))
    await upstream.wait_for_requests(1)
    stream = asyncio.create_task(server.chat(streaming, stream=True, max_tokens=5000))
    await noted.wait()
    running = asyncio.create_task(load.run(8))
    await load.wait_for_answers(60)
    # The worker first: it would otherwise notice that its parent died, and end in good order.
    os.kill(server.worker_pid(), signal.SIGKILL)
    await server.stop(signal.SIGKILL)
    await asyncio.gather(request, stream, running, return_exceptions=True)
    await server.start()
    return Killed(load, held, streaming, len(upstream.requests) - 2, stage.database_url)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_killed_server_loses_nothing(killed: Killed) -> None:
    books = await wait_for_books(killed.database_url, killed.load.key, killed.came)
    check_books(books, killed.load)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_request_that_was_under_way_is_charged_an_estimate(killed: Killed) -> None:
    books = await wait_for_books(killed.database_url, killed.held, 1)
    assert len(books.rows) == 1
    assert books.rows[0]["status"] == "failure"
    assert "interrupted" in books.rows[0]["metadata"]
    assert books.spent_nanos > 0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stream_that_was_under_way_is_charged_for_what_it_had_streamed(killed: Killed) -> None:
    books = await wait_for_books(killed.database_url, killed.streaming, 1)
    prompt_at_most, streamed = 100 * INPUT_NANOS, OUTPUT_NANOS
    # The words of the first second at least, never the 5,000 tokens that were held.
    assert 10 * streamed < books.spent_nanos < prompt_at_most + 2 * WORDS * streamed


@pytest.mark.slow
async def test_a_killed_worker_ends_the_server_which_starts_again_with_whole_books(
    server: ServerProcess, upstream: Upstream, migrated_database_url: str
) -> None:
    load = Load(server, await server.make_key())
    for round_number in range(1, 4):
        running = asyncio.create_task(load.run(8))
        await load.wait_for_answers(40 * round_number)
        os.kill(server.worker_pid(), signal.SIGKILL)
        await running
        assert await server.wait() != 0, "nobody would start it again"
        await server.start()
        books = await wait_for_books(migrated_database_url, load.key, len(upstream.requests))
        check_books(books, load)


@pytest.mark.slow
async def test_a_killed_supervisor_takes_its_worker_along_and_can_be_started_at_once(
    server: ServerProcess, upstream: Upstream, migrated_database_url: str
) -> None:
    load = Load(server, await server.make_key())
    running = asyncio.create_task(load.run(8))
    await load.wait_for_answers(50)
    worker = server.worker_pid()
    await server.stop(signal.SIGKILL)
    await server.start()
    await eventually(lambda: not Path(f"/proc/{worker}").exists(), pause=0.05)
    # Its clients may have been served by the next process; from there on they are no test.
    await server.stop()
    await running
    books = await wait_for_books(migrated_database_url, load.key, len(upstream.requests))
    check_books(books, load)


@pytest.mark.slow
async def test_a_killed_server_with_its_own_database_finds_everything_again(
    upstream: Upstream, tmp_path: Path
) -> None:
    async with ServerProcess(tmp_path, config_for(upstream), None) as server:
        load = Load(server, await server.make_key())
        running = asyncio.create_task(load.run(4))
        await load.wait_for_answers(30)
        os.kill(server.worker_pid(), signal.SIGKILL)
        await server.stop(signal.SIGKILL)
        await running
        await server.start()
        assert (await server.chat(load.key)).status_code == 200
        served = len(upstream.requests)
        async with asyncio.timeout(30):
            while len(rows := await spend_logs(server, load.key)) < served:  # noqa: ASYNC110  another process
                await asyncio.sleep(0.1)
        info = await server.http.get("/key/info", headers=bearer(load.key))
        spent = round(info.json()["info"]["spend"] * 1e9)
        assert spent == sum(round(row["spend"] * 1e9) for row in rows)
        assert len(rows) == served or {row["status"] for row in rows} == {"success", "failure"}


async def spend_logs(server: ServerProcess, key: str) -> list[dict[str, object]]:
    answer = await server.http.get("/spend/logs", params={"api_key": key}, headers=bearer(MASTER_KEY))
    assert answer.status_code == 200, answer.text
    return answer.json()
