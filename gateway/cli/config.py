"""`gatewright config`: look at a configuration file without starting anything."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.catalog import PriceBook, build_catalog, load_price_book
from gateway.catalog.price_snapshot import PriceSnapshot
from gateway.cli.console import build_console
from gateway.domain import Secret
from gateway.errors import ConfigError, PluginError, StartupError
from gateway.identity.keys.defaults import build_key_defaults
from gateway.identity.newcomers import build_newcomer_defaults
from gateway.ids import new_key
from gateway.settings import Faults, Flags, Settings, SettingsNotice, read_settings
from gateway.settings.handover import Handover

__all__ = ["config"]

_UNASKED_DATABASE = Secret("postgresql://gatewright@127.0.0.1/gatewright")


@click.group()
def config() -> None:
    """Look at configuration files."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "is_json", is_flag=True, help="Print one JSON object instead of tables.")
def check(file: Path, *, is_json: bool) -> None:
    """Say what the gateway would take from FILE, and what not.

    Nothing is started, connected to or written. Everything that is wrong is told, a line each, and the exit
    code is 1 when the gateway would not start.
    """
    try:
        settings = _read(file)
    except ConfigError as error:
        _print_error(error, is_json=is_json)
        raise SystemExit(1) from error
    if is_json:
        click.echo(msgspec.json.format(msgspec.json.encode(_report(settings)), indent=2).decode())
    else:
        _print_report(settings, file)


def _read(file: Path) -> Settings:
    """The settings of a file that can be served; raises ConfigError for all that is wrong."""
    faults = Faults()
    settings = read_settings(file, os.environ, Flags(), faults)
    book = faults.attempt(lambda: load_price_book(settings), PriceBook(PriceSnapshot()))
    variables = {name: secret.reveal() for name, secret in settings.variables.items()}
    with faults.collect():
        build_catalog(settings, book, {**os.environ, **variables})
    with faults.collect():
        build_key_defaults(settings)
    with faults.collect():
        build_newcomer_defaults(settings)
    faults.refuse()
    _build(settings)
    return settings


def _build(settings: Settings) -> None:
    """Build a gateway, without opening it; raises ConfigError for what keeps it from being built."""
    given = settings.environment
    environment = msgspec.structs.replace(
        given,
        database_url=given.database_url or _UNASKED_DATABASE,
        # Nobody calls with it: without one in the configuration a file with a new one would be written.
        master_key=given.master_key or Secret(new_key()),
    )
    # By its name: what wires the gateway stands beside the command, and knows the web framework.
    build = import_module("gateway.app").build_gateway
    try:
        build(msgspec.structs.replace(settings, environment=environment), os.environ, Handover())
    except ConfigError:
        raise
    except PluginError as error:
        raise ConfigError(error.reason, file=error.file, line=error.line) from error
    except StartupError as error:
        raise ConfigError(error.message) from error


def _print_error(error: ConfigError, *, is_json: bool) -> None:
    if not is_json:
        click.echo(str(error), err=True)
        return
    errors = [_members(one) for one in error.errors]
    report = msgspec.json.encode({"ok": False, "error": errors[0], "errors": errors})
    click.echo(msgspec.json.format(report, indent=2).decode())


def _members(error: ConfigError) -> Mapping[str, object]:
    return {
        "message": error.message,
        "file": error.file,
        "line": error.line,
        "path": error.path,
        "allowed": error.allowed,
    }


def _report(settings: Settings) -> Mapping[str, object]:
    return {
        "ok": True,
        "models": [
            {"model_name": entry.model_name, "model": entry.litellm_params["model"], "path": entry.key_path}
            for entry in settings.models
        ],
        "database": _database(settings),
        "master_key": _master_key(settings),
        "data_dir": str(settings.environment.data_dir),
        "notices": settings.notices,
    }


def _database(settings: Settings) -> str:
    return "external" if settings.environment.database_url else "embedded"


def _master_key(settings: Settings) -> str:
    return "configured" if settings.environment.master_key else "kept in the data directory"


def _print_report(settings: Settings, file: Path) -> None:
    console = build_console()
    models = Table("model", "deployment", "at", title="Models", title_justify="left")
    for entry in settings.models:
        deployment = str(entry.litellm_params["model"])
        models.add_row(escape(entry.model_name), escape(deployment), escape(entry.key_path))
    console.print(models)
    console.print(f"Database: {_database(settings)}. Master key: {_master_key(settings)}.", soft_wrap=True)
    console.print(f"Data directory: {escape(str(settings.environment.data_dir))}", soft_wrap=True)
    _print_notices(console, settings.notices)
    console.print(f"{escape(str(file))} can be served.", soft_wrap=True)


def _print_notices(console: Console, notices: tuple[SettingsNotice, ...]) -> None:
    if not notices:
        return
    console.print(f"\n{len(notices)} {'notice' if len(notices) == 1 else 'notices'}:")
    for notice in notices:
        where = ":".join(str(part) for part in (notice.file, notice.line) if part is not None)
        text = ": ".join(part for part in (where, notice.path, notice.message) if part)
        console.print(escape(f"  {text}"), soft_wrap=True)
