"""Keeps the models of the database as they were read last, and reads them anew when they may have changed."""

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from gateway.catalog.added import NOTHING_ADDED, AddedModels
from gateway.catalog.lookups import NO_SECRETS, Environ, SecretSource
from gateway.catalog.model_store import ModelStore, StoredRows
from gateway.catalog.stored_rows import read_rows
from gateway.db.engine import Database
from gateway.db.sealing import Seal

__all__ = ["MODELS_CHANGED", "AddedSource"]

MODELS_CHANGED = "models"
"""The notice of a change to models or credentials."""


class AddedSource:
    """What the database adds to the configuration; one per worker.

    `seal` decrypts, `environ` has the variables that rows may refer to, and the secrets that the database's
    secret managers keep. Unless `is_enabled` (`store_model_in_db`) nothing is read.
    """

    def __init__(self, database: Database, seal: Seal, secrets: SecretSource = NO_SECRETS) -> None:
        self.seal = seal
        self._secrets = secrets
        self.current: AddedModels = NOTHING_ADDED
        self.environ: Mapping[str, str] = {}
        self.is_enabled = True
        self._store = ModelStore(database)
        self._rows: StoredRows | None = None
        self._known: AddedModels = NOTHING_ADDED
        self._found: dict[str, str] = {}
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
        self.environ = {**environ, **self._found}
        if not self.is_enabled:
            was_there = self.current is not NOTHING_ADDED
            self.current, self._known, self._rows = NOTHING_ADDED, NOTHING_ADDED, None
            return was_there
        rows = await self._store.read()
        if rows == self._rows and not await self._secrets.renew():
            return False
        self.current = await self._read(rows, environ)
        self._known, self._rows = self.current, rows
        return True

    async def learn(self, names: Iterable[str]) -> None:
        """Read the secrets of these names, if they are no variables: a model is about to refer to them."""
        found = await self._secrets.find(name for name in names if name not in self.environ)
        self._found.update(found)
        self.environ = {**self.environ, **found}

    async def begin_reload(self, stamp: str) -> bool:
        """Write down that prices are read anew; whether no other worker has. Raises DatabaseUnavailable."""
        return await self._store.begin_reload(self.current.prices.stamp, stamp)

    async def _read(self, rows: StoredRows, environ: Mapping[str, str]) -> AddedModels:
        """The rows; where secrets are kept elsewhere, those that they refer to are read there first."""
        # Decrypting hundreds of values takes longer than a request.
        read = await asyncio.to_thread(read_rows, rows, self.seal, environ, self._known)
        self._secrets.configure(read.managers)
        if not read.managers:
            self.environ, self._found = environ, {}
            return read
        # Every row anew: one that has not changed may refer to a secret that has.
        looked_up, known = Environ(environ), msgspec.structs.replace(self._known, models=())
        await asyncio.to_thread(read_rows, rows, self.seal, looked_up, known)
        self._found = await self._secrets.find(looked_up.missing)
        self.environ = {**environ, **self._found}
        anew = await asyncio.to_thread(read_rows, rows, self.seal, self.environ, known)
        # What can be decrypted no more goes on as before, and so does what refers to a secret that is gone.
        both = zip(read.models, anew.models, strict=True)
        models = tuple(old if new.entry is None else new for old, new in both)
        return msgspec.structs.replace(anew, models=models)
