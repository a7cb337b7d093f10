"""MCP servers with `auth_type` `true_passthrough` and `oauth_delegate`: clients' own tokens go along.

`K` is a key of the gateway, `U` a token of the server's issuer. With the first a key is nobody's business,
with the second both are needed.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import Era, speak
from tests.integration.request_path.test_mcp_passed_through import (
    BARE,
    BOTH,
    INSIDE,
    KEY,
    KEY_APART,
    NOBODY,
    OUTSIDE,
    OWN,
    TOKEN,
    TRUSTING,
    Refusal,
    Row,
    U,
    check_refusal,
    fill,
)
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

REST = "/mcp-rest/tools/list"
V = "Bearer another-token"
ROWS = [
    # Whoever comes is let in, and what it brings in `Authorization` goes along, but for keys of the gateway.
    *(Row((), path, BARE, seen=None) for path in ("/open/mcp", "/mcp/open")),
    *(Row((), "/open/mcp", sends, seen=U) for sends in (TOKEN, BOTH)),
    Row((), "/open/mcp", KEY, seen=None),
    Row((), "/open/mcp", {"authorization": "Bearer sk-that-nobody-has"}, 401),
    Row((), "/open/mcp", {"x-mcp-open-authorization": U}, 401),
    Row((), "/open/mcp", {"x-mcp-servers": "open,asked"}, 401),
    Row((), "/open/mcp", {**TOKEN, "x-mcp-servers": "open"}, seen=U),
    *(Row((), "/hidden/mcp", {**sends, **OUTSIDE}, 401) for sends in (BARE, TOKEN)),
    *(Row((), "/hidden/mcp", {**sends, **INSIDE}, seen=seen) for sends, seen in ((BARE, None), (TOKEN, U))),
    *(Row((), path, BARE, 401, path) for path in ("/mcp", "/mcp/open,asked")),
    # Without a key nobody is; without a token the client is led to the server's issuer.
    *(Row((), "/asked/mcp", sends, 401) for sends in (BARE, TOKEN)),
    *(Row((), path, sends, 401, path) for path in ("/asked/mcp", "/mcp/asked") for sends in (KEY, KEY_APART)),
    Row((), "/asked/mcp", BOTH, seen=U),
    Row((), "/asked/mcp", {**KEY_APART, "x-mcp-asked-authorization": U}, seen=U),
    Row((), "/asked/mcp", {**BOTH, "x-mcp-asked-authorization": V}, seen=V),
    Row((), f"{REST}?server_id=asked", BOTH, seen=U),
]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest.fixture(autouse=True)
def declared(live: LiveGateway, server: McpFixture) -> None:
    server.headers.clear()
    server.refuse = lambda path, headers: None
    servers = {
        "open": {"auth_type": "true_passthrough"},
        "hidden": {"auth_type": "true_passthrough", "available_on_public_internet": False},
        "asked": {"auth_type": "oauth_delegate"},
    }
    base = {"url": server.url, "transport": "http"}
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={name: {**base, **one} for name, one in servers.items()},
        general_settings=TRUSTING,
    )


@pytest.mark.parametrize("era", ["2024-11-05", "2026-07-28"])
async def test_who_is_let_in_and_what_the_server_sees(
    live: LiveGateway, key: str, server: McpFixture, era: Era
) -> None:
    for row in ROWS:
        await live.settled()
        server.headers.clear()
        answers = await speak(live, row.path, era, fill(row.sends, key))
        told = answers[-1].headers.get_list("www-authenticate")
        document = f"{live.origin}/.well-known/oauth-protected-resource{row.challenge}"
        expected = [] if row.challenge is None else [f'Bearer resource_metadata="{document}"']
        assert (answers[-1].status_code, told) == (row.status, expected), (row, answers[-1].text)
        seen = {one.get("authorization") for one in server.headers} or {NOBODY}
        assert seen == {row.seen}, row
        assert key not in str(server.headers), row


@pytest.mark.parametrize("era", ["2024-11-05", "2026-07-28"])
async def test_what_a_server_refuses_is_told(
    live: LiveGateway, key: str, server: McpFixture, era: Era
) -> None:
    for path, sends in (("/open/mcp", BARE), ("/open/mcp", TOKEN), ("/asked/mcp", BOTH)):
        for status, told, challenge in (
            (401, {}, path),
            (401, OWN, OWN["www-authenticate"]),
            (403, {}, None),
        ):
            server.refuse = lambda path, headers, status=status, told=told: (status, told, b"")
            *_, answer = await speak(live, path, era, fill(sends, key))
            check_refusal(live, Refusal((), path, status, challenge=challenge), answer)


async def test_one_token_is_not_handed_to_several_servers(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    """Under a path of several servers each token is addressed, or only one of them could be meant."""
    server.refuse = lambda path, headers: None if "authorization" in headers else (401, {}, b"")

    async def listed(**more: str) -> tuple[set[str], set[str | None]]:
        server.headers.clear()
        answer = await live.http.get(REST, headers={**fill(KEY_APART, key), **more})
        found = {tool["mcp_info"]["server_name"] for tool in answer.json()["tools"]}
        return found, {one.get("authorization") for one in server.headers}

    assert await listed(authorization=U) == (set(), {None})
    narrowed = {"authorization": U, "x-mcp-servers": "asked"}
    assert await listed(**narrowed) == ({"asked"}, {U})
    addressed = {"x-mcp-asked-authorization": "Bearer third", "x-mcp-open-authorization": V}
    found, seen = await listed(**addressed)
    assert (found, seen) == ({"asked", "open"}, {"Bearer third", V, None})
    body = {"server_id": "asked", "name": "add", "arguments": {"a": 1, "b": 2}}
    answer = await live.http.post("/mcp-rest/tools/call", json=body, headers=fill(BOTH, key))
    assert answer.status_code == 200, answer.text
    answers = await speak(live, "/mcp", "2025-11-25", {**fill(KEY_APART, key), **addressed}, tool="asked-add")
    assert answers[-1].json()["result"]["content"][0]["text"] == "3", answers[-1].text


async def test_the_documents_are_the_servers(live: LiveGateway, server: McpFixture) -> None:
    said = b'{"resource": "https://p.example", "authorization_servers": ["https://issuer.example"]}'
    server.refuse = lambda path, headers: (200, {"content-type": "application/json"}, said)
    for path in ("/open/mcp", "/mcp/asked"):
        found = (await live.http.get(f"/.well-known/oauth-protected-resource{path}")).json()
        assert found["authorization_servers"] == ["https://issuer.example"]
        answer = await live.http.get(f"/.well-known/oauth-authorization-server{path}")
        assert answer.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth_value": "x"},
        {"is_byok": True},
        {"spec_path": "https://x.example/openapi.json"},
        {"static_headers": {"Authorization": "Bearer x"}},
        {"client_id": "x"},
    ],
)
async def test_a_server_that_has_a_credential_of_its_own_is_refused(
    live: LiveGateway, server: McpFixture, wrong: dict[str, Any]
) -> None:
    for kind in ("true_passthrough", "oauth_delegate"):
        with pytest.raises(Exception, match=f"auth_type|{kind}"):
            live.configure(mcp_servers={"one": {"url": server.url, "auth_type": kind, **wrong}})
