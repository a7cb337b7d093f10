"""Servers that want more than a credential is good for, among several: who is told, and what."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import Era, speak
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN = 'Bearer resource_metadata="https://issuer.example/x"'
MORE = f'{OWN}, error="insufficient_scope", scope="read write"'
WISH = "it wants the scope 'read write'"
CALL = {"server_id": "fix", "name": "add", "arguments": {"a": 1, "b": 2}}
GATEWAYS: dict[str, Any] = {"auth_type": "bearer_token", "auth_value": "of-the-gateway"}
BROUGHT = {"x-mcp-fix-authorization": "Bearer of-the-client"}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def other() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


def declare(live: LiveGateway, server: McpFixture, other: McpFixture, **settings: Any) -> None:
    servers = {"fix": {"url": server.url, "transport": "http", **settings}, "other": {"url": other.url}}
    live.configure(deployment("m", live.upstream), mcp_servers=servers)


def refuse(server: McpFixture, status: int, challenge: str) -> None:
    """Have the server refuse calls only: what it lists is known."""
    told = {"www-authenticate": challenge, "content-type": "text/plain"}
    server.refuse = lambda path, headers: (
        (status, told, b"no") if headers.get("mcp-method") == "tools/call" else None
    )


async def call(live: LiveGateway, headers: dict[str, str]) -> list[Any]:
    """What a call comes to, under a path of several servers and by plain HTTP."""
    *_, under_the_roof = await speak(live, "/mcp", "2026-07-28", headers, tool="fix-add")
    return [under_the_roof, await live.http.post("/mcp-rest/tools/call", json=CALL, headers=headers)]


async def test_the_gateways_own_credential_is_nothing_for_callers(
    live: LiveGateway, key: str, server: McpFixture, other: McpFixture
) -> None:
    declare(live, server, other, **GATEWAYS)
    for status, challenge in ((403, MORE), (401, OWN)):
        refuse(server, status, challenge)
        for answer in await call(live, bearer(key)):
            error = answer.json()["error"]
            assert (answer.status_code, error["type"]) == (502, "mcp_credential_refused"), answer.text
            assert f"'fix' refuses the credential of the gateway ({status})" in error["message"]
            assert (WISH in error["message"]) is (status == 403)
            assert "www-authenticate" not in answer.headers, "it would lead to the server's own issuer"
            assert "of-the-gateway" not in answer.text
    *_, answer = await speak(live, "/mcp", "2026-07-28", bearer(key), tool="other-add")
    assert answer.status_code == 200


async def test_who_has_brought_a_credential_is_told_what_it_lacks(
    live: LiveGateway, key: str, server: McpFixture, other: McpFixture
) -> None:
    declare(live, server, other, **GATEWAYS)
    refuse(server, 403, MORE)
    for answer in await call(live, {**bearer(key), **BROUGHT}):
        assert (answer.status_code, answer.headers.get("www-authenticate")) == (403, MORE), answer.text
        assert f"'fix' refuses the credential that you brought: {WISH}" in answer.text


async def test_a_user_is_led_to_a_login_with_the_scope(
    live: LiveGateway, server: McpFixture, other: McpFixture
) -> None:
    declare(live, server, other, auth_type="oauth2")
    made = (await live.http.post("/user/new", json={}, headers=bearer(MASTER_KEY))).json()
    headers = bearer(made["key"])
    stored = {"access_token": "token-of-the-user", "expires_in": 600}
    place = "/v1/mcp/server/fix/oauth-user-credential"
    assert (await live.http.post(place, json=stored, headers=headers)).status_code == 200
    refuse(server, 403, MORE)
    issuer = f'authorization_uri="{live.origin}/.well-known/oauth-authorization-server/fix"'
    expected = f'Bearer error="insufficient_scope", scope="read write", {issuer}'
    for answer in await call(live, headers):
        assert (answer.status_code, answer.headers["www-authenticate"]) == (403, expected), answer.text
        assert f"{live.origin}/authorize/fix?scope=read%20write" in answer.json()["error"]["message"]
        assert "issuer.example" not in str(answer.headers)


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
async def test_lists_say_which_server_is_missing_and_why(
    live: LiveGateway, key: str, server: McpFixture, other: McpFixture, era: Era
) -> None:
    declare(live, server, other, server_id=f"fix-{era}", **GATEWAYS)
    server.refuse = lambda path, headers: (403, {"www-authenticate": MORE}, b"")
    answers = await speak(live, "/mcp", era, bearer(key), tool="other-add")
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    listed = answers[-2].json()["result"]
    names = ("add", "echo", "wait", "ask")
    assert [tool["name"] for tool in listed["tools"]] == [f"other-{name}" for name in names]
    # In a session it has no part, as the handshake says.
    (missing,) = answers[0].json()["result"]["_meta"]["gatewright/missing"]
    assert missing["server"] == "fix"
    assert WISH in missing["reason"]
