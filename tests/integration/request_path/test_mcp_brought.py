"""Headers that clients bring for MCP servers: what goes along, to whom, and what never does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import post
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
OWN = {"auth_type": "bearer_token", "auth_value": "of-the-gateway"}
ALONE, AMONG = "/fix/mcp", "/mcp"
REST = "/mcp-rest/tools/list?server_id=fix"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def other() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


async def ask(live: LiveGateway, path: str, headers: dict[str, str]) -> None:
    if path == REST:
        answer = await live.http.get(path, headers=headers)
    else:
        body = LISTING
        if path == AMONG:
            meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
            body = {**LISTING, "params": {"_meta": meta}}
            headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list", **headers}
        answer = await post(live, None, body, path, **headers)
    assert answer.status_code not in (401, 403, 500), answer.text


AUTH = {"authorization": "Bearer U"}
FORWARDS: dict[str, Any] = {"extra_headers": ["Authorization", "X-Request-Id", "X-A"]}
ELSEWHERE: dict[str, Any] = {
    **OWN,
    "upstream_token_header": "ESB-OAuth",
    "static_headers": {"Authorization": "Bearer shared"},
}
CASES: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str | None]]] = {
    "a_key_in_another_header_frees_authorization": (FORWARDS, AUTH, {"authorization": "Bearer U"}),
    "further_headers_go_along": (FORWARDS, {"x-request-id": "7"}, {"x-request-id": "7"}),
    "what_is_not_named_stays": ({}, {**AUTH, "x-a": "1"}, {"authorization": None, "x-a": None}),
    "static_headers_win": (
        {**FORWARDS, "static_headers": {"x-A": "s"}},
        {"x-a": "c", "x-mcp-fix-x-a": "c"},
        {"x-a": "s"},
    ),
    "the_gateways_credential_wins": ({**OWN, **FORWARDS}, AUTH, {"authorization": "Bearer of-the-gateway"}),
    "an_addressed_credential_replaces_it": (
        OWN,
        {"x-mcp-fix-authorization": "Bearer mine"},
        {"authorization": "Bearer mine"},
    ),
    "by_its_alias_folded": ({"alias": "Git.Hub"}, {"x-mcp-git_hub-x-api-key": "m"}, {"x-api-key": "m"}),
    "by_its_group": ({"access_groups": ["g"]}, {"x-mcp-g-x-api-key": "m"}, {"x-api-key": "m"}),
    "groups_that_disagree": (
        {"access_groups": ["g", "h"]},
        {"x-mcp-g-x-api-key": "m", "x-mcp-h-x-api-key": "n"},
        {"x-api-key": None},
    ),
    "the_credential_may_have_another_header": (
        ELSEWHERE,
        {"esb-oauth": "Bearer mine", "x-mcp-fix-authorization": "Bearer mine"},
        {"esb-oauth": "Bearer of-the-gateway", "authorization": "Bearer shared"},
    ),
    "an_addressed_one_replaces_it_there": (
        ELSEWHERE,
        {"x-mcp-fix-esb-oauth": "Bearer m"},
        {"esb-oauth": "Bearer m", "authorization": "Bearer shared"},
    ),
    "other_headers_only_if_named": ({}, {"x-mcp-fix-x-user": "root"}, {"x-user": None}),
    "what_is_anothers_stays": ({}, {"x-mcp-other-authorization": "Bearer o"}, {"authorization": None}),
}


@pytest.mark.parametrize("path", [ALONE, AMONG, REST])
@pytest.mark.parametrize("case", CASES)
async def test_headers_that_go_along(
    live: LiveGateway, key: str, server: McpFixture, other: McpFixture, case: str, path: str
) -> None:
    settings, sent, expected = CASES[case]
    servers = {"fix": {"url": server.url, "transport": "http", **settings}, "other": {"url": other.url}}
    live.configure(deployment("m", live.upstream), mcp_servers=servers)
    server.headers.clear()
    other.headers.clear()
    await ask(live, path, {"x-litellm-api-key": key, **sent})
    assert server.headers
    for name, value in expected.items():
        assert {one.get(name) for one in server.headers} == {value}
    seen = str(server.headers) + str(other.headers)
    assert key not in seen
    assert "x-mcp-" not in seen
    assert "mine" not in str(other.headers)


async def test_no_key_of_the_gateway_goes_along(live: LiveGateway, key: str, server: McpFixture) -> None:
    server.headers.clear()
    fix = {"url": server.url, "transport": "http", **FORWARDS}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})
    another = await live.make_key()
    bearer = {"authorization": f"Bearer {key}"}
    for sent in (
        bearer,
        {"x-litellm-api-key": key, "authorization": f"Bearer {another}"},
        {**bearer, "x-a": key},
        {**bearer, "x-mcp-fix-authorization": f"Bearer {another}"},
    ):
        await ask(live, ALONE, sent)
    assert server.headers
    assert not [one for one in server.headers if "authorization" in one or "x-a" in one]


async def test_one_credential_for_a_path_to_one_server(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    fix = {"url": server.url, "transport": "http", "auth_type": "api_key", "auth_value": "of-the-gateway"}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})
    for path, expected in ((ALONE, "mine"), (AMONG, "of-the-gateway")):
        server.headers.clear()
        await ask(live, path, {"x-litellm-api-key": key, "x-mcp-auth": "mine"})
        assert {one["x-api-key"] for one in server.headers} == {expected}


@pytest.mark.parametrize("name", ["X-Upstream-Key", "Authorization"])
async def test_the_header_of_that_credential_is_the_operators_to_name(
    live: LiveGateway, key: str, server: McpFixture, name: str
) -> None:
    fix = {"url": server.url, "transport": "http", "auth_type": "api_key", "auth_value": "of-the-gateway"}
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={"fix": fix, "plain": {"url": server.url, "transport": "http"}},
        general_settings={"disable_reset_budget": True, "mcp_client_side_auth_header_name": name},
    )
    by_key = {"x-litellm-api-key": key}
    for path, sent, member, expected in (
        (ALONE, {name: "mine"}, "x-api-key", "mine"),
        (ALONE, {name: "Bearer mine"}, "x-api-key", "mine"),
        (ALONE, {"x-mcp-auth": "mine"}, "x-api-key", "of-the-gateway"),
        (ALONE, {name: f"Bearer {key}"}, "x-api-key", "of-the-gateway"),
        (AMONG, {name: "mine"}, "x-api-key", "of-the-gateway"),
        ("/plain/mcp", {name: "Bearer mine"}, "authorization", "Bearer mine"),
        ("/plain/mcp", {"x-mcp-auth": "mine"}, "authorization", None),
    ):
        server.headers.clear()
        await ask(live, path, {**by_key, **sent})
        # Under a path of several servers the other one has no credential.
        seen = {one.get(member) for one in server.headers}
        assert seen - ({None} if path == AMONG else set()) == {expected}, (path, sent)
        assert not any(name.lower() in one for one in server.headers) or name == "Authorization"


@pytest.mark.parametrize(
    "name", ["Host", "Cookie", "x-litellm-api-key", "Mcp-Session-Id", "a b", "x-mcp-auth"]
)
async def test_headers_that_are_not_the_clients_stop_the_start(
    live: LiveGateway, server: McpFixture, name: str
) -> None:
    with pytest.raises(Exception, match="extra_headers"):
        live.configure(
            deployment("m", live.upstream),
            mcp_servers={"fix": {"url": server.url, "extra_headers": [name]}},
        )


class Issuer(OidcProvider):
    """Grants one token to the gateway."""

    def redeem(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, object]]:
        is_right = fields["client_secret"] == "the-secret" and fields["grant_type"] == "client_credentials"
        return (200 if is_right else 401), {"access_token": "minted", "token_type": "Bearer"}


@pytest.mark.parametrize("header", ["authorization", "esb-oauth"])
async def test_a_server_with_tokens_sees_no_credential_of_clients(
    live: LiveGateway, key: str, server: McpFixture, header: str
) -> None:
    server.headers.clear()
    async with Issuer() as issuer:
        oauth = {
            "auth_type": "oauth2",
            "oauth2_flow": "client_credentials",
            "client_id": "gateway",
            "client_secret": "the-secret",
            "token_url": f"{issuer.issuer}/token",
            "upstream_token_header": header,
        }
        fix = {"url": server.url, "transport": "http", **FORWARDS, **oauth}
        live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})
        brought = {"authorization": "Bearer U", "x-mcp-auth": "V", "x-mcp-fix-authorization": "W", "x-a": "1"}
        brought |= {"esb-oauth": "X", "x-mcp-fix-esb-oauth": "Y"}
        for path in (ALONE, AMONG, REST):
            await ask(live, path, {"x-litellm-api-key": key, **brought})
        assert issuer.requests["/token"] == 1
    assert {(one[header], one["x-a"]) for one in server.headers} == {("Bearer minted", "1")}
    others = {"authorization", "esb-oauth"} - {header}
    assert not [one for one in server.headers if not others.isdisjoint(one)]
