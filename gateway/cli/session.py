"""The services of the management API on the database of a command, on behalf of the operator."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from gateway.access.models import ModelLists
from gateway.audit.trail import AuditTrail
from gateway.cli.schema import make_current
from gateway.cli.target import database_url
from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.db.tables import TABLES
from gateway.db.url import parse_database_url
from gateway.domain import Principal, Role
from gateway.identity.keys.defaults import build_key_defaults
from gateway.identity.keys.service import KeyService
from gateway.identity.master import MASTER_USER_ID
from gateway.identity.reset_calendar import build_reset_calendar
from gateway.identity.services import Services, build_service_options, build_services
from gateway.settings import Settings
from gateway.settings.master_key import find_salt_key

__all__ = ["OPERATOR", "Session", "with_session"]

_Result = TypeVar("_Result")

OPERATOR = Principal(token_hash="", user_id=MASTER_USER_ID, role=Role.PROXY_ADMIN)
"""Whoever can reach the database is its administrator."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a command works with; changes announce themselves to the workers of a running server."""

    keys: KeyService
    services: Services


def with_session(
    config: Path | None, data_dir: Path | None, work: Callable[[Session], Awaitable[_Result]]
) -> _Result:
    """Return what the work returns, done on the database that `serve` would use with the same options.

    Raises DatabaseUnavailable, ConfigError, and SchemaError where the schema is old and may not be upgraded.
    """
    with database_url(config, data_dir) as (settings, url):
        return asyncio.run(_run(settings, url, work))


async def _run(settings: Settings, url: str, work: Callable[[Session], Awaitable[_Result]]) -> _Result:
    database = Database(parse_database_url(url))
    database.bind(TABLES)
    await database.open()
    try:
        await make_current(database, settings)
        return await work(_build(settings, database))
    finally:
        await database.close()


def _build(settings: Settings, database: Database) -> Session:
    clock, calendar = SystemClock(), build_reset_calendar(settings)
    seal = Seal(find_salt_key(settings.environment))
    options = build_service_options(settings, ModelLists().covers, seal)
    audit = AuditTrail(database)
    audit.configure(is_on=settings.litellm.store_audit_logs)
    keys = KeyService(database, clock, build_key_defaults(settings), options.covers, calendar, audit)
    return Session(keys=keys, services=build_services(database, clock, keys, calendar, options, audit))
