"""`gatewright key update`, `rotate`, `block`, `unblock` and `delete`."""

from pathlib import Path
from typing import Any

import click

from gateway.cli.key_options import find_key, key_members
from gateway.cli.members import clear_option, json_option, read_changes
from gateway.cli.session import OPERATOR, Session, with_session
from gateway.cli.tables import print_json
from gateway.cli.target import database_options
from gateway.identity.keys.request import DeleteKeysRequest

__all__ = ["block", "delete", "rotate", "unblock", "update"]

_CLEARABLE = (
    *("key_alias", "models", "max_budget", "budget_duration", "rpm_limit", "tpm_limit"),
    *("max_parallel_requests", "team_id", "user_id", "duration"),
)
_FOR_EVER = "-1"
"""The `duration` of a key that does not expire."""


@click.command()
@database_options
@click.argument("key")
@key_members
@clear_option(_CLEARABLE)
def update(
    config: Path | None,
    data_dir: Path | None,
    key: str,
    clear: tuple[str, ...],
    **values: Any,
) -> None:
    """Change what is named of KEY, and print it as JSON.

    Everything else stays.
    """
    sent = read_changes(values, clear, {"duration": _FOR_EVER})

    async def work(session: Session) -> dict[str, object]:
        named = await find_key(session, key)
        return await session.services.key_updates.update(OPERATOR, {"key": named, **sent})

    changed = with_session(config, data_dir, work)
    print_json({name: value for name, value in changed.items() if name != "key"})


@click.command()
@database_options
@click.argument("key")
@click.option(
    "--grace", "grace_period", help="How long the old secret stays good: 1h, 7d, ...; not at all without it."
)
@json_option
def rotate(
    config: Path | None, data_dir: Path | None, key: str, grace_period: str | None, *, is_json: bool
) -> None:
    """Give KEY another secret and print it.

    This is the only time that it is shown.
    """

    async def work(session: Session) -> dict[str, object]:
        named = await find_key(session, key)
        sent = {"grace_period": grace_period}
        return await session.services.key_rotation.regenerate(OPERATOR, named, sent)

    made = with_session(config, data_dir, work)
    if is_json:
        print_json(made)
    else:
        click.echo(made["key"])


@click.command()
@database_options
@click.argument("key")
def block(config: Path | None, data_dir: Path | None, key: str) -> None:
    """Refuse KEY until it is unblocked."""
    _set_blocked(config, data_dir, key, is_blocked=True)


@click.command()
@database_options
@click.argument("key")
def unblock(config: Path | None, data_dir: Path | None, key: str) -> None:
    """Let KEY work again."""
    _set_blocked(config, data_dir, key, is_blocked=False)


@click.command()
@database_options
@click.argument("keys", nargs=-1, required=True)
def delete(config: Path | None, data_dir: Path | None, keys: tuple[str, ...]) -> None:
    """Delete KEYS, all or none; their rows move to the archive."""

    async def work(session: Session) -> None:
        named = [await find_key(session, key) for key in keys]
        await session.services.key_control.delete(OPERATOR, DeleteKeysRequest(keys=named))

    with_session(config, data_dir, work)
    click.echo(f"Deleted {len(keys)} key{'s' if len(keys) > 1 else ''}.")


def _set_blocked(config: Path | None, data_dir: Path | None, key: str, *, is_blocked: bool) -> None:
    async def work(session: Session) -> dict[str, object]:
        named = await find_key(session, key)
        return await session.services.key_control.set_blocked(OPERATOR, named, is_blocked=is_blocked)

    changed = with_session(config, data_dir, work)
    click.echo(f"{changed['key_name']} is {'blocked' if is_blocked else 'not blocked'}.")
