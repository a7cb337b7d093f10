from collections.abc import AsyncIterator

import pytest

from gateway.upstream.client import UpstreamClient, UpstreamRequest
from gateway.upstream.http1.client import Http1Client
from gateway.upstream.pyreqwest_client import PyreqwestClient
from tests.upstreams import Upstream

CLIENTS = {"pyreqwest": PyreqwestClient, "http1": Http1Client}


@pytest.fixture(params=CLIENTS)
async def client(request: pytest.FixtureRequest) -> AsyncIterator[UpstreamClient]:
    """Each of the two HTTP clients in turn: they must behave alike."""
    made = CLIENTS[request.param]()
    yield made
    await made.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as running:
        yield running


def make_request(
    upstream: Upstream | None,
    *,
    url: str | None = None,
    body: bytes = b'{"model":"m","messages":[]}',
    headers: tuple[tuple[str, str], ...] = (("authorization", "Bearer sk-upstream-secret"),),
    timeout: float = 5.0,
    silence: float = 5.0,
    limit: int = 1_000_000,
) -> UpstreamRequest:
    address = url or f"{upstream.base_url}/chat/completions"  # type: ignore[union-attr]  one of the two is given
    return UpstreamRequest(address, headers, body, timeout, silence, limit)


@pytest.fixture(name="make_request")
def make_request_fixture():
    return make_request
