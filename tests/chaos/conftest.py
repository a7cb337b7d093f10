"""A real `gatewright serve` process in front of the test upstream, on a database of its own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import DatabaseFactory
from tests.integration.serving import ServerProcess, deployment
from tests.upstreams import Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


def config_for(upstream: Upstream, *models: Any, **own: object) -> dict[str, object]:
    """One model `m`, a drain that waits little, and settings of our own section."""
    return {
        "model_list": [deployment("m", upstream), *models],
        "general_settings": {"proxy_batch_write_at": 0.1},
        "gatewright": {"drain_seconds": 0.5, **own},
    }


@pytest.fixture
async def server(
    upstream: Upstream, migrated_database_url: str, tmp_path: Path
) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path, config_for(upstream), migrated_database_url) as running:
        yield running


@dataclass
class Stage:
    """A server of a module, for all that its tests look at after one end of it: a start takes seconds."""

    server: ServerProcess
    upstream: Upstream
    database_url: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    name = await database_factory.create_async(migrated_template)
    url, folder = database_factory.url_of(name), tmp_path_factory.mktemp("served")
    async with Upstream() as upstream:
        # Longer than a busy machine needs to answer a request.
        config = config_for(upstream, drain_seconds=2.0)
        async with ServerProcess(folder, config, url) as server:
            yield Stage(server, upstream, url)
    await database_factory.drop_async(name)
