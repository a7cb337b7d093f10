"""A real `gatewright serve --workers 2`, a real Redis, a real database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.db.engine import Database
from gateway.db.url import parse_database_url
from tests.integration.serving import ServerProcess, deployment
from tests.redis_servers import RedisServer
from tests.upstreams import Upstream


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path) as server:
        yield server


@pytest_asyncio.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    found = Database(parse_database_url(migrated_database_url))
    await found.open()
    yield found
    await found.close()


def config_for(upstream: Upstream, **own: object) -> dict[str, object]:
    """One model `m`, a drain that waits little, and settings of our own section."""
    return {
        "model_list": [deployment("m", upstream)],
        "general_settings": {"proxy_batch_write_at": 0.1},
        # The machine may have other things to do than to answer within the usual 50 milliseconds.
        "gatewright": {"drain_seconds": 0.5, "redis_deadline_seconds": 0.5, **own},
    }


@contextlib.asynccontextmanager
async def serve_two(
    folder: Path, config: dict[str, object], database_url: str, redis_server: RedisServer
) -> AsyncIterator[ServerProcess]:
    """Serve with two workers; both of them are ready."""
    redis_url = redis_server.url
    async with ServerProcess(folder, config, database_url, workers=2, redis_url=redis_url) as running:
        await wait_for_workers(redis_server, 2)
        yield running


async def wait_for_workers(redis_server: RedisServer, count: int) -> None:
    """Return when so many workers count in the present epoch."""
    client = redis_server.client()
    async with asyncio.timeout(60):
        while client.hvals("{gatewright}:phases").count(b"ready") < count:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.05)
    client.close()


@pytest_asyncio.fixture
async def server(
    upstream: Upstream, redis_server: RedisServer, migrated_database_url: str, tmp_path: Path
) -> AsyncIterator[ServerProcess]:
    async with serve_two(tmp_path, config_for(upstream), migrated_database_url, redis_server) as running:
        yield running
