"""A real `gatewright serve --workers 2`, a real Redis, a real database: one of each per module."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.db.engine import Database
from gateway.db.url import parse_database_url
from tests.conftest import DatabaseFactory
from tests.integration.budget_setups import BUDGET
from tests.integration.serving import ServerProcess, deployment
from tests.redis_servers import RedisServer
from tests.upstreams import Upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


@pytest.fixture
def upstream(shared_upstream: Upstream) -> Iterator[Upstream]:
    """The upstream of the module, as if nobody had asked it yet."""
    shared_upstream.requests.clear()
    shared_upstream.default = None
    shared_upstream.release.clear()
    yield shared_upstream
    shared_upstream.release.set()


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for a test whose server is its own."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def shared_database_url(database_factory: DatabaseFactory, migrated_template: str) -> Iterator[str]:
    name = database_factory.create(migrated_template)
    yield database_factory.url_of(name)
    database_factory.drop(name)


@pytest_asyncio.fixture(loop_scope="module")
async def database(shared_database_url: str) -> AsyncIterator[Database]:
    """The database of the module's server."""
    async with open_database(shared_database_url) as found:
        yield found


@contextlib.asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    found = Database(parse_database_url(url))
    await found.open()
    try:
        yield found
    finally:
        await found.close()


def config_for(upstream: Upstream, **own: object) -> dict[str, object]:
    """One model `m`, a drain that waits little, and settings of our own section."""
    return {
        "model_list": [deployment("m", upstream)],
        "general_settings": {"proxy_batch_write_at": 0.1},
        # The machine may have other things to do than to answer within the usual 50 milliseconds.
        "gatewright": {"drain_seconds": 0.5, "redis_deadline_seconds": 2.0, **own},
    }


def with_places(config: dict[str, object], upstream: Upstream) -> dict[str, object]:
    """The configuration with two models more, of which one place each has a budget: all others take over."""
    config["model_list"] = [
        deployment("m", upstream),
        deployment("by-deployment", upstream, "openai/small", order=1, max_budget=BUDGET),
        deployment("by-deployment", upstream, "groq/large", order=2),
        deployment("by-provider", upstream, "mistral/small", order=1),
        deployment("by-provider", upstream, "groq/large", order=2),
    ]
    budgets = {"mistral": {"budget_limit": BUDGET, "time_period": "30d"}}
    return config | {"router_settings": {"provider_budget_config": budgets}}


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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_server(
    shared_upstream: Upstream,
    shared_redis: RedisServer,
    shared_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ServerProcess]:
    config = with_places(config_for(shared_upstream), shared_upstream) | {"mcp_servers": {}}
    folder = tmp_path_factory.mktemp("served")
    async with serve_two(folder, config, shared_database_url, shared_redis) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def server(
    shared_server: ServerProcess, shared_redis: RedisServer, upstream: Upstream
) -> ServerProcess:
    """The server of the module, well again after whatever a test has done to it."""
    del upstream
    shared_redis.recover()
    assert shared_server.process is not None
    if shared_server.process.returncode is not None:
        await shared_server.start()
    await wait_for_workers(shared_redis, 2)
    return shared_server
