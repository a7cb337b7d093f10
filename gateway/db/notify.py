"""Telling every worker on every machine that something changed: LISTEN and NOTIFY."""

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence

import asyncpg
import structlog

from gateway.db.connection import Connection, connect
from gateway.db.engine import Database
from gateway.db.failures import connecting
from gateway.db.url import ConnectionOptions
from gateway.errors import ConfigError, DatabaseUnavailable

__all__ = ["MAX_PAYLOAD_BYTES", "ChangeListener", "notify", "notify_all"]

# PostgreSQL refuses 8,000 bytes and more (manual, NOTIFY).
MAX_PAYLOAD_BYTES = 7_999
_SELF_TEST = "gatewright-self-test:"
_SELF_TEST_SECONDS = 5.0
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 10.0
_CHECK_SECONDS = 30.0

_log = structlog.get_logger(__name__)


async def notify(connection: Connection, channel: str, payload: str) -> None:
    """Send `payload` (under 8,000 bytes) to `channel` when the transaction of `connection` commits.

    Equal payloads of one transaction arrive once. Raises ValueError for a payload that is too long.
    """
    if len(payload.encode()) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a notification holds at most {MAX_PAYLOAD_BYTES} bytes")
    await connection.execute("SELECT pg_notify($1, $2)", channel, payload)


async def notify_all(database: Database, channel: str, payloads: Sequence[str]) -> None:
    """Send payloads (each under 8,000 bytes) in their order, at once. Raises DatabaseUnavailable."""
    await database.execute("SELECT pg_notify($1, payload) FROM unnest($2::text[]) payload", channel, payloads)


class ChangeListener:
    """Calls back for every notification on one channel, over a connection of its own.

    `on_payload` gets each payload. `on_gap` is called after each reconnect, when notifications may have
    been missed: drop everything that they would have dropped. Both run on the event loop and must be
    quick; they are not called after `stop`. Behind PgBouncer in transaction mode LISTEN does nothing, so
    that `options` have to be those of a direct connection; `start` finds out.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        channel: str,
        on_payload: Callable[[str], None],
        on_gap: Callable[[], None],
    ) -> None:
        self._arguments: Mapping[str, object] = _listening_arguments(options)
        self._channel = channel
        self._on_payload = on_payload
        self._on_gap = on_gap
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._heard: asyncio.Future[None] | None = None
        self._token = ""

    @property
    def is_listening(self) -> bool:
        """Whether notifications arrive now; while they do not, entries can be stale until `on_gap`."""
        return self._connection is not None and not self._lost.is_set()

    async def start(self, *, require: bool = True) -> None:
        """Connect, hear ourselves once, and keep listening until `stop`.

        Raises DatabaseUnavailable when the server is away, unless `require` is false: then it is connected
        to in the background, and `on_gap` called. Raises ConfigError when a notification sent over this
        connection does not come back, as behind a pooler in transaction mode.
        """
        try:
            await self._connect()
        except DatabaseUnavailable:
            if require:
                raise
            self._lost.set()
        self._task = asyncio.create_task(self._keep_listening(), name=f"listen:{self._channel}")

    async def stop(self) -> None:
        """End the connection and all callbacks. Safe to call twice."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._disconnect()

    async def _keep_listening(self) -> None:
        delay = _FIRST_DELAY_SECONDS
        while True:
            await self._until_lost()
            await self._disconnect()
            try:
                await self._connect()
            except (DatabaseUnavailable, ConfigError) as error:
                _log.warning(
                    "change_listener_away", channel=self._channel, reason=error.message, retry_in=delay
                )
                self._lost.set()
                await asyncio.sleep(delay)
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)
                continue
            delay = _FIRST_DELAY_SECONDS
            _log.info("change_listener_back", channel=self._channel)
            self._on_gap()

    async def _until_lost(self) -> None:
        """Wait for the end of the connection; ask it now and then, since a dead network stays silent."""
        while not self._lost.is_set():
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await self._lost.wait()
            except TimeoutError:
                await self._check()

    async def _check(self) -> None:
        connection = self._connection
        try:
            if connection is not None:
                await connection.execute("SELECT 1", timeout=_SELF_TEST_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self._lost.set()

    async def _connect(self) -> None:
        """Connect, LISTEN, and wait for a notification of our own."""
        with connecting():
            self._connection = connection = await connect(self._arguments)
        self._lost.clear()
        connection.add_termination_listener(self._on_termination)
        self._token = f"{_SELF_TEST}{uuid.uuid4()}"
        self._heard = asyncio.get_running_loop().create_future()
        try:
            with connecting():
                await connection.add_listener(self._channel, self._on_notification)
                await notify(connection, self._channel, self._token)
            async with asyncio.timeout(_SELF_TEST_SECONDS):
                await self._heard
        except TimeoutError as error:
            await self._disconnect()
            raise ConfigError(
                "Notifications do not arrive over this connection, as behind a pooler in transaction mode."
                " Set a direct connection to the server.",
                path="DATABASE_DIRECT_URL",
            ) from error
        except BaseException:
            await self._disconnect()
            raise

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close(timeout=1.0)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            connection.terminate()

    def _on_termination(self, connection: Connection) -> None:
        if connection is self._connection:
            self._lost.set()

    def _on_notification(self, connection: Connection, process_id: int, channel: str, payload: str) -> None:
        del process_id, channel
        if payload.startswith(_SELF_TEST):
            if payload == self._token and self._heard is not None and not self._heard.done():
                self._heard.set_result(None)
        elif connection is self._connection:
            self._on_payload(payload)


def _listening_arguments(options: ConnectionOptions) -> dict[str, object]:
    """Those of the options, under a name of its own in pg_stat_activity."""
    arguments = options.connect_arguments()
    settings = {**options.server_settings, "application_name": f"{options.application_name}-listener"}
    return {**arguments, "server_settings": settings}
