"""`gatewright key list` and `info`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import click

from gateway.cli.key_options import find_key
from gateway.cli.members import json_option, read_given
from gateway.cli.session import OPERATOR, Session, with_session
from gateway.cli.tables import print_json, print_table
from gateway.cli.target import database_options
from gateway.identity.keys.list_request import KeyListQuery

__all__ = ["info", "list_keys"]

_HEADS = ("Key", "Alias", "User", "Team", "Spend", "Budget", "Status", "Hash")
_MOST = 100


@click.command("list")
@database_options
@click.option("--user", "user_id", help="Keys of this user.")
@click.option("--team", "team_id", help="Keys of this team.")
@click.option("--organization", "organization_id", help="Keys of this organization and its teams.")
@click.option("--search", help="Keys with this in alias, hash, user or team.")
@click.option(
    "--status",
    type=click.Choice(["active", "expired", "revoked", "deleted"]),
    help="Keys in this state.",
)
@click.option("--sort", "sort_by", default="created_at", help="The column to sort by, the largest first.")
@click.option("--page", type=click.IntRange(1, 1_000_000), default=1, help="Which part of the list.")
@click.option("--size", type=click.IntRange(1, _MOST), default=_MOST, help="Keys on a page.")
@json_option
def list_keys(config: Path | None, data_dir: Path | None, *, is_json: bool, **filters: Any) -> None:
    """List keys, the newest first."""
    query = KeyListQuery(return_full_object=True, **read_given(filters))

    async def work(session: Session) -> dict[str, object]:
        return await session.services.key_listing.list_keys(OPERATOR, query)

    page = with_session(config, data_dir, work)
    if is_json:
        print_json(page)
        return
    rows = cast("list[Mapping[str, object]]", page["keys"])  # whole objects, as the query asks
    print_table(_HEADS, [_row(one) for one in rows])
    click.echo(f"Keys: {page['total_count']}; page {page['current_page']} of {page['total_pages']}")


@click.command()
@database_options
@click.argument("key")
def info(config: Path | None, data_dir: Path | None, key: str) -> None:
    """Show everything about KEY as JSON.

    A deleted key is shown from the archive.
    """

    async def work(session: Session) -> dict[str, object]:
        return await session.keys.info(OPERATOR, await find_key(session, key))

    print_json(with_session(config, data_dir, work)["info"])


def _row(key: Mapping[str, object]) -> tuple[str, ...]:
    spend = cast("float", key["spend"] or 0.0)  # a column of the schema
    names = ("key_name", "key_alias", "user_id", "team_id")
    budget = "-" if key["max_budget"] is None else f"{key['max_budget']:g}"
    token = str(key["token"])[:12]
    return (*(str(key[name] or "-") for name in names), f"{spend:.6f}", budget, str(key["status"]), token)
