"""`gatewright key`: virtual keys straight in the database, with or without a running server."""

from pathlib import Path
from typing import Any

import click

from gateway.cli.key_changes import block, delete, rotate, unblock, update
from gateway.cli.key_options import key_members
from gateway.cli.key_views import info, list_keys
from gateway.cli.members import json_option
from gateway.cli.session import OPERATOR, Session, with_session
from gateway.cli.tables import print_json
from gateway.cli.target import database_options
from gateway.identity.keys.request import GenerateKeyRequest

__all__ = ["key"]


@click.group()
def key() -> None:
    """Make, show and change virtual keys.

    KEY is a key, its hash or its alias; a running server acts on a change at once.
    """


@key.command()
@database_options
@key_members
@json_option
def create(config: Path | None, data_dir: Path | None, *, is_json: bool, **values: Any) -> None:
    """Create a virtual key and print it.

    This is the only time that it is shown.
    """
    request = GenerateKeyRequest(**values)

    async def work(session: Session) -> dict[str, object]:
        return await session.keys.generate(OPERATOR, request)

    made = with_session(config, data_dir, work)
    if is_json:
        print_json(made)
    else:
        click.echo(made["key"])


for command in (list_keys, info, update, rotate, block, unblock, delete):
    key.add_command(command)
