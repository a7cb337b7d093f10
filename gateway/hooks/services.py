"""What the gateway lends to a plugin that asks for it when it is built."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from gateway.clock import Clock, SystemClock
from gateway.domain import McpShelf
from gateway.errors import ServiceUnavailable
from gateway.hooks.transport import Forwarder, ForwardRequest, UpstreamStream

__all__ = ["OFFLINE", "Closing", "McpSource", "PluginServices", "PublicAddress", "Sealing"]


class Sealing(Protocol):
    """Encrypts texts that clients keep, under the salt key, so that any worker can read them later."""

    def close(self, purpose: str, text: str) -> str:
        """Encrypt a text, as url-safe characters; it can be opened for the same purpose only."""
        ...

    def open(self, purpose: str, sealed: str) -> str | None:
        """Decrypt; None for what this gateway did not encrypt for this purpose."""
        ...


class Closing(Protocol):
    """Closes what a plugin holds, like processes and connections, when the gateway stops."""

    def add(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call this at the end."""
        ...

    def discard(self, close: Callable[[], Awaitable[None]]) -> None:
        """It is closed already."""
        ...


class PublicAddress(Protocol):
    """Where clients reach the gateway, as far as the operator has said so."""

    @property
    def base_url(self) -> str:
        """An address without a slash at its end; empty where the operator has named none."""
        ...

    @property
    def root_path(self) -> str:
        """The prefix of all paths, which requests come without; empty where there is none."""
        ...


class McpSource(Protocol):
    """The MCP servers and toolsets of the database, and what users have given for them."""

    @property
    def current(self) -> McpShelf:
        """Those of now: the same object as long as nothing has changed."""
        ...

    async def find_credential(self, user_id: str, server_id: str) -> str | None:
        """What a user has given for a server that asks users for a credential; remembered for a minute."""
        ...


class PluginServices(msgspec.Struct, frozen=True, kw_only=True):
    """Clock, HTTP client, encryption and address of the gateway, what it closes, and what the database has.

    They outlive a reload, which builds plugins anew.
    """

    clock: Clock
    forwarder: Forwarder
    guarded_forwarder: Forwarder
    """Of the same kind, for addresses that are a tenant's: it reaches public networks only."""
    sealing: Sealing
    closing: Closing
    mcp: McpSource
    public: PublicAddress


class _Offline:
    current = McpShelf()
    base_url = root_path = ""

    def close(self, purpose: str, text: str) -> str:
        del purpose, text
        raise ServiceUnavailable("Nothing is encrypted where no gateway runs.")

    def open(self, purpose: str, sealed: str) -> str | None:
        del purpose, sealed

    async def find_credential(self, user_id: str, server_id: str) -> str | None:
        del user_id, server_id

    def add(self, close: Callable[[], Awaitable[None]]) -> None:
        del close

    def discard(self, close: Callable[[], Awaitable[None]]) -> None:
        del close

    def forward(self, request: ForwardRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        del request
        raise ServiceUnavailable("Nothing is asked where no gateway runs.")


_OFFLINE = _Offline()
OFFLINE = PluginServices(
    clock=SystemClock(),
    forwarder=_OFFLINE,
    guarded_forwarder=_OFFLINE,
    sealing=_OFFLINE,
    closing=_OFFLINE,
    mcp=_OFFLINE,
    public=_OFFLINE,
)
"""For commands that only look at plugins."""
