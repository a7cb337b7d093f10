"""Servers whose clients log in themselves: whom they are open to, and the documents about them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gateway_mcp.access import Access, AccessSettings
from gateway_mcp.bases import Bases
from gateway_mcp.brought import without_scheme
from gateway_mcp.documents import Metadata
from gateway_mcp.made import Made
from gateway_mcp.passing_on import UpstreamRefusalError, find_open, state_refusal
from gateway_mcp.places import find_place
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream, Upstreams
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain import McpToolset
from gateway.errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from gateway.hooks import ForwardRequest, RequestHead
from gateway.testing import FakeClock, make_head

P: dict[str, Any] = {"extra_headers": ("Authorization",), "oauth_passthrough": True}
OPEN_SERVER = McpServer(url="https://p.example/mcp", **P)


def build_upstreams() -> Upstreams:
    built = Upstreams(
        {
            "p": McpServer(url="https://p.example/mcp", alias="alias", server_id="id-p", **P),
            "ns/p": McpServer(url="https://n.example/mcp", access_groups=("group",), **P),
            "q": McpServer(url="https://q.example/mcp", access_groups=("group",)),
        }
    )
    built.add_toolset(McpToolset(toolset_id="t", name="set", tools={"id-p": ("add",)}))
    return built


SERVERS = build_upstreams()
OPEN = {"p", "alias", "id-p", "ns/p"}
PIECES = [
    *OPEN,
    "q",
    "mcp",
    "set",
    "toolset",
    "group",
    "sse",
    "proxy",
    "",
    ",",
    "/",
    "//",
    "%2F",
    ".",
    "..",
    " ",
    "P",
    "\u0440",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=7).map("".join),
    st.sampled_from(["/mcp/{}", "/{}/mcp", "/{}", "{}"]),
)
@settings(max_examples=100, deadline=None)
def test_the_servers_that_are_open_are_those_to_which_the_path_leads(text: str, form: str) -> None:
    path = form.format(text)
    place = find_place(path, SERVERS)
    one = find_open(place, make_head(path), SERVERS)

    is_led = place is not None and place.is_single and place.upstreams[0].name in OPEN
    assert one is (place.upstreams[0] if is_led and place is not None else None)
    if one is not None:
        assert path in {form.format(name) for form in ("/mcp/{}", "/{}/mcp") for name in one.names}


@pytest.mark.parametrize(
    "path", ["/toolset/set/mcp", "/mcp", "/mcp/group", "/mcp/p,q", "/mcp/proxy", "/mcp/q"]
)
def test_nothing_else_is_open(path: str) -> None:
    place = find_place(path, SERVERS)

    assert place is not None
    assert find_open(place, make_head(path), SERVERS) is None


def test_a_credential_in_the_operators_header_is_another_one() -> None:
    named = Upstreams({"p": OPEN_SERVER}, Access(AccessSettings(mcp_client_side_auth_header_name="X-Key")))
    place = find_place("/mcp/p", named)
    assert find_open(place, make_head("/mcp/p"), named) is not None
    assert find_open(place, make_head("/mcp/p", x_key="a"), named) is None
    # The token itself is no other one.
    setting = AccessSettings(mcp_client_side_auth_header_name="Authorization")
    own = Upstreams({"p": OPEN_SERVER}, Access(setting))
    assert (
        find_open(find_place("/mcp/p", own), make_head("/mcp/p", authorization="Bearer t"), own) is not None
    )


@pytest.mark.parametrize(
    ("value", "kind", "alone"),
    [
        ("abc", "bearer_token", "abc"),
        ("bearer  abc", "bearer_token", "abc"),
        ("Token abc", "token", "abc"),
        ("Bearer abc", "api_key", "abc"),
        ("Basic dTpw", "basic", "dTpw"),
        ("Bearer:x y", "basic", "Bearer:x y"),
        ("Digest abc", "bearer_token", "Digest abc"),
        ("Bearer", "bearer_token", "Bearer"),
        ("Bearer abc", "authorization", "Bearer abc"),
        ("Bearer abc", "oauth_delegate", "Bearer abc"),
        ("", "none", ""),
    ],
)
def test_a_credential_may_have_its_scheme(value: str, kind: str, alone: str) -> None:
    assert without_scheme(value, kind) == alone


class Public:
    def __init__(self, base_url: str = "", root_path: str = "") -> None:
        self.base_url = base_url
        self.root_path = root_path


PROXIES = AccessSettings(use_x_forwarded_for=True, mcp_trusted_proxy_ranges=("127.0.0.0/8",))
TOLD_OF = {"x-forwarded-proto": "https", "x-forwarded-host": "gate.example, inner"}
TOLD = {"host": "inner:4000", **TOLD_OF}


@pytest.mark.parametrize(
    ("public", "access", "headers", "base"),
    [
        (Public("https://gate.example"), AccessSettings(), {"host": "evil"}, "https://gate.example"),
        (Public("https://gate.example", "/llm"), AccessSettings(), {}, "https://gate.example/llm"),
        (Public("https://gate.example/llm", "/llm"), AccessSettings(), {}, "https://gate.example/llm"),
        (Public(), AccessSettings(), {"host": "GATE:4000"}, "http://GATE:4000"),
        (Public(), AccessSettings(), {"host": "localhost:4000"}, "http://localhost:4000"),
        (Public(), AccessSettings(), {"host": "10.1.2.3:4000"}, "http://10.1.2.3:4000"),
        (Public(), AccessSettings(), {"host": "[::1]:4000"}, "http://[::1]:4000"),
        (Public(), AccessSettings(), {"host": "evil.example"}, ""),
        (Public("", "/llm"), PROXIES, TOLD, "https://gate.example/llm"),
        (Public(), AccessSettings(), TOLD, ""),
        (Public(), AccessSettings(use_x_forwarded_for=True), TOLD, ""),
        (Public(), PROXIES, {"host": "h", "x-forwarded-proto": "gopher"}, ""),
        (Public(), AccessSettings(), {"host": 'h" evil="'}, ""),
        (Public(), AccessSettings(), {}, ""),
    ],
)
def test_addresses_are_those_by_which_clients_know_the_gateway(
    public: Public, access: AccessSettings, headers: dict[str, str], base: str
) -> None:
    head = RequestHead("POST", "/p/mcp", headers, client_host="127.0.0.1")

    assert Bases(public, Access(access), ["gate"]).of(head) == base


@pytest.mark.parametrize(
    ("public", "host", "base"),
    [
        (Public("https://gate.example", "/llm"), "evil", "https://gate.example/llm"),
        (Public("", "/llm"), "localhost:4000", "http://localhost:4000/llm"),
        (Public(), "10.1.2.3:4000", ""),
        (Public(), "gate", ""),
        (Public(), "", ""),
    ],
)
def test_people_log_in_where_the_operator_says(public: Public, host: str, base: str) -> None:
    head = RequestHead("GET", "/.well-known/x", {"host": host, **TOLD_OF}, client_host="127.0.0.1")
    assert Bases(public, Access(PROXIES), ["gate"]).of_logins(head) == base


def test_without_an_address_there_is_no_challenge() -> None:
    head = RequestHead("POST", "/p/mcp", {}, client_host="127.0.0.1")
    upstream = SERVERS.by_name("p")
    assert upstream is not None
    bases = Bases(Public(), Access(AccessSettings()))

    stated = state_refusal(UpstreamRefusalError(upstream, 401, ""), head, bases, SERVERS)

    assert (stated.status, stated.message, stated.headers) == (401, "Unauthorized", {})


class Network:
    """Counts what is asked, and answers or fails as it is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.body = b'{"authorization_servers": ["https://issuer.example"]}'
        self.status = 200
        self.failure: Exception | None = None

    @asynccontextmanager
    async def forward(self, request: ForwardRequest) -> AsyncGenerator[Made]:
        self.asked.append(request.url)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        yield Made(self.status, (), self.body)


def build(capacity: int = 1000) -> tuple[Network, FakeClock, Metadata]:
    network, clock = Network(), FakeClock()
    return network, clock, Metadata(network, Network(), clock, capacity)


def server(number: int = 0, **more: Any) -> Upstream:
    return Upstream(f"p{number}", McpServer(url=f"https://p{number}.example/mcp/", **P), **more)


async def test_everybody_who_waits_shares_one_request_and_others_are_spared_it_for_a_while() -> None:
    network, clock, metadata = build()
    one = server()

    found = await asyncio.gather(*(metadata.find(one) for _ in range(50)))

    assert all(each["authorization_servers"] == ["https://issuer.example"] for each in found)
    assert network.asked == ["https://p0.example/.well-known/oauth-protected-resource/mcp"]
    clock.advance(299)
    await metadata.find(one)
    assert len(network.asked) == 1
    clock.advance(2)
    await metadata.find(one)
    assert len(network.asked) == 2


FAILURES = {
    "unreachable": UpstreamUnreachable("no"),
    "too slow": UpstreamTimeout("no"),
    "broken": UpstreamBroken("no"),
    "late": TimeoutError(),
}
GARBAGE = {"a list": b"[]", "no json": b"<html>", "nothing": b"", "no text": b"\xff"}


@pytest.mark.parametrize("case", [*FAILURES, *GARBAGE, 404, 401, 500, 302])
async def test_a_failure_is_502_and_kept_for_less_time(case: Any) -> None:
    network, clock, metadata = build()
    one = server()
    network.failure = FAILURES.get(case)
    network.status = case if isinstance(case, int) else 200
    network.body = GARBAGE.get(case, network.body)

    for seconds, count in ((0, 1), (29, 1), (2, 2)):
        clock.advance(seconds)
        with pytest.raises(UpstreamError) as caught:
            await metadata.find(one)
        assert (caught.value.status, len(network.asked)) == (502, count)
    network.failure, network.status, network.body = None, 200, b"{}"
    clock.advance(31)
    assert await metadata.find(one) == {}


async def test_what_is_kept_is_bounded_and_goes_with_its_server() -> None:
    network, _, metadata = build(capacity=3)
    servers = [server(number) for number in range(5)]
    waiting = asyncio.create_task(metadata.find(servers[0]))
    await asyncio.sleep(0)
    for one in servers[1:]:
        await metadata.find(one)
    await waiting

    assert metadata.size <= 3
    assert metadata.waiting == 0
    count = len(network.asked)
    await metadata.find(servers[-1])
    assert len(network.asked) == count
    metadata.forget(servers[-1])
    await metadata.find(servers[-1])
    assert len(network.asked) == count + 1


async def test_servers_of_users_are_asked_on_public_networks_only() -> None:
    network, _, metadata = build()

    await metadata.find(server(is_tenants=True))

    assert network.asked == []


def test_what_a_user_has_stored_wins_over_a_header_that_everybody_has() -> None:
    settings = McpServer(
        spec_path="https://s.example/doc.json", is_byok=True, static_headers={"Authorization": "s"}
    )

    assert settings.headers("mine") == {"authorization": "Bearer mine"}
