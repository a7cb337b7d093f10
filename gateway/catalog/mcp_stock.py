"""What the database has for the plugin that serves MCP: servers, toolsets, and credentials of users."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from gateway.cache.expiring import ExpiringCache, Limits
from gateway.catalog.added_source import AddedSource
from gateway.catalog.mcp_credential_store import McpCredentialStore
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.db.sealing import Seal, UnsealableError
from gateway.db.vouchers import Vouchers
from gateway.domain import McpClients, McpFinding, McpShelf

__all__ = ["MCP_CREDENTIAL_PREFIX", "McpStock", "open_credential"]

MCP_CREDENTIAL_PREFIX = "mcp-credential:"
"""What the notice of a changed credential begins with; user and server follow, as JSON."""
_LIMITS = Limits(capacity=4_096, negative_capacity=4_096)
_CLAIM_SECONDS, _LOOK_SECONDS, _MOST_LOOKS = 45.0, 2.0, 25
"""Notices tell of changes; looks are for the notice that was lost, and for the worker that has died."""
_decode = msgspec.json.Decoder(tuple[str, str]).decode


class McpStock:
    """Servers and toolsets as they were read last; credentials as they are asked for, remembered a minute."""

    def __init__(
        self,
        added: AddedSource,
        database: Database,
        clock: Clock,
        vouchers: Vouchers,
        announce: Callable[[str, str], Awaitable[None]],
    ) -> None:
        """`announce` tells every worker that a credential has changed."""
        self._added = added
        self._vouchers = vouchers
        self._announce = announce
        self._store = McpCredentialStore(database)
        self._credentials = ExpiringCache[tuple[str, str], str](clock, _LIMITS)
        self._awaited: dict[tuple[str, str], asyncio.Event] = {}
        self.finding = McpFinding()
        """How tools are found: what the settings say of it."""
        self.clients = McpClients()
        """Which applications may ask for anything: what the settings say of it."""

    @property
    def current(self) -> McpShelf:
        """Those of now: the same object as long as nothing has changed."""
        return self._added.current.mcp

    async def find_credential(self, user_id: str, server_id: str) -> str | None:
        """What a user has given for a server. Raises DatabaseUnavailable where it has to be read."""
        return await self._credentials.get_or_load((user_id, server_id), self._load)

    async def renew_credential(
        self, user_id: str, server_id: str, known: str, renew: Callable[[], Awaitable[str]]
    ) -> str | None:
        """Put what `renew` makes in the place of a credential that is `known`; returns what is there then.

        Of all workers one renews; the others wait for what it makes, no longer than it may take.
        """
        key, claim = (user_id, server_id), f"mcp-renewal\n{user_id}\n{server_id}"
        for _ in range(_MOST_LOOKS):
            # What happens after the look is not missed.
            change = self._awaited.setdefault(key, asyncio.Event())
            stored = await self._load(key)
            if stored != known:
                self._note_change(key)
                return stored
            if await self._vouchers.claim(claim, _CLAIM_SECONDS):
                return await self._renew_alone(key, claim, known, renew)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await change.wait()
        return known

    async def _renew_alone(
        self, key: tuple[str, str], claim: str, known: str, renew: Callable[[], Awaitable[str]]
    ) -> str | None:
        """Renew with the claim, and let the others know how it ended, however it did."""
        try:
            return await self._renew(key, known, renew)
        finally:
            await self._vouchers.release(claim)
            await self._announce(*key)

    async def _renew(
        self, key: tuple[str, str], known: str, renew: Callable[[], Awaitable[str]]
    ) -> str | None:
        # Between the look and the claim another worker may have finished.
        stored = await self._load(key)
        if stored == known:
            stored = await renew()
            await self._store.replace(*key, self._added.seal.close(stored))
        self._credentials.drop(key)
        return stored

    async def find_registration(self, server_id: str, issuer: str) -> str | None:
        """As what the gateway is registered; what cannot be decrypted is none."""
        stored = await self._store.find_registration(server_id, issuer)
        return None if stored is None else open_credential(stored, self._added.seal)

    async def keep_registration(self, server_id: str, issuer: str, text: str) -> None:
        """Keep that, encrypted."""
        await self._store.keep_registration(server_id, issuer, self._added.seal.close(text))

    def forget_one(self, user_id: str | None, server_id: str) -> None:
        """Read a credential anew: this worker has just changed it."""
        self._credentials.drop((user_id or "", server_id))

    def apply(self, payload: str) -> None:
        """Forget the credential that a notice names."""
        try:
            key = _decode(payload.removeprefix(MCP_CREDENTIAL_PREFIX))
        except msgspec.DecodeError:
            self.forget()
            return
        self._note_change(key)

    def _note_change(self, key: tuple[str, str]) -> None:
        self._credentials.drop(key)
        if (change := self._awaited.pop(key, None)) is not None:
            change.set()

    def forget(self) -> None:
        """Read every credential anew."""
        self._credentials.clear()
        while self._awaited:
            self._awaited.popitem()[1].set()

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
