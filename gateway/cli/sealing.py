"""`gatewright secrets`: look at what the database keeps encrypted, and encrypt it under another key."""

import asyncio
from pathlib import Path
from typing import Any

import click

from gateway.audit.trail import AuditTrail
from gateway.cli.target import database_options, database_url
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.db.tables import TABLES
from gateway.db.url import parse_database_url
from gateway.domain import Principal, Role, Secret
from gateway.errors import ConfigError
from gateway.identity.master import MASTER_USER_ID
from gateway.inventory.rotation.service import SealRotation
from gateway.settings import Settings
from gateway.settings.master_key import find_salt_key, find_weakness

__all__ = ["secrets"]

_Report = dict[str, Any]


@click.group()
def secrets() -> None:
    """Check and rotate the encryption of secrets in the database."""


@secrets.command()
@database_options
@click.pass_context
def check(context: click.Context, config: Path | None, data_dir: Path | None) -> None:
    """Count the secrets by column.

    The exit code is 1 when one cannot be decrypted.
    """
    with database_url(config, data_dir) as (settings, url):
        report = asyncio.run(_run(settings, url, None))
    context.exit(1 if _print(report) else 0)


@secrets.command()
@database_options
@click.option(
    "--new-key",
    envvar="GATEWAY_NEW_SALT_KEY",
    prompt="The new salt key",
    hide_input=True,
    confirmation_prompt=True,
    help="The key to encrypt under; better set GATEWAY_NEW_SALT_KEY, or be asked.",
)
def rotate(config: Path | None, data_dir: Path | None, new_key: str) -> None:
    """Encrypt every secret under another key, all or none.

    Gateways that run go on with what they have decrypted; restart them with the new key in GATEWAY_SALT_KEY.
    """
    weakness = find_weakness(new_key)
    if weakness is not None:
        raise ConfigError(f"The new key {weakness}.", path="GATEWAY_NEW_SALT_KEY")
    with database_url(config, data_dir) as (settings, url):
        report = asyncio.run(_run(settings, url, Secret(new_key)))
    _print(report)
    count = sum(column["encrypted"] for column in report.values())
    click.echo(f"{count} secrets are encrypted anew. Set GATEWAY_SALT_KEY to the new key and restart.")


async def _run(settings: Settings, url: str, new_key: Secret | None) -> _Report:
    database = Database(parse_database_url(url))
    database.bind(TABLES)
    await database.open()
    try:
        audit = AuditTrail(database)
        audit.configure(is_on=settings.litellm.store_audit_logs)
        rotation = SealRotation(database, Seal(find_salt_key(settings.environment)), audit)
        if new_key is None:
            return await rotation.report()
        operator = Principal(token_hash="", user_id=MASTER_USER_ID, role=Role.PROXY_ADMIN)
        return await rotation.rotate(operator, new_key)
    finally:
        await database.close()


def _print(report: _Report) -> list[str]:
    """Print what there is; returns the names of what cannot be decrypted."""
    for name, column in report.items():
        if column["encrypted"] or column["unreadable"]:
            click.echo(f"{name}: {column['encrypted']} encrypted")
    lost = [path for column in report.values() for path in column["unreadable"]]
    for path in lost:
        click.echo(f"Cannot be decrypted: {path}", err=True)
    return lost
