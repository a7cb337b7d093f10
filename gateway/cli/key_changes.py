"""`gatewright key update`, `rotate`, `block`, `unblock` and `delete`."""

from typing import Any

import click

from gateway.cli.asking import Ask, Target, target_options, with_gateway
from gateway.cli.key_options import find_key, key_members
from gateway.cli.members import clear_option, json_option, read_changes, read_given
from gateway.cli.tables import print_json, say

__all__ = ["block", "delete", "rotate", "unblock", "update"]

_CLEARABLE = (
    *("key_alias", "models", "max_budget", "budget_duration", "rpm_limit", "tpm_limit"),
    *("max_parallel_requests", "team_id", "user_id", "duration"),
)
_FOR_EVER = "-1"
"""The `duration` of a key that does not expire."""


@click.command()
@target_options
@click.argument("key")
@key_members
@clear_option(_CLEARABLE)
def update(
    target: Target,
    key: str,
    clear: tuple[str, ...],
    **values: Any,
) -> None:
    """Change what is named of KEY, and print it as JSON.

    Everything else stays.
    """
    sent = read_changes(values, clear, {"duration": _FOR_EVER})

    async def work(ask: Ask) -> dict[str, object]:
        return await ask("POST", "/key/update", body={"key": await find_key(ask, key), **sent})

    changed = with_gateway(target, work)
    print_json({name: value for name, value in changed.items() if name != "key"})


@click.command()
@target_options
@click.argument("key")
@click.option(
    "--grace", "grace_period", help="How long the old secret stays good: 1h, 7d, ...; not at all without it."
)
@json_option
def rotate(target: Target, key: str, grace_period: str | None, *, is_json: bool) -> None:
    """Give KEY another secret and print it.

    This is the only time that it is shown.
    """

    async def work(ask: Ask) -> dict[str, object]:
        sent = {"key": await find_key(ask, key), "grace_period": grace_period}
        return await ask("POST", "/key/regenerate", body=read_given(sent))

    made = with_gateway(target, work)
    if is_json:
        print_json(made)
    else:
        click.echo(made["key"])


@click.command()
@target_options
@click.argument("key")
def block(target: Target, key: str) -> None:
    """Refuse KEY until it is unblocked."""
    _set_blocked(target, key, is_blocked=True)


@click.command()
@target_options
@click.argument("key")
def unblock(target: Target, key: str) -> None:
    """Let KEY work again."""
    _set_blocked(target, key, is_blocked=False)


@click.command()
@target_options
@click.argument("keys", nargs=-1, required=True)
def delete(target: Target, keys: tuple[str, ...]) -> None:
    """Delete KEYS, all or none; their rows move to the archive."""

    async def work(ask: Ask) -> None:
        named = [await find_key(ask, key) for key in keys]
        await ask("POST", "/key/delete", body={"keys": named})

    with_gateway(target, work)
    click.echo(f"Deleted {len(keys)} key{'s' if len(keys) > 1 else ''}.")


def _set_blocked(target: Target, key: str, *, is_blocked: bool) -> None:
    async def work(ask: Ask) -> dict[str, object]:
        path = "/key/block" if is_blocked else "/key/unblock"
        return await ask("POST", path, body={"key": await find_key(ask, key)})

    changed = with_gateway(target, work)
    say(f"{changed['key_name']} is {'blocked' if is_blocked else 'not blocked'}.")
