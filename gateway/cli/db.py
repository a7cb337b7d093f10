"""`gatewright db`: look at the database's schema, upgrade it, back it up and restore it."""

import asyncio
from collections.abc import Sized
from pathlib import Path

import click

from gateway.cli.target import database_options, database_url
from gateway.db.backup import backup as write_backup
from gateway.db.backup import restore as read_backup
from gateway.db.schema.drift import check as check_drift
from gateway.db.schema.status import read_status
from gateway.db.schema.upgrade import upgrade as upgrade_schema
from gateway.db.url import parse_database_url

__all__ = ["db"]


@click.group()
def db() -> None:
    """Upgrade, check, back up and restore the database."""


@db.command()
@database_options
@click.option("--dry-run", is_flag=True, help="Only list what would be done.")
def upgrade(config: Path | None, data_dir: Path | None, *, dry_run: bool) -> None:
    """Bring the schema to this release.

    Nothing is dropped, renamed or retyped, and a second run does nothing.
    """
    with database_url(config, data_dir) as (_, url):
        target = parse_database_url(url).connect_arguments()
        report = asyncio.run(upgrade_schema(target, dry_run=dry_run))
    for step in report.steps if dry_run else ():
        click.echo(f"{step.sql};  -- {step.reason}")
    for warning in report.warnings:
        click.echo(f"Warning: {warning}", err=True)
    counts = f"{_count(report.steps, 'statement')} and {_count(report.migrations, 'migration')}"
    if dry_run:
        click.echo(f"-- The database is {report.before.value}; an upgrade would run {counts}.")
    else:
        click.echo(f"The database was {report.before.value}; {counts} were run.")


def _count(items: Sized, name: str) -> str:
    return f"{len(items)} {name}{'' if len(items) == 1 else 's'}"


@db.command()
@database_options
@click.option("--can-serve", is_flag=True, help="Fail only when the gateway could not serve.")
@click.pass_context
def status(context: click.Context, config: Path | None, data_dir: Path | None, *, can_serve: bool) -> None:
    """Say what the schema is and what it lacks.

    The exit code is 1 when something is to be done.
    """
    with database_url(config, data_dir) as (_, url):
        found = asyncio.run(read_status(parse_database_url(url).connect_arguments()))
    for sentence in found.sentences:
        click.echo(sentence)
    is_fine = found.can_serve if can_serve else not (found.pending_statements or found.pending_migrations)
    context.exit(0 if is_fine else 1)


@db.command()
@database_options
@click.pass_context
def check(context: click.Context, config: Path | None, data_dir: Path | None) -> None:
    """Compare the gateway's tables with the database.

    Every column is compared; the exit code is 1 when one differs.
    """
    with database_url(config, data_dir) as (_, url):
        report = asyncio.run(check_drift(parse_database_url(url).connect_arguments()))
    for sentence in report.sentences:
        click.echo(sentence)
    click.echo("The tables are as this release expects." if not report.sentences else "The tables differ.")
    context.exit(1 if report.sentences else 0)


@db.command()
@database_options
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(config: Path | None, data_dir: Path | None, file: Path) -> None:
    """Write everything into FILE, as of one moment.

    The gateway may go on serving.
    """
    with database_url(config, data_dir) as (_, url):
        summary = asyncio.run(write_backup(url, file))
    click.echo(f"{file}: {summary.tables} tables, {summary.rows} rows.")


@db.command()
@database_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Replace what the database holds.")
def restore(config: Path | None, data_dir: Path | None, file: Path, *, force: bool) -> None:
    """Read FILE into an empty database, whole or not at all.

    Stop the gateway first.
    """
    with database_url(config, data_dir) as (_, url):
        summary = asyncio.run(read_backup(url, file, force=force))
    click.echo(f"{file}: {summary.tables} tables, {summary.rows} rows restored.")
