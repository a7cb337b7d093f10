"""A gateway upon the database of a command: it has everything that a serving one has, and serves nobody."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import msgspec

from gateway.domain import Secret
from gateway.ids import new_key
from gateway.runtime import Gateway
from gateway.settings import Settings
from gateway.settings.handover import Handover

__all__ = ["opened"]


@asynccontextmanager
async def opened(
    settings: Settings,
    url: str,
    config: Path | None,
    salt_key: Secret | None,
    prepare: Callable[[Gateway], Awaitable[None]],
) -> AsyncGenerator[Gateway]:
    """Give a gateway with the models of the configuration and of the database, without jobs or a journal.

    `prepare` sees to the schema. Raises StartupError and DatabaseUnavailable.
    """
    known = msgspec.structs.replace(
        settings.environment,
        database_url=Secret(url),
        salt_key=salt_key,
        # Without one in the configuration a file with a new one would be written.
        master_key=settings.environment.master_key or Secret(new_key()),
    )
    settings = msgspec.structs.replace(settings, environment=known)
    # By its name: what wires the gateway stands beside the command, and knows the web framework.
    build = import_module("gateway.app").build_gateway
    handover = Handover(config_path=config, may_upgrade=False)
    gateway: Gateway = build(settings, os.environ, handover)
    reload = import_module("gateway.composition.reload").Reload(gateway, os.environ, handover)
    try:
        await gateway.parts.database.open()
        await prepare(gateway)
        await gateway.parts.standing.refresh()
        await reload.from_database()
        yield gateway
    finally:
        await gateway.parts.principals.close()
        await gateway.parts.subjects.close()
        await gateway.parts.clients.close()
        await gateway.parts.database.close()
