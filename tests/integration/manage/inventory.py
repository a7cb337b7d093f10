"""Waiting for models that the database says, for the tests of models and credentials."""

from collections.abc import Callable
from typing import Any

from gateway.catalog.added_source import MODELS_CHANGED
from gateway.identity.invalidation import CHANNEL
from tests.integration.serving import LiveGateway, eventually

SECRET = "sk-upstream-credential-0123456789"


class Served:
    """Waits until the gateway serves what the database says, at most a second."""

    def __init__(self, live: LiveGateway) -> None:
        self.live = live

    async def until(self, condition: Callable[[Any], object]) -> None:
        await eventually(lambda: bool(condition(self.live.gateway.snapshot.catalog)))

    async def tell(self) -> None:
        """What a writer beside the API does."""
        await self.live.gateway.parts.database.execute("SELECT pg_notify($1, $2)", CHANNEL, MODELS_CHANGED)

    async def empty(self) -> None:
        """Remove everything, and wait until it is gone."""
        for table in ("ProxyModelTable", "CredentialsTable"):
            await self.live.gateway.parts.database.execute(f'DELETE FROM "LiteLLM_{table}"')
        await self.tell()
        await self.until(lambda catalog: not [one for one in catalog.listings() if one.row is not None])
        await eventually(lambda: not self.live.gateway.parts.added.current.credentials)
