"""A real `gatewright serve` process in front of the test upstream, on a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

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
