"""Keeps the models of the database as they were read last, and reads them anew when they may have changed."""

import asyncio
from collections.abc import Mapping

from gateway.catalog.added import NOTHING_ADDED, AddedModels
from gateway.catalog.model_store import ModelStore, StoredRows
from gateway.catalog.stored_rows import read_rows
from gateway.db.engine import Database
from gateway.db.sealing import Seal

__all__ = ["MODELS_CHANGED", "AddedSource"]

MODELS_CHANGED = "models"
"""The notice of a change to models or credentials."""


class AddedSource:
    """What the database adds to the configuration; one per worker.

    `seal` decrypts, `environ` has the variables that rows may refer to. Unless `is_enabled`
    (`store_model_in_db`) nothing is read.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self.seal = seal
        self.current: AddedModels = NOTHING_ADDED
        self.environ: Mapping[str, str] = {}
        self.is_enabled = True
        self._store = ModelStore(database)
        self._rows: StoredRows | None = None
        self._known: AddedModels = NOTHING_ADDED
        self._changed = asyncio.Event()

    def note_change(self) -> None:
        """Somebody changed models or credentials, or may have."""
        self._changed.set()

    def note_environment(self) -> None:
        """The variables that rows refer to may have changed: read all rows anew."""
        self._rows, self._known = None, NOTHING_ADDED
        self._changed.set()

    async def wait(self, seconds: float) -> None:
        """Return after a change was noted, or after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def refresh(self, environ: Mapping[str, str]) -> bool:
        """Read the rows; whether they have changed since. Raises DatabaseUnavailable."""
        self._changed.clear()
        self.environ = environ
        if not self.is_enabled:
            was_there = self.current is not NOTHING_ADDED
            self.current, self._known, self._rows = NOTHING_ADDED, NOTHING_ADDED, None
            return was_there
        rows = await self._store.read()
        if rows == self._rows:
            return False
        # Decrypting hundreds of values takes longer than a request.
        self.current = await asyncio.to_thread(read_rows, rows, self.seal, environ, self._known)
        self._known, self._rows = self.current, rows
        return True
