"""`gatewright key`: make virtual keys straight in the database, with or without a running server."""

import asyncio
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from gateway.access.models import ModelLists
from gateway.audit.trail import AuditTrail
from gateway.cli.target import database_options, database_url
from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.current import is_current
from gateway.db.schema.upgrade import upgrade
from gateway.db.tables import TABLES
from gateway.db.url import parse_database_url
from gateway.domain import Principal, Role
from gateway.errors import SchemaError
from gateway.identity.keys.defaults import KeyDefaults
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.service import KeyService
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.settings import Settings

__all__ = ["key"]


@click.group()
def key() -> None:
    """Create virtual keys."""


@key.command()
@database_options
@click.option("--alias", "key_alias", help="A name of your own; unique.")
@click.option("--models", help="Names or patterns, with commas between; all models without it.")
@click.option("--max-budget", type=float, help="US dollars that may be spent.")
@click.option("--budget-duration", help="Start the budget anew so often: 1d, 30d, 1mo, ...")
@click.option("--duration", help="How long the key lives: 30m, 24h, 30d, 1mo, ...; for ever without it.")
@click.option("--rpm", "rpm_limit", type=int, help="Requests per minute.")
@click.option("--tpm", "tpm_limit", type=int, help="Tokens per minute.")
@click.option("--max-parallel", "max_parallel_requests", type=int, help="Requests at the same time.")
@click.option("--team", "team_id", help="The team whose key it is.")
@click.option("--user", "user_id", help="The user whose key it is; made if there is none.")
@click.option("--json", "is_json", is_flag=True, help="Print everything about the key as JSON.")
def create(
    config: Path | None, data_dir: Path | None, models: str | None, *, is_json: bool, **values: Any
) -> None:
    """Create a virtual key and print it: this is the only time that it is shown."""
    names = [name.strip() for name in (models or "").split(",") if name.strip()]
    request = GenerateKeyRequest(models=names or None, **values)
    with database_url(config, data_dir) as (settings, url):
        made = asyncio.run(_generate(settings, url, request))
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
    else:
        click.echo(made["key"])


async def _generate(settings: Settings, url: str, request: GenerateKeyRequest) -> dict[str, object]:
    database = Database(parse_database_url(url))
    database.bind(TABLES)
    litellm = settings.litellm
    defaults = KeyDefaults(litellm.default_key_generate_params, litellm.upperbound_key_generate_params)
    await database.open()
    try:
        await _prepare(database, settings)
        calendar = build_reset_calendar(settings)
        audit = AuditTrail(database)
        audit.configure(is_on=litellm.store_audit_logs)
        service = KeyService(database, SystemClock(), defaults, ModelLists().covers, calendar, audit)
        return await service.generate(_operator(), request)
    finally:
        await database.close()


async def _prepare(database: Database, settings: Settings) -> None:
    """Make sure that there are tables: the first key may come before the first start of the server."""
    async with database.acquire() as connection:
        if await is_current(cast("SchemaConnection", connection)):  # both describe the same class of asyncpg
            return
    if settings.general.disable_schema_update:
        raise SchemaError("The database is not current. Run 'gatewright db upgrade'.")
    await upgrade(database.options.connect_arguments())


def _operator() -> Principal:
    """Whoever can reach the database is its administrator."""
    return Principal(token_hash="", user_id=MASTER_USER_ID, role=Role.PROXY_ADMIN)
