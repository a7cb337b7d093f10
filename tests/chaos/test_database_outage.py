"""The database goes away while the gateway serves, and comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.chaos.conftest import config_for
from tests.chaos.load import PRICE, Load, check_books, wait_for_books
from tests.integration.serving import ServerProcess
from tests.redis_servers import RedisServer
from tests.upstreams import Upstream

OUTAGE_SECONDS = 20


class Postgres:
    """A PostgreSQL that can be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = EmbeddedPostgres(folder)

    @property
    def url(self) -> str:
        return self._running.url

    async def start(self) -> None:
        self._running = EmbeddedPostgres(self._folder)
        await asyncio.to_thread(self._running.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._running.stop)


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[Postgres]:
    found = Postgres(tmp_path / "database")
    await found.start()
    yield found
    await found.stop()


@contextlib.asynccontextmanager
async def serve(
    folder: Path, upstream: Upstream, database_url: str, workers: int
) -> AsyncIterator[ServerProcess]:
    """Serve with one worker that counts by itself, or with two that share a Redis."""
    config = config_for(upstream, redis_deadline_seconds=2.0)
    served = folder / "served"
    served.mkdir()
    with contextlib.ExitStack() as stack:
        redis_url = stack.enter_context(RedisServer(folder)).url if workers > 1 else None
        async with ServerProcess(
            served, config, database_url, workers=workers, redis_url=redis_url
        ) as server:
            yield server


@pytest.mark.slow
async def test_known_keys_are_served_while_the_database_is_away(
    upstream: Upstream, postgres: Postgres, tmp_path: Path
) -> None:
    async with serve(tmp_path, upstream, postgres.url, 1) as server:
        key, unseen = await server.make_key(), await server.make_key()
        assert (await server.chat(key)).status_code == 200
        await postgres.stop()
        for _ in range(5):
            assert (await server.chat(key)).status_code == 200
        assert (await server.chat(unseen)).json()["error"]["type"] == "no_db_connection"
        readiness = await server.http.get("/health/readiness")
        assert (readiness.status_code, readiness.json()["db"]) == (503, "disconnected")
        assert (await server.http.get("/health/liveliness")).status_code == 200
        await postgres.start()
        books = await wait_for_books(postgres.url, key, 6)
        assert books.spent_nanos == 6 * PRICE
        assert (await server.http.get("/health/readiness")).status_code == 200
        assert (await server.chat(unseen)).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
async def test_an_outage_under_load_loses_nothing_and_refuses_nobody(
    upstream: Upstream, postgres: Postgres, tmp_path: Path, workers: int
) -> None:
    async with serve(tmp_path, upstream, postgres.url, workers) as server:
        load = Load(server, await server.make_key(max_budget=1_000))
        running = asyncio.create_task(load.run(12))
        # Every worker has seen the key.
        await load.wait_for_answers(200)
        await postgres.stop()
        before = len(load.answered)
        await asyncio.sleep(OUTAGE_SECONDS)
        assert load.refused == []
        assert len(load.answered) > before + 100, "requests went on meanwhile"
        await postgres.start()
        await load.wait_for_answers(len(load.answered) + 200)
        await server.stop()
        await running
        assert load.refused == []
        await server.start()
        check_books(await wait_for_books(postgres.url, load.key, len(load.answered)), load)
