"""What the gateway lends to a plugin that asks for it when it is built."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import msgspec

from gateway.clock import Clock, SystemClock
from gateway.domain import McpClients, McpFinding, McpShelf
from gateway.errors import ServiceUnavailable
from gateway.hooks.context import RequestContext, RequestHead
from gateway.hooks.transport import Forwarder, ForwardRequest, UpstreamStream

__all__ = [
    "OFFLINE",
    "Closing",
    "Inside",
    "Keeping",
    "McpSource",
    "Models",
    "PluginServices",
    "PublicAddress",
    "Sealing",
    "Vouchers",
    "Workers",
]

_Kept = TypeVar("_Kept")


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

    @property
    def finding(self) -> McpFinding:
        """How tools are found now, as the configuration says it or the database does."""
        ...

    @property
    def clients(self) -> McpClients:
        """Which applications may speak with servers now, likewise."""
        ...

    async def find_credential(self, user_id: str, server_id: str) -> str | None:
        """What a user has given for a server that asks users for a credential; remembered for a minute."""
        ...

    async def renew_credential(
        self, user_id: str, server_id: str, known: str, renew: Callable[[], Awaitable[str]]
    ) -> str | None:
        """Put what `renew` makes in the place of a credential that is `known`; returns what is there then.

        Of all workers one renews; whoever comes later gets what it has made.
        """
        ...

    async def find_registration(self, server_id: str, issuer: str) -> str | None:
        """As what the gateway is registered at the authorization server of a server."""
        ...

    async def keep_registration(self, server_id: str, issuer: str, text: str) -> None:
        """Keep that, encrypted, in the place of what there was."""
        ...


class Vouchers(Protocol):
    """Secrets that hold once and for a while, on any worker. Raises DatabaseUnavailable."""

    async def issue(self, purpose: str, text: str, seconds: float) -> str:
        """A new secret, url-safe, for a text that is put down encrypted."""
        ...

    async def redeem(self, purpose: str, secret: str) -> str | None:
        """The text, once; None for a secret that is unknown, used, too old, or for another purpose."""
        ...


class Models(Protocol):
    """The models that the gateway serves."""

    async def embed(
        self, context: RequestContext, asker: str, model: str, texts: Sequence[str]
    ) -> list[list[float]]:
        """The vectors of texts, in their order.

        It is a call of its own, which the caller of `context` pays; its spend row names `asker`. It counts
        for no limit of requests. Who stops waiting for it ends nothing. Raises GatewayError.
        """
        ...


class Inside(Protocol):
    """Requests of a plugin to its own gateway: each is one like any other that comes from a network."""

    def ask(
        self, head: RequestHead, body: bytes, state: Mapping[str, object]
    ) -> AbstractAsyncContextManager[UpstreamStream]:
        """Send a request; its hooks find the `state` in that of its context.

        Leaving the context ends it, as a client does that leaves. Raises UpstreamBroken.
        """
        ...


class Workers(Protocol):
    """The workers of this gateway, on all of its machines: each can ask any other one by its name."""

    @property
    def name(self) -> str:
        """What this one is called, as long as it runs."""
        ...

    def serve(self, question: str, answer: Callable[[str], Awaitable[str]]) -> None:
        """Answer a question that is put to this worker; a second time it replaces what answers it."""
        ...

    async def consult(self, worker: str, question: str, argument: str) -> str | None:
        """What a worker answers; None for one that is gone, or silent for ten seconds.

        Argument and answer have 6,000 bytes at most; whoever reads the database's traffic sees them. Raises
        DatabaseUnavailable.
        """
        ...


class Keeping(Protocol):
    """What a plugin has that outlives a reload, like connections of clients."""

    def keep(self, kind: type[_Kept], build: Callable[[], _Kept]) -> _Kept:
        """The one object of this kind, built now if there is none yet."""
        ...


class PluginServices(msgspec.Struct, frozen=True, kw_only=True):
    """Clock, HTTP client, encryption, address and models of the gateway, and what the database has.

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
    vouchers: Vouchers
    models: Models
    inside: Inside
    workers: Workers
    keeping: Keeping


class _Offline:
    current = McpShelf()
    finding = McpFinding()
    clients = McpClients()
    base_url = root_path = name = ""

    def close(self, purpose: str, text: str) -> str:
        del purpose, text
        raise ServiceUnavailable("Nothing is encrypted where no gateway runs.")

    def open(self, purpose: str, sealed: str) -> str | None:
        del purpose, sealed

    async def find_credential(self, user_id: str, server_id: str) -> str | None:
        del user_id, server_id

    async def renew_credential(
        self, user_id: str, server_id: str, known: str, renew: Callable[[], Awaitable[str]]
    ) -> str | None:
        del user_id, server_id, known, renew

    async def find_registration(self, server_id: str, issuer: str) -> str | None:
        del server_id, issuer

    async def keep_registration(self, server_id: str, issuer: str, text: str) -> None:
        del server_id, issuer, text

    async def issue(self, purpose: str, text: str, seconds: float) -> str:
        del purpose, text, seconds
        raise ServiceUnavailable("Nothing is issued where no gateway runs.")

    async def redeem(self, purpose: str, secret: str) -> str | None:
        del purpose, secret

    async def embed(
        self, context: RequestContext, asker: str, model: str, texts: Sequence[str]
    ) -> list[list[float]]:
        del context, asker, model, texts
        raise ServiceUnavailable("No model is asked where no gateway runs.")

    def add(self, close: Callable[[], Awaitable[None]]) -> None:
        del close

    def discard(self, close: Callable[[], Awaitable[None]]) -> None:
        del close

    def ask(
        self, head: RequestHead, body: bytes, state: Mapping[str, object]
    ) -> AbstractAsyncContextManager[UpstreamStream]:
        del head, body, state
        raise ServiceUnavailable("Nothing is asked where no gateway runs.")

    def serve(self, question: str, answer: Callable[[str], Awaitable[str]]) -> None:
        del question, answer

    def keep(self, kind: type[_Kept], build: Callable[[], _Kept]) -> _Kept:
        del kind
        return build()

    async def consult(self, worker: str, question: str, argument: str) -> str | None:
        del worker, question, argument

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
    vouchers=_OFFLINE,
    models=_OFFLINE,
    inside=_OFFLINE,
    workers=_OFFLINE,
    keeping=_OFFLINE,
)
"""For commands that only look at plugins."""
