"""Brings the embedded PostgreSQL back when it has died under the supervising process."""

import logging
import threading
from types import TracebackType
from typing import Self

from gateway.db.embedded import EmbeddedPostgres
from gateway.errors import GatewayError

__all__ = ["EmbeddedKeeper"]

_LOOK_SECONDS = 0.5
_log = logging.getLogger(__name__)


class EmbeddedKeeper:
    """`with EmbeddedKeeper(server)` starts the server, looks after it in a thread, and stops it at the end.

    A server that another process owns is left to that process. What workers ask of the database meanwhile
    fails as it does for any database that is away, and their pools find the new server by themselves.
    """

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_after, name="embedded-postgres", daemon=True)

    def __enter__(self) -> Self:
        self._server.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        # A restart under way must not be overtaken: its server would be left behind.
        self._thread.join()
        self._server.stop()

    def _look_after(self) -> None:
        while not self._is_over.wait(_LOOK_SECONDS):
            try:
                if self._server.ensure_running():
                    _log.warning("The embedded database had died and was started again.")
            except (GatewayError, OSError) as error:
                # A full disk may be emptied: the next look tries again.
                _log.error("The embedded database is down: %s", error)
