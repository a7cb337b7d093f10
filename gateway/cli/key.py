"""`gatewright key`: virtual keys, over the management API."""

from typing import Any

import click

from gateway.cli.asking import Target, target_options, with_gateway
from gateway.cli.key_changes import block, delete, rotate, unblock, update
from gateway.cli.key_options import key_members
from gateway.cli.key_views import info, list_keys
from gateway.cli.members import json_option, read_given
from gateway.cli.resources import Request
from gateway.cli.tables import print_json

__all__ = ["key"]


@click.group()
def key() -> None:
    """Make, show and change virtual keys.

    KEY is a key, its hash or its alias; a running server acts on a change at once.
    """


@key.command()
@target_options
@key_members
@json_option
def create(target: Target, *, is_json: bool, **values: Any) -> None:
    """Create a virtual key and print it.

    This is the only time that it is shown.
    """
    made = with_gateway(target, Request("POST", "/key/generate", read_given(values)).send)
    if is_json:
        print_json(made)
    else:
        click.echo(made["key"])


for command in (list_keys, info, update, rotate, block, unblock, delete):
    key.add_command(command)
