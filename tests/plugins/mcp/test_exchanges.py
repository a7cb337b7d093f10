"""Tokens that are exchanged for those of callers: how long they are kept, and for whom."""

import pytest
from gateway_mcp.made import Made
from gateway_mcp.oauth.exchanges import Exchanges, TokenRefusedError, find_subject
from gateway_mcp.oauth.network import Network as Reach
from gateway_mcp.server_terms import McpServer
from gateway_mcp.transports.renewing import RenewingForwarder
from gateway_mcp.upstreams import Upstream

from gateway.hooks import RequestHead
from tests.oidc import encode
from tests.plugins.mcp.test_tokens import OAUTH, Clock, Network, asking

pytestmark = pytest.mark.asyncio(loop_scope="session")

FIX = Upstream(
    "fix",
    McpServer(
        url=OAUTH["url"],
        auth_type="oauth2_token_exchange",
        token_exchange_endpoint=OAUTH["token_url"],
        client_id="gateway",
        client_secret="secret",
    ),
)


def token(claims: bytes) -> str:
    return f"{encode(b'{}')}.{encode(claims)}.x"


OWN = "eya." + encode(b'{"exp": 300, "gatewright_use": "mcp"}') + ".x"
"""What the gateway itself has signed goes to nobody."""


def build() -> tuple[Network, Clock, Exchanges]:
    network, clock = Network(), Clock()
    return network, clock, Exchanges(Reach(network, Network()), clock)


async def test_what_was_exchanged_ends_with_the_callers_token() -> None:
    network, clock, exchanges = build()
    short, endless = token(b'{"exp": 300}'), token(b"no JSON")
    assert [await exchanges.find(FIX, one) for one in (short, endless, short)] == ["t1", "t2", "t1"]
    clock.seconds = 299
    assert await exchanges.find(FIX, short) == "t1"
    clock.seconds = 301
    with pytest.raises(TokenRefusedError, match="it is over"):
        await exchanges.find(FIX, short)
    assert await exchanges.find(FIX, endless) == "t2"
    clock.seconds = 541
    assert await exchanges.find(FIX, endless) == "t3"
    exchanges.forget(FIX)
    assert await exchanges.find(FIX, endless) == "t4"
    assert len(network.granted) == 4


async def test_a_refusal_is_remembered_for_some_seconds() -> None:
    network, clock, exchanges = build()
    network.status, network.answer = 400, {"error": "invalid_grant"}
    for seconds, asked in ((0, 1), (9, 1), (11, 2)):
        clock.seconds = seconds
        with pytest.raises(TokenRefusedError):
            await exchanges.find(FIX, token(b"{}"))
        assert len(network.granted) == asked


async def test_a_server_that_refuses_gets_another_token_of_the_same_caller() -> None:
    network, clock, exchanges = build()
    forwarder = RenewingForwarder(network, FIX, exchanges)
    first = await exchanges.find(FIX, token(b'{"sub": "ada"}'))
    other = await exchanges.find(FIX, token(b'{"sub": "bob"}'))
    clock.seconds, network.wanted = 100, "Bearer t3"
    for sent, status, granted in ((first, 200, 3), (first, 401, 3), (other, 401, 4)):
        async with forwarder.forward(asking(sent)) as stream:
            assert isinstance(stream, Made)
            assert (stream.status, len(network.granted)) == (status, granted)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"authorization": "Bearer eya.b.c"}, "eya.b.c"),
        ({"authorization": "Bearer sk-a.b.c", "x-litellm-api-key": "eya.b.c"}, "eya.b.c"),
        ({"authorization": "Bearer eya.b.c", "x-litellm-api-key": "Bearer eyd.e.f"}, "eya.b.c"),
        ({"authorization": "Basic eya.b.c"}, ""),
        ({"authorization": "Bearer eya.b"}, ""),
        ({"x-api-key": "eya.b.c"}, ""),
        ({"authorization": f"Bearer {OWN}"}, ""),
        ({"authorization": f"Bearer {OWN}", "x-litellm-api-key": "eya.b.c"}, "eya.b.c"),
    ],
)
async def test_the_callers_token_has_the_form_of_one(headers: dict[str, str], found: str) -> None:
    assert find_subject(RequestHead("POST", "/fix/mcp", headers)) == found
