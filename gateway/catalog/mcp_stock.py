"""What the database has for the plugin that serves MCP: servers, toolsets, and credentials of users."""

import base64
import binascii

import msgspec

from gateway.cache.expiring import ExpiringCache, Limits
from gateway.catalog.added_source import AddedSource
from gateway.catalog.mcp_credential_store import McpCredentialStore
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import McpShelf

__all__ = ["MCP_CREDENTIAL_PREFIX", "McpStock", "open_credential"]

MCP_CREDENTIAL_PREFIX = "mcp-credential:"
"""What the notice of a changed credential begins with; user and server follow, as JSON."""
_LIMITS = Limits(capacity=4_096, negative_capacity=4_096)
_decode = msgspec.json.Decoder(tuple[str, str]).decode


class McpStock:
    """Servers and toolsets as they were read last; credentials as they are asked for, remembered a minute."""

    def __init__(self, added: AddedSource, database: Database, clock: Clock) -> None:
        self._added = added
        self._store = McpCredentialStore(database)
        self._credentials = ExpiringCache[tuple[str, str], str](clock, _LIMITS)

    @property
    def current(self) -> McpShelf:
        """Those of now: the same object as long as nothing has changed."""
        return self._added.current.mcp

    async def find_credential(self, user_id: str, server_id: str) -> str | None:
        """What a user has given for a server. Raises DatabaseUnavailable where it has to be read."""
        return await self._credentials.get_or_load((user_id, server_id), self._load)

    def forget_one(self, user_id: str | None, server_id: str) -> None:
        """Read a credential anew: this worker has just changed it."""
        self._credentials.drop((user_id or "", server_id))

    def apply(self, payload: str) -> None:
        """Forget the credential that a notice names."""
        try:
            self._credentials.drop(_decode(payload.removeprefix(MCP_CREDENTIAL_PREFIX)))
        except msgspec.DecodeError:
            self.forget()

    def forget(self) -> None:
        """Read every credential anew."""
        self._credentials.clear()

    async def _load(self, key: tuple[str, str]) -> str | None:
        stored = await self._store.find(*key)
        return None if stored is None else open_credential(stored, self._added.seal)


def open_credential(stored: str, seal: Seal) -> str | None:
    """A credential in plain, also one in base64 of early releases of LiteLLM; None if it cannot be read."""
    try:
        opened = seal.open(stored)
    except UnsealableError:
        return _plain(stored)
    return opened if opened != stored else _plain(stored)


def _plain(stored: str) -> str | None:
    try:
        text = base64.b64decode(stored.replace("-", "+").replace("_", "/"), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text if text.isprintable() else None
