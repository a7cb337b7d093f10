"""The command `gatewright`: one group, whose parts are imported when they are asked for."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import cast

import click

from gateway.errors import DatabaseUnavailable, GatewayError

__all__ = ["cli", "main"]

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "books": ("gateway.cli.books", "Check what was spent, and repair the books."),
    "budget": ("gateway.cli.budget", "Make, show and change budgets."),
    "config": ("gateway.cli.config", "Check a configuration file."),
    "customer": ("gateway.cli.customer", "Make, show and change customers."),
    "db": ("gateway.cli.db", "Upgrade, check, back up and restore the database."),
    "explain": ("gateway.cli.explain", "Say which rule, limit or budget would refuse a request."),
    "key": ("gateway.cli.key", "Make, show and change virtual keys."),
    "model": ("gateway.cli.model", "Make, show and change models of the database."),
    "organization": ("gateway.cli.organization", "Make, show and change organizations."),
    "plugins": ("gateway.cli.plugins", "List the plugins."),
    "secrets": ("gateway.cli.sealing", "Check and rotate the encryption of secrets."),
    "serve": ("gateway.cli.serve", "Serve the gateway."),
    "spend": ("gateway.cli.spend", "Say what was spent, by team, key, model and others."),
    "tag": ("gateway.cli.tag", "Make, show and change tags."),
    "team": ("gateway.cli.team", "Make, show and change teams."),
    "user": ("gateway.cli.user", "Make, show and change users."),
}
"""Per command its module, where it has the same name, and its line of help."""


class _LazyGroup(click.Group):
    """Imports a command only when it runs: the supervising process of `serve` has to stay small."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        found = _COMMANDS.get(cmd_name)
        if found is None:
            return None
        return cast("click.Command", getattr(import_module(found[0]), cmd_name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(_COMMANDS.items())])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take flags without a command for those of `serve`, as scripts written for LiteLLM give them."""
        if args and args[0].startswith("-") and args[0] not in {"--help", "--version"}:
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_LazyGroup)
@click.version_option(package_name="gatewright", prog_name="gatewright")
def cli() -> None:
    """Gatewright, an LLM gateway that keeps the LiteLLM proxy's contract."""


def main() -> None:
    """Run the command; an error of ours is one sentence and exit code 1."""
    try:
        cli()
    except GatewayError as error:
        reason = error.__cause__ if isinstance(error, DatabaseUnavailable) else None
        told = f" ({str(reason) or type(reason).__name__})" if reason is not None else ""
        click.echo(f"gatewright: {error.message}{told}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
