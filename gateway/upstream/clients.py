"""Which HTTP client serves a deployment."""

from contextlib import AbstractAsyncContextManager

from gateway.domain import ChosenBy, Deployment, OnDisconnect
from gateway.hooks import Forwarder, ForwardRequest, UpstreamStream
from gateway.upstream.address_guard import AddressGuard, Networks
from gateway.upstream.client import UpstreamClient
from gateway.upstream.dialect import is_mock
from gateway.upstream.fetching import Fetcher
from gateway.upstream.http1.client import Http1Client
from gateway.upstream.mock import MockClient
from gateway.upstream.pyreqwest_client import PyreqwestClient

__all__ = ["UpstreamClients"]

_GUARDED = frozenset({ChosenBy.CLIENT_ADDRESS, ChosenBy.TENANT})


class UpstreamClients:
    """All clients of one worker, which connect when they are first used. Close it at the end.

    `networks` are those beyond the public ones to which an address of a client's or a tenant's may lead.
    """

    def __init__(self, networks: Networks = ()) -> None:
        self._mock: UpstreamClient = MockClient()
        self._default: UpstreamClient | None = None
        self._stoppable = Http1Client()
        self._guarded = Http1Client(AddressGuard(networks))
        self.fetcher = Fetcher()
        """Reads what other servers publish."""

    def client_for(self, deployment: Deployment) -> UpstreamClient:
        """Return the client: the built-in mock, one that can stop a call at once, or the fast one.

        An address that is not the operator's is reached by one of its own, which looks where it leads.
        """
        if is_mock(deployment):
            return self._mock
        if deployment.on_disconnect is OnDisconnect.CANCEL:
            return self._guarded if deployment.chosen_by in _GUARDED else self._stoppable
        if self._default is None:
            self._default = PyreqwestClient()
        return self._default

    def forward(self, request: ForwardRequest) -> AbstractAsyncContextManager[UpstreamStream]:
        """Send a request of a pass-through, by the client that stops at once what is cancelled."""
        return self._stoppable.forward(request)

    @property
    def guarded(self) -> Forwarder:
        """Sends requests to addresses that are a tenant's: it looks where they lead."""
        return self._guarded

    async def close(self) -> None:
        """Close every client that was made."""
        await self.fetcher.close()
        for client in (self._mock, self._default, self._stoppable, self._guarded):
            if client is not None:
                await client.close()
