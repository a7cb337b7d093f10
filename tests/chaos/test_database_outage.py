"""The database goes away while the gateway serves, and comes back."""

import asyncio
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.chaos.conftest import config_for
from tests.chaos.load import PRICE, wait_for_books
from tests.integration.serving import ServerProcess
from tests.upstreams import Upstream


@pytest.mark.slow
async def test_known_keys_are_served_while_the_database_is_away(upstream: Upstream, tmp_path: Path) -> None:
    folder = tmp_path / "database"
    postgres = EmbeddedPostgres(folder)
    await asyncio.to_thread(postgres.start)
    url = postgres.url
    served = tmp_path / "served"
    served.mkdir()
    try:
        async with ServerProcess(served, config_for(upstream), url) as server:
            key, unseen = await server.make_key(), await server.make_key()
            assert (await server.chat(key)).status_code == 200
            await asyncio.to_thread(postgres.stop)
            for _ in range(5):
                assert (await server.chat(key)).status_code == 200
            assert (await server.chat(unseen)).json()["error"]["type"] == "no_db_connection"
            readiness = await server.http.get("/health/readiness")
            assert (readiness.status_code, readiness.json()["db"]) == (503, "disconnected")
            assert (await server.http.get("/health/liveliness")).status_code == 200
            postgres = EmbeddedPostgres(folder)
            await asyncio.to_thread(postgres.start)
            books = await wait_for_books(postgres.url, key, 6)
            assert books.spent_nanos == 6 * PRICE
            assert (await server.http.get("/health/readiness")).status_code == 200
            assert (await server.chat(unseen)).status_code == 200
    finally:
        await asyncio.to_thread(postgres.stop)
