"""`gatewright serve`: the supervising process, which owns the embedded database and the listening address."""

import contextlib
import logging
import multiprocessing
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import msgspec
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from gateway.cli.address import check_is_free, describe_address
from gateway.cli.certificate import check_certificate
from gateway.cli.reloading import forward_reloads, hold_reloads
from gateway.db.embedded import EmbeddedPostgres
from gateway.db.embedded_keeper import EmbeddedKeeper
from gateway.errors import ConfigError
from gateway.settings import Flags, Settings, SettingsNotice, ensure_master_key, load_settings
from gateway.settings.handover import EXPLAINED, Handover, write_handover

__all__ = ["serve"]

_GRACE_SECONDS = 20
"""How much longer than the drain a worker may take before it is killed: it books what it has recorded."""
_BACKLOG = 4096
_HEADER_SECONDS = 75
"""How long an idle connection is kept and a slow header awaited; longer than the balancers' usual 60."""


class ServeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The flags of `serve` that mean something."""

    config: Path | None
    host: str
    port: int
    num_workers: int
    data_dir: Path | None
    server_root_path: str | None
    log_json: bool | None
    db_upgrade: bool
    ssl_certfile_path: Path | None
    ssl_keyfile_path: Path | None


_ACCEPTED: Mapping[str, str] = {
    "telemetry": " and does nothing: this gateway sends no telemetry.",
    "use_prisma_db_push": " and does nothing: see --db-upgrade.",
    "enforce_prisma_migration_check": ": serve always checks the schema before it serves.",
    "debug": " and does nothing: there is no debug output.",
    "detailed_debug": " and does nothing: there is no debug output.",
}
"""Flags of scripts written for LiteLLM, and what is said of each that is given."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(context_settings={"show_default": True})
@click.option("--config", "-c", type=click.Path(path_type=Path), help="The config.yaml.")
@click.option("--host", default="0.0.0.0", envvar="HOST", help="The address to listen on.")  # noqa: S104  the contract's default
@click.option("--port", default=4000, envvar="PORT", type=click.IntRange(0, 65535), help="The port.")
@click.option(
    "--num_workers",
    "--workers",
    default=1,
    envvar="NUM_WORKERS",
    type=click.IntRange(1),
    help="Worker processes.",
)
@click.option("--data-dir", type=_FOLDER, help="The folder of database, journal and master key.")
@click.option("--server_root_path", "--server-root-path", help="Serve below this prefix as well.")
@click.option("--log-json/--log-text", default=None, help="Write log lines as JSON.")
@click.option("--db-upgrade/--no-db-upgrade", default=True, help="Upgrade an outdated database at the start.")
@click.option(
    "--ssl_certfile_path",
    "--ssl-certfile",
    envvar="SSL_CERTFILE_PATH",
    type=_FILE,
    help="The TLS certificate, PEM.",
)
@click.option(
    "--ssl_keyfile_path", "--ssl-keyfile", envvar="SSL_KEYFILE_PATH", type=_FILE, help="The TLS key, PEM."
)
@click.option("--telemetry", default=None, help="Accepted: there is no telemetry.")
@click.option("--use_prisma_db_push", is_flag=True, help="Accepted: see --db-upgrade.")
@click.option("--enforce_prisma_migration_check", is_flag=True, help="Accepted: serve always checks.")
@click.option("--debug", is_flag=True, help="Accepted: there is no debug output.")
@click.option("--detailed_debug", is_flag=True, help="Accepted: there is no debug output.")
def serve(**flags: Any) -> None:
    """Serve the gateway until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    explained = [f"--{name} is accepted{said}" for name, said in _ACCEPTED.items() if flags.pop(name)]
    with hold_reloads():
        _serve(msgspec.convert(flags, ServeOptions), explained)


def _serve(options: ServeOptions, explained: Sequence[str]) -> None:
    given = Flags(
        data_dir=options.data_dir, server_root_path=options.server_root_path, is_log_json=options.log_json
    )
    settings = load_settings(options.config, os.environ, given)
    _refuse_impossible(options, settings)
    is_json = settings.environment.is_log_json
    _configure_logs(is_json=is_json)
    _tell([*explained, *map(_say, settings.notices)], is_json=is_json)
    _tell_master_key(settings)
    handover = Handover(
        config_path=options.config,
        flags=given,
        may_upgrade=options.db_upgrade,
        address=describe_address(
            "https" if options.ssl_certfile_path else "http", options.host, options.port
        ),
    )
    os.environ.update(write_handover(handover))
    with contextlib.ExitStack() as stack:
        if settings.environment.database_url is None:
            database = EmbeddedPostgres(settings.environment.data_dir)
            stack.enter_context(EmbeddedKeeper(database))
            os.environ["DATABASE_URL"] = database.url
        _build_server(options, settings).serve()


def _configure_logs(*, is_json: bool) -> None:
    """Plain lines for this process; only JSON is worth the 7 MB that the workers' logging takes."""
    if is_json:
        import_module("gateway.logs").configure_logs(is_json=True)
        return
    logging.basicConfig(format="%(asctime)s [%(levelname)s] %(message)s", level=logging.INFO)


def _refuse_impossible(options: ServeOptions, settings: Settings) -> None:
    if options.num_workers > 1 and settings.environment.redis_url is None:
        raise ConfigError(
            f"{options.num_workers} workers without REDIS_URL would each count budgets for themselves: give "
            "them a Redis, or serve with one worker.",
            path="--num_workers",
            allowed=("1",),
        )
    if (options.ssl_certfile_path is None) != (options.ssl_keyfile_path is None):
        raise ConfigError(
            "TLS needs both --ssl_certfile_path and --ssl_keyfile_path.", path="--ssl_certfile_path"
        )
    if options.ssl_certfile_path is not None and options.ssl_keyfile_path is not None:
        check_certificate(options.ssl_certfile_path, options.ssl_keyfile_path)
    check_is_free(options.host, options.port)


def _say(notice: SettingsNotice) -> str:
    where = ":".join(str(part) for part in (notice.file, notice.line) if part is not None)
    return f"{where + ': ' if where else ''}{notice.path}: {notice.message}"


def _tell(sentences: Iterable[str], *, is_json: bool) -> None:
    """Tell what is no error: as lines of the log where a machine reads it, else as they are."""
    log = logging.getLogger(__name__)
    for sentence in sentences:
        if is_json:
            log.warning("%s", sentence)
        else:
            click.echo(sentence, err=True)


def _tell_master_key(settings: Settings) -> None:
    master = ensure_master_key(settings.environment)
    if master.is_new:
        click.echo(
            f"A master key was made. It is shown this once and kept in {master.path}, for you only:\n"
            f"  {master.key.reveal()}"
        )


def _build_server(options: ServeOptions, settings: Settings) -> MPServer:
    limits = settings.gatewright.limits
    # A forked worker would inherit the lock on the database's folder and outlive us with it.
    multiprocessing.set_start_method("spawn", force=True)
    server = MPServer(
        "gateway.target:build",
        factory=True,
        interface=Interfaces.RSGI,
        address=options.host,
        port=options.port,
        workers=options.num_workers,
        # One of several that dies is replaced; where it is the only one, whoever started us starts us again.
        respawn_failed_workers=options.num_workers > 1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=_BACKLOG,
        http1_settings=HTTP1Settings(
            header_read_timeout=_HEADER_SECONDS * 1000, max_buffer_size=max(8192, limits.header_bytes)
        ),
        log_level=LogLevels.warning,
        ssl_cert=options.ssl_certfile_path,
        ssl_key=options.ssl_keyfile_path,
        workers_kill_timeout=int(settings.gatewright.drain_seconds) + _GRACE_SECONDS,
    )
    forward_reloads(partial(_worker_pids, server))
    _keep_to_one_sentence(server)
    return server


def _worker_pids(server: MPServer) -> list[int | None]:
    workers: list[Any] = list(server.wrks)  # granian leaves its processes untyped
    return [worker.inner.pid for worker in workers]


def _keep_to_one_sentence(server: MPServer) -> None:
    """Leave out the server's own line about a worker that has said itself why it ended."""

    def is_news(record: logging.LogRecord) -> bool:
        workers: list[Any] = server.wrks  # granian leaves its processes untyped
        has_explained = any(worker.inner.exitcode == EXPLAINED for worker in workers)
        return not (has_explained and record.getMessage().startswith("Unexpected exit"))

    logging.getLogger("_granian").addFilter(is_news)
