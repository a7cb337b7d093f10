"""Tokens with which the gateway is known to MCP servers: kept, renewed and told to nobody."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from gateway_mcp.made import Made
from gateway_mcp.oauth.network import Network as Reach
from gateway_mcp.server_terms import McpServer
from gateway_mcp.tokens import Tokens
from gateway_mcp.transports.renewing import RenewingForwarder
from gateway_mcp.upstreams import Upstream

from gateway.errors import UpstreamError
from gateway.hooks import ForwardRequest

pytestmark = pytest.mark.asyncio(loop_scope="session")

SECRET = "the client's secret"
OAUTH: dict[str, Any] = {
    "url": "http://server.example/mcp",
    "auth_type": "oauth2",
    "oauth2_flow": "client_credentials",
    "token_url": "http://issuer.example/token",
    "client_id": "gateway",
    "client_secret": SECRET,
}


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic_nanos(self) -> int:
        return int(self.seconds * 1e9)

    def now_nanos(self) -> int:
        return self.monotonic_nanos()


class Network:
    """Grants `t1`, `t2`, ...; the server takes only the newest."""

    def __init__(self) -> None:
        self.granted: list[ForwardRequest] = []
        self.served: list[str] = []
        self.answer: dict[str, Any] = {"expires_in": 600}
        self.status = 200
        self.wanted: str | None = None
        self.header = "authorization"
        self.headers: dict[str, str] = {}

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[Made]:
        await asyncio.sleep(0)
        if request.url == OAUTH["token_url"]:
            self.granted.append(request)
            token = {"access_token": f"t{len(self.granted)}", "token_type": "bearer", **self.answer}
            yield Made(self.status, (), msgspec.json.encode(token))
            return
        self.headers = dict(request.headers)
        sent = self.headers[self.header]
        self.served.append(sent)
        yield Made(200 if self.wanted in (None, sent) else 401, (), b"{}")


def build(**settings: Any) -> tuple[Network, Clock, Tokens, Upstream]:
    network, clock = Network(), Clock()
    upstream = Upstream("fix", msgspec.convert({**OAUTH, **settings}, McpServer))
    return network, clock, Tokens(Reach(network, Network()), clock), upstream


async def test_everybody_who_waits_shares_one_request() -> None:
    network, _, tokens, upstream = build(scopes=["a", "b"], audience="them")
    leaving = asyncio.create_task(tokens.find(upstream))
    await asyncio.sleep(0)
    leaving.cancel()
    found = await asyncio.gather(*(tokens.find(upstream) for _ in range(50)))
    assert set(found) == {"t1"}
    assert len(network.granted) == 1
    assert parse_qs(str(network.granted[0].body, "ascii")) == {  # type: ignore[arg-type]  bytes
        "grant_type": ["client_credentials"],
        "client_id": ["gateway"],
        "client_secret": [SECRET],
        "scope": ["a b"],
        "audience": ["them"],
    }


@pytest.mark.parametrize(("said", "sent"), [("auto", OAUTH["url"]), ("api://tools", "api://tools")])
async def test_a_token_is_for_the_resource_that_is_said(said: str, sent: str) -> None:
    network, _, tokens, upstream = build(upstream_resource=said)
    await tokens.find(upstream)
    assert parse_qs(str(network.granted[0].body, "ascii"))["resource"] == [sent]  # type: ignore[arg-type]  bytes


async def test_the_issuer_of_a_users_server_is_on_a_public_network() -> None:
    free, guarded = Network(), Network()
    tenant = Upstream("fix", msgspec.convert(OAUTH, McpServer), is_tenants=True)
    assert await Tokens(Reach(free, guarded), Clock()).find(tenant) == "t1"
    assert (len(free.granted), len(guarded.granted)) == (0, 1)


async def test_the_secret_may_go_in_a_header() -> None:
    network, _, tokens, upstream = build(token_endpoint_auth_method="client_secret_basic")
    await tokens.find(upstream)
    assert dict(network.granted[0].headers)["authorization"].startswith("Basic Z2F0ZXdheTp0aGUr")
    assert network.granted[0].body == b"grant_type=client_credentials"


@pytest.mark.parametrize(
    ("lasts", "still", "over"), [(600, 539, 541), (60, 29, 31), (None, 3539, 3541), (0, None, 0)]
)
async def test_a_token_is_kept_until_shortly_before_its_end(
    lasts: int | None, still: int | None, over: int
) -> None:
    network, clock, tokens, upstream = build()
    network.answer = {} if lasts is None else {"expires_in": lasts}
    assert await tokens.find(upstream) == "t1"
    if still is not None:
        clock.seconds = still
        assert await tokens.find(upstream) == "t1"
    clock.seconds = over
    assert await tokens.find(upstream) == "t2"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, {}),
        (302, {}),
        (200, {"access_token": ""}),
        (200, {"token_type": "mac"}),
        (200, {"access_token": "a\r\nb"}),
        (200, {"access_token": 7}),
    ],
)
async def test_a_refusal_names_the_server_and_no_secret(status: int, answer: dict[str, Any]) -> None:
    network, _, tokens, upstream = build()
    network.status, network.answer = status, answer
    with pytest.raises(UpstreamError) as raised:
        await tokens.find(upstream)
    assert "'fix'" in raised.value.message
    assert SECRET not in raised.value.message
    network.status, network.answer = 200, {}
    assert await tokens.find(upstream) == "t2", "a failure is not kept"


@pytest.mark.parametrize(("wanted", "is_taken"), [("true", True), (True, True), ("false", False)])
async def test_a_token_has_the_members_that_the_operator_wants(wanted: object, *, is_taken: bool) -> None:
    network, _, tokens, upstream = build(token_validation={"active": wanted})
    network.answer = {"active": True}
    if is_taken:
        assert await tokens.find(upstream) == "t1"
        return
    for _ in range(2):
        with pytest.raises(UpstreamError, match="token_validation"):
            await tokens.find(upstream)
    assert len(network.granted) == 2, "it is not kept"


def asking(token: str) -> ForwardRequest:
    headers = (("authorization", f"Bearer {token}"),)
    return ForwardRequest("POST", OAUTH["url"], headers, b"{}", 1, 1, 100)


async def test_a_token_that_is_refused_is_renewed_once_for_all() -> None:
    network, clock, tokens, upstream = build()
    forwarder = RenewingForwarder(network, upstream, tokens)
    first = await tokens.find(upstream)
    clock.seconds, network.wanted = 100, "Bearer t2"

    async def ask() -> int:
        async with forwarder.forward(asking(first)) as stream:
            return stream.status

    assert await asyncio.gather(*(ask() for _ in range(10))) == [200] * 10
    assert len(network.granted) == 2
    network.wanted = "Bearer another"
    assert await ask() == 401
    assert len(network.granted) == 2, "a fresh token that is refused is not renewed again and again"


async def test_a_token_that_is_refused_is_replaced_in_its_own_header() -> None:
    network, clock, tokens, upstream = build(
        upstream_token_header="ESB-OAuth",
        static_headers={"Authorization": "${OWN}"},
        env_vars=[{"name": "OWN", "scope": "user"}],
    )
    token, network.header, network.wanted = await tokens.find(upstream), "esb-oauth", "Bearer t2"
    clock.seconds = 100
    headers = upstream.settings.fill(upstream.settings.headers(token), {"OWN": "Bearer theirs"})
    assert headers == {"esb-oauth": "Bearer t1", "authorization": "Bearer theirs"}
    request = msgspec.structs.replace(asking(""), headers=tuple(headers.items()))
    async with RenewingForwarder(network, upstream, tokens).forward(request) as stream:
        assert stream.status == 200
    assert network.headers == {"esb-oauth": "Bearer t2", "authorization": "Bearer theirs"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"upstream_resource": "tools"}, "'upstream_resource' is 'auto'"),
        ({"upstream_resource": "https://tools.example/#a"}, "'upstream_resource' is 'auto'"),
        ({"upstream_token_header": "a b"}, "no header for a credential"),
        ({"upstream_token_header": "Host"}, "no header for a credential"),
        ({"upstream_token_header": "mcp-session-id"}, "no header for a credential"),
        ({"client_secret": ""}, "client_secret"),
        ({"oauth2_flow": None}, "authorization_url"),
        ({"oauth2_flow": "authorization_code", "client_id": "", "token_url": ""}, "client_secret"),
        ({"token_url": "ftp://x"}, "token_url"),
        ({"auth_value": "x"}, "auth_value"),
        ({"is_byok": True}, "is_byok"),
        ({"auth_type": "none"}, "oauth2_flow"),
    ],
)
async def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        build(**settings)
