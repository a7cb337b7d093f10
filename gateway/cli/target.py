"""Which database a command works on: the one that `serve` would use with the same options."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.db.embedded import EmbeddedPostgres
from gateway.settings import Flags, Settings, load_settings

__all__ = ["database_options", "database_url"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def database_options(command: _Command) -> _Command:
    """Add the options that say which database is meant."""
    command = click.option("--config", "-c", type=click.Path(path_type=Path), help="The config.yaml.")(
        command
    )
    folder = click.Path(file_okay=False, path_type=Path)
    return click.option("--data-dir", type=folder, help="The folder of the embedded database.")(command)


@contextmanager
def database_url(config: Path | None, data_dir: Path | None) -> Generator[tuple[Settings, str]]:
    """Give the settings and the database's URL.

    Without a configured database the embedded one is started for the block, or attached to if it runs.
    """
    settings = load_settings(config, os.environ, Flags(data_dir=data_dir))
    url = settings.environment.database_url
    if url is not None:
        yield settings, url.reveal()
        return
    with EmbeddedPostgres(settings.environment.data_dir) as database:
        yield settings, database.url
