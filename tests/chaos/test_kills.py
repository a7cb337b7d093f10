"""`kill -9` under load: what was served is in the books to the nano-dollar, and nothing is there twice."""

import asyncio
import os
import signal

import pytest

from tests.chaos.load import Load, check_books, wait_for_books
from tests.integration.serving import ServerProcess
from tests.upstreams import Upstream, replies


async def test_a_killed_server_loses_nothing(
    server: ServerProcess, upstream: Upstream, migrated_database_url: str
) -> None:
    load = Load(server, await server.make_key())
    running = asyncio.create_task(load.run(8))
    await load.wait_for_answers(60)
    worker = server.worker_pid()
    # The worker first: it would otherwise notice that its parent died, and end in good order.
    os.kill(worker, signal.SIGKILL)
    await server.stop(signal.SIGKILL)
    await running
    await server.start()
    books = await wait_for_books(migrated_database_url, load.key, len(upstream.requests))
    check_books(books, load)


async def test_a_request_that_was_under_way_is_charged_an_estimate(
    server: ServerProcess, upstream: Upstream, migrated_database_url: str
) -> None:
    key = await server.make_key()
    upstream.default = replies.held()
    request = asyncio.create_task(server.chat(key, max_tokens=5))
    await upstream.wait_for_requests(1)
    os.kill(server.worker_pid(), signal.SIGKILL)
    await server.stop(signal.SIGKILL)
    await asyncio.gather(request, return_exceptions=True)
    await server.start()
    books = await wait_for_books(migrated_database_url, key, 1)
    assert len(books.rows) == 1
    assert books.rows[0]["status"] == "failure"
    assert "interrupted" in books.rows[0]["metadata"]
    assert books.spent_nanos > 0


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
        assert server.process is not None
        await server.wait()
        await server.start()
        books = await wait_for_books(migrated_database_url, load.key, len(upstream.requests))
        check_books(books, load)
