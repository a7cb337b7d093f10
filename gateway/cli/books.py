"""`gatewright books`: check what was spent against the records, to the nano-dollar, and repair it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from gateway.cli.target import database_options, database_url
from gateway.db.engine import Database
from gateway.db.url import parse_database_url
from gateway.spend.books.check import Report, check_books, repair_books
from gateway.spend.books.check_store import Difference

__all__ = ["books"]

_MOST_LINES = 50


@click.group()
def books() -> None:
    """Check what was spent, and repair the books."""


@books.command()
@database_options
@click.option("--repair", "repairs", is_flag=True, help="Write an adjustment for each difference.")
@click.option("--json", "is_json", is_flag=True, help="Print everything as JSON.")
@click.pass_context
def check(
    context: click.Context, config: Path | None, data_dir: Path | None, *, repairs: bool, is_json: bool
) -> None:
    """Compare totals, spend rows and daily tables.

    The exit code is 1 when they differ and are left so.
    """
    with database_url(config, data_dir) as (_, url):
        report = asyncio.run(_check(url, repairs=repairs))
    if is_json:
        click.echo(_json(report, repairs=repairs))
    else:
        _print(report, repairs=repairs)
    context.exit(0 if report.is_balanced or repairs else 1)


async def _check(url: str, *, repairs: bool) -> Report:
    database = Database(parse_database_url(url))
    await database.open()
    try:
        return await (repair_books(database, actor="gatewright books") if repairs else check_books(database))
    finally:
        await database.close()


def _json(report: Report, *, repairs: bool) -> str:
    members = {
        "is_balanced": report.is_balanced,
        "is_repaired": repairs and not report.is_balanced,
        "unopened": report.unopened,
        "differences": [
            {**msgspec.structs.asdict(one), "difference_nanos": one.nanos} for one in report.differences
        ],
    }
    return msgspec.json.format(msgspec.json.encode(members), indent=2).decode()


def _print(report: Report, *, repairs: bool) -> None:
    for line in _lines(report.differences):
        click.echo(line)
    if report.unopened:
        click.echo(f"{report.unopened} rows have a spend from before anything was booked on them.")
    if report.is_balanced:
        click.echo("The books balance.")
    elif repairs:
        click.echo(f"{len(report.differences)} adjustments were written; the books balance now.")
    else:
        click.echo(f"The books differ in {len(report.differences)} places. Nothing was changed.")


def _lines(differences: Sequence[Difference]) -> list[str]:
    lines = [_line(one) for one in differences[:_MOST_LINES]]
    if len(differences) > _MOST_LINES:
        lines.append(f"... and {len(differences) - _MOST_LINES} more; --json lists all.")
    return lines


def _line(one: Difference) -> str:
    excess = f"{_usd(abs(one.nanos))} too {'much' if one.nanos > 0 else 'little'}"
    name = f"{one.books} {one.entity_type} {one.entity_id}"
    return f"{name}: {_usd(one.found_nanos)}, expected {_usd(one.expected_nanos)} ({excess})"


def _usd(nanos: int) -> str:
    """An amount as people read it, with every nano-dollar."""
    whole, rest = divmod(abs(nanos), 1_000_000_000)
    return f"{'-' if nanos < 0 else ''}{whole}.{rest:09} USD"
