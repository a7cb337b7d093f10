"""One gateway for all tests of the request path, served in this process; each test configures it anew."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.db.tables import TABLES
from tests.conftest import DatabaseFactory
from tests.integration.serving import LiveGateway, deployment, serve_here
from tests.upstreams import Upstream


@contextlib.asynccontextmanager
async def serve_new(factory: DatabaseFactory, template: str, folder: Path) -> AsyncIterator[LiveGateway]:
    """A gateway with an upstream and a database of its own."""
    name = await factory.create_async(template)
    former = [table._meta._db for table in TABLES]
    async with Upstream() as upstream, serve_here(upstream, factory.url_of(name), folder) as live:
        # Piccolo keeps one database per table class: other tests bind theirs.
        ours = [table._meta._db for table in TABLES]
        live.bindings = (former, ours)
        yield live
        _bind(former)
    await factory.drop_async(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_gateway(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LiveGateway]:
    """The gateway and its upstream; tests take `live`, which makes them clean."""
    async with serve_new(database_factory, migrated_template, tmp_path_factory.mktemp("served")) as live:
        yield live


@pytest_asyncio.fixture(loop_scope="session")
async def live(shared_gateway: LiveGateway) -> AsyncIterator[LiveGateway]:
    """The shared gateway with one model `m`, an upstream without orders, and no cooldowns."""
    former, ours = shared_gateway.bindings
    _bind(ours)
    upstream = shared_gateway.upstream
    upstream.script.clear()
    upstream.requests.clear()
    upstream.default = None
    upstream.release.clear()
    upstream.hung_up.clear()
    shared_gateway.stuck = shared_gateway.gateway.parts.journal.open_count
    shared_gateway.configure(deployment("m", upstream))
    yield shared_gateway
    upstream.release.set()
    await shared_gateway.settled()
    _bind(former)


@pytest_asyncio.fixture(loop_scope="session")
async def key(live: LiveGateway) -> str:
    """A virtual key without limits."""
    return await live.make_key()


def _bind(databases: list[object]) -> None:
    for table, database in zip(TABLES, databases, strict=True):
        table._meta._db = database
