"""Files and database change what is served at the same time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from gateway.composition.reload import Reload
from gateway.settings.handover import Handover
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment, write_config

pytestmark = pytest.mark.asyncio(loop_scope="session")


class GatedReload(Reload):
    """Stands still before it builds what the database says, until a test lets it go on."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.loop = asyncio.get_running_loop()
        self.is_building = asyncio.Event()
        self.may_go_on = asyncio.Event()

    def _build(self, former: Any, added: Any) -> Any:
        if not self.may_go_on.is_set():
            self.loop.call_soon_threadsafe(self.is_building.set)
            asyncio.run_coroutine_threadsafe(self.may_go_on.wait(), self.loop).result(10)
        return super()._build(former, added)


@pytest_asyncio.fixture(loop_scope="session")
async def overlay(desk: Desk, live: LiveGateway) -> AsyncIterator[Mapping[str, Any]]:
    yield {"router_settings": {"num_retries": 4}}
    await desk.run('DELETE FROM "LiteLLM_Config"')
    live.gateway.parts.added.note_change()


async def test_files_that_are_read_meanwhile_lose_nothing_of_the_database(
    desk: Desk, live: LiveGateway, overlay: Mapping[str, Any]
) -> None:
    path = live.folder / "config.yaml"
    reload = GatedReload(live.gateway, live.environ, Handover(config_path=path))
    added = live.gateway.parts.added
    added.current = type(added.current)(overlay=overlay)

    async def refresh(_environ: Mapping[str, str]) -> bool:
        return True

    # The gateway's own reload has nothing to hear of here.
    added.refresh, former = refresh, added.refresh
    added.note_environment, told = (lambda: None), added.note_environment
    try:
        building = asyncio.create_task(reload.from_database())
        await asyncio.wait_for(reload.is_building.wait(), 30)
        write_config(path, {"model_list": [deployment("from-files", live.upstream)]})
        reload.from_files()
        reload.may_go_on.set()
        await asyncio.wait_for(building, 30)
    finally:
        added.refresh, added.note_environment = former, told
    snapshot = live.gateway.snapshot
    assert snapshot.settings.router.num_retries == 4
    assert snapshot.catalog.find("from-files") is not None
