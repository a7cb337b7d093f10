"""Which HTTP client serves a deployment."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Protocol, cast

from gateway.domain import ChosenBy, Deployment, OnDisconnect
from gateway.hooks import Forwarder, ForwardRequest, UpstreamStream
from gateway.upstream.address_guard import AddressGuard, Networks
from gateway.upstream.client import UpstreamClient
from gateway.upstream.dialect import is_mock
from gateway.upstream.fetching import Fetcher
from gateway.upstream.mock import MockClient
from gateway.upstream.pyreqwest_client import PyreqwestClient

__all__ = ["UpstreamClients"]

_GUARDED = frozenset({ChosenBy.CLIENT_ADDRESS, ChosenBy.TENANT})


class UpstreamClients:
    """All clients of one worker; each is made when the first deployment needs it. Close it at the end.

    `networks` are those beyond the public ones to which an address of a client's or a tenant's may lead.
    """

    def __init__(self, networks: Networks = ()) -> None:
        self._mock: UpstreamClient = MockClient()
        self._default: UpstreamClient | None = None
        self._stoppable: _Stoppable | None = None
        self._guarded: _Stoppable | None = None
        self._networks = networks
        self.fetcher = Fetcher()
        """Reads what other servers publish."""

    def client_for(self, deployment: Deployment) -> UpstreamClient:
        """Return the client: the built-in mock, one that can stop a call at once, or the fast one.

        An address that is not the operator's is reached by one of its own, which looks where it leads.
        """
        if is_mock(deployment):
            return self._mock
        if deployment.on_disconnect is OnDisconnect.CANCEL:
            if deployment.chosen_by in _GUARDED:
                return self._make_guarded()
            return self._make_stoppable()
        if self._default is None:
            self._default = PyreqwestClient()
        return self._default

    def forward(self, request: ForwardRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        """Send a request of a pass-through, by the client that stops at once what is cancelled."""
        return self._make_stoppable().forward(request)

    @property
    def guarded(self) -> Forwarder:
        """Sends requests to addresses that are a tenant's: it looks where they lead."""
        return _GuardedForwarder(self._make_guarded)

    def _make_guarded(self) -> "_Stoppable":
        self._guarded = self._guarded or _make_stoppable(AddressGuard(self._networks))
        return self._guarded

    def _make_stoppable(self) -> "_Stoppable":
        self._stoppable = self._stoppable or _make_stoppable()
        return self._stoppable

    async def close(self) -> None:
        """Close every client that was made."""
        await self.fetcher.close()
        for client in (self._mock, self._default, self._stoppable, self._guarded):
            if client is not None:
                await client.close()


class _GuardedForwarder:
    """The client for addresses of tenants, made when the first of them is asked."""

    def __init__(self, make: "Callable[[], _Stoppable]") -> None:
        self._make = make

    def forward(self, request: ForwardRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        """Send a request; an address that leads to a network which is not for tenants is unreachable."""
        return self._make().forward(request)


class _Stoppable(UpstreamClient, Forwarder, Protocol):
    """What the client that can stop a call does."""


def _make_stoppable(guard: AddressGuard | None = None) -> _Stoppable:
    # aiohttp costs 100 ms and 15 MB to import: only a gateway with such a deployment pays for it.
    module = import_module("gateway.upstream.aiohttp_client")
    return cast("_Stoppable", module.AiohttpClient(guard))  # an attribute of a module is Any
