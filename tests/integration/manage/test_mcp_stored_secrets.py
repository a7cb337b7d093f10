"""Every column with secrets of MCP, as the management API fills it, opens with LiteLLM's algorithm."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.mcp_serving import SERVERS, body_of, emptied, make, unique
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment
from tests.litellm_secrets import open_as_litellm
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway) -> AsyncIterator[None]:
    live.configure(deployment("m", live.upstream), mcp_servers={})
    async with emptied(live):
        yield


def opened(stored: str) -> str:
    """Without a salt key of its own the gateway takes its master key, as LiteLLM does."""
    return open_as_litellm(stored, MASTER_KEY)


async def row_of(desk: Desk, identifier: str) -> Any:
    sql = 'SELECT to_jsonb(s)::text FROM "LiteLLM_MCPServerTable" s WHERE server_id = $1'
    return json.loads(await desk.value(sql, identifier))


async def given_by(desk: Desk, user: str) -> str:
    """The only thing that a user has given, as it is stored."""
    sql = 'SELECT credential_b64 FROM "LiteLLM_MCPUserCredentials" WHERE user_id = $1'
    return str(await desk.value(sql, user))


async def test_the_columns_of_a_server(desk: Desk, server: McpFixture) -> None:
    credentials = {"client_id": "the-client", "client_secret": "the-secret", "scopes": ["read"]}
    everybodys = [{"name": "TENANT", "scope": "global", "value": "acme"}, {"name": "TEAM"}]
    said = {"static_headers": {"x-tenant": "${TENANT}/${TEAM}"}, "env_vars": everybodys}
    made = await make(desk, body_of(server, unique(), auth_type="oauth2", credentials=credentials, **said))
    row = await row_of(desk, made["server_id"])

    assert json.loads(opened(row["static_headers"])) == {"x-tenant": "${TENANT}/${TEAM}"}
    # Values of variables stand in `env`; what is kept of the variables themselves has none.
    assert json.loads(opened(row["env"])) == {"TENANT": "acme"}
    assert "acme" not in json.dumps(row)
    held = row["credentials"]
    assert {name: opened(held[name]) for name in ("client_id", "client_secret")} == {
        "client_id": "the-client",
        "client_secret": "the-secret",
    }
    assert held["scopes"] == ["read"]


async def test_what_litellm_has_noted_of_its_registration_stays_readable(
    desk: Desk, server: McpFixture
) -> None:
    made = await make(desk, body_of(server, unique(), auth_type="oauth2", credentials={"client_id": "c"}))
    identifier = made["server_id"]
    noted = '{"dcr_issuer": "https://issuer.example"}'
    sql = 'UPDATE "LiteLLM_MCPServerTable" SET credentials = credentials || $2::jsonb WHERE server_id = $1'
    await desk.run(sql, identifier, noted)
    change = {"server_id": identifier, "credentials": {"client_secret": "new"}}
    assert (await desk.ask("PUT", SERVERS, json=change)).status_code == 202
    held = (await row_of(desk, identifier))["credentials"]
    assert held["dcr_issuer"] == "https://issuer.example"
    assert (opened(held["client_id"]), opened(held["client_secret"])) == ("c", "new")


async def test_what_users_have_given(desk: Desk, server: McpFixture) -> None:
    about = {"credentials": None, "is_byok": True}
    own = (await make(desk, body_of(server, unique(), **about)))["server_id"]
    wanting = (await make(desk, body_of(server, unique(), env_vars=[{"name": "TEAM"}])))["server_id"]
    login = {"auth_type": "oauth2", "credentials": None}
    logged = (await make(desk, body_of(server, unique(), **login)))["server_id"]
    (ada, first), (bob, second), (eve, third) = [await desk.make_user() for _ in range(3)]

    await desk.post(f"{SERVERS}/{own}/user-credential", {"credential": "credential-of-ada"}, first)
    await desk.post(f"{SERVERS}/{wanting}/user-env-vars", {"values": {"TEAM": "red"}}, second)
    token = {"access_token": "token-of-eve", "refresh_token": "again"}
    await desk.post(f"{SERVERS}/{logged}/oauth-user-credential", token, third)

    assert opened(await given_by(desk, ada)) == "credential-of-ada"
    assert json.loads(opened(await given_by(desk, bob))) == {"TEAM": "red"}
    kept = json.loads(opened(await given_by(desk, eve)))
    assert {name: kept[name] for name in ("type", *token)} == {"type": "oauth2", **token}
