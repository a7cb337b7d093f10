"""What the commands of keys have in common: the members of a key as options, and how a key is named."""

import click

from gateway.cli.asking import Ask
from gateway.cli.members import names_option, with_options
from gateway.identity.credentials import KEY_PREFIX

__all__ = ["find_key", "key_members"]

_MEMBERS = (
    click.option("--alias", "key_alias", help="A name of your own; unique."),
    names_option("--models", "Names or patterns, with commas between; a key without any may use all models."),
    click.option("--max-budget", type=float, help="US dollars that may be spent."),
    click.option("--budget-duration", help="Start the budget anew so often: 1d, 30d, 1mo, ..."),
    click.option("--duration", help="How long the key lives from now on: 30m, 24h, 30d, 1mo, ..."),
    click.option("--rpm", "rpm_limit", type=int, help="Requests per minute."),
    click.option("--tpm", "tpm_limit", type=int, help="Tokens per minute."),
    click.option("--max-parallel", "max_parallel_requests", type=int, help="Requests at the same time."),
    click.option("--team", "team_id", help="The team whose key it is."),
    click.option("--user", "user_id", help="The user whose key it is; made if there is none."),
)


key_members = with_options(_MEMBERS)
"""Adds the options that say what a key has."""


async def find_key(ask: Ask, name: str) -> str:
    """The key that is meant: a key or a hash as it is, the hash of the key that has the name as its alias."""
    if name.startswith(KEY_PREFIX):
        return name
    found = await ask("GET", "/key/list", query={"key_alias": name, "size": 1})
    return found["keys"][0] if found["keys"] else name
