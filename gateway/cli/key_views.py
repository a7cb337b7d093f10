"""`gatewright key list` and `info`."""

from typing import Any

import click

from gateway.cli.asking import Ask, Target, target_options, with_gateway
from gateway.cli.key_options import find_key
from gateway.cli.members import json_option, read_given
from gateway.cli.resources import Request
from gateway.cli.tables import Column, print_json, print_rows, say

__all__ = ["info", "list_keys"]

_COLUMNS = (
    Column("Key", "key_name"),
    Column("Alias", "key_alias"),
    Column("User", "user_id"),
    Column("Team", "team_id"),
    Column("Spend", "spend", ".6f"),
    Column("Budget", "max_budget"),
    Column("Status", "status"),
    Column("Hash", "token"),
)
_MOST = 100


@click.command("list")
@target_options
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
def list_keys(target: Target, *, is_json: bool, **filters: Any) -> None:
    """List keys, the newest first."""
    query = {"return_full_object": "true", **read_given(filters)}
    page = with_gateway(target, Request("GET", "/key/list", query=query).send)
    if is_json:
        print_json(page)
        return
    print_rows(_COLUMNS, page["keys"])
    say(f"Keys: {page['total_count']}; page {page['current_page']} of {page['total_pages']}")


@click.command()
@target_options
@click.argument("key")
def info(target: Target, key: str) -> None:
    """Show everything about KEY as JSON.

    A deleted key is shown from the archive.
    """

    async def work(ask: Ask) -> dict[str, object]:
        return await ask("GET", "/key/info", query={"key": await find_key(ask, key)})

    print_json(with_gateway(target, work)["info"])
