"""`gatewright plugins`: which plugins are installed, which of them load, and what they implement."""

import os
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table
from rich.text import Text

from gateway.cli.console import build_console
from gateway.errors import StartupError
from gateway.hooks import PluginInfo, load_plugins
from gateway.settings import load_settings

__all__ = ["plugins"]


@click.group()
def plugins() -> None:
    """Look at the installed plugins."""


@plugins.command("list")
@click.option(
    "--config",
    "-c",
    "config_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The configuration file; without one CONFIG_FILE_PATH counts, as for serve.",
)
@click.option("--json", "is_json", is_flag=True, help="Print an array of objects in place of a table.")
def list_plugins(config_path: Path | None, is_json: bool) -> None:  # noqa: FBT001  click passes options by name
    """List the installed plugins, and load those that serve would load.

    A configuration that serve would refuse is refused here with the same message and exit status 1.
    """
    try:
        settings = load_settings(config_path, os.environ)
        found = load_plugins(settings.gatewright.plugins).plugins
    except StartupError as error:
        raise click.ClickException(error.message) from error
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        build_console().print(_build_table(found))


def _build_table(found: Sequence[PluginInfo]) -> Table:
    table = Table("name", "version", "distribution", "hooks")
    table.add_column("loaded", overflow="fold")
    for info in found:
        loaded = "yes" if info.is_loaded else f"no: {info.reason}"
        cells = (info.name, info.version, info.distribution, ", ".join(info.hooks), loaded)
        # As text, so that brackets in a name are not read as markup.
        table.add_row(*(Text(cell) for cell in cells))
    return table
