"""Who logs in at an MCP server is compared with who began it (`oauth_identity_binding`)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.test_mcp_client_logins import place
from tests.integration.request_path.test_mcp_logins import (
    TOKENS,
    Browser,
    browsers,
    declare,
    provider,
    server,
)
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer
from tests.mcp_oauth import OAuthProvider
from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider, make_key

__all__ = ["browsers", "provider", "server"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

GOOD: dict[str, Any] = {"aud": "gateway-there", "email_verified": True}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def issuer() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as running:
        yield running


class Login:
    """A user who logs in at a server whose token endpoint answers with the id token that the test says."""

    def __init__(self, live: LiveGateway, server: McpFixture, issuer: OidcProvider, browser: Browser) -> None:
        self.live, self.server, self.issuer, self.browser = live, server, issuer, browser

    def bind(self, **binding: Any) -> None:
        said = {"mode": "enforce", "issuer": self.issuer.issuer, "jwks_url": self.issuer.jwks_url, **binding}
        declare(self.live, self.server, client_id="gateway-there", **self.ends(), oauth_identity_binding=said)

    def ends(self) -> dict[str, str]:
        origin = self.server.url.rpartition("/")[0]
        return {"authorization_url": f"{origin}/authorize", "token_url": f"{origin}/token"}

    async def finish(self, id_token: str | None, path: str = "/authorize/fix") -> Any:
        address = await self.browser.begin(path)
        state = dict(part.split("=", 1) for part in address.partition("?")[2].split("&"))["state"]
        granted = {"access_token": "granted-0123456789", "token_type": "Bearer", "id_token": id_token}
        body = json.dumps({name: value for name, value in granted.items() if value is not None}).encode()
        told = {"content-type": "application/json", "content-length": str(len(body))}
        self.server.refuse = lambda path, headers: (200, told, body) if path == "/token" else None
        try:
            return await self.browser.http.get(f"/callback?state={state}&code=c")
        finally:
            self.server.refuse = lambda path, headers: None

    async def has_credential(self) -> bool:
        return (await self.live.http.get(f"{TOKENS}/status", headers=bearer(self.browser.key))).json()[
            "has_credential"
        ]

    async def forget(self) -> None:
        await self.live.http.delete(TOKENS, headers=bearer(self.browser.key))


@pytest_asyncio.fixture(loop_scope="session")
async def login(
    live: LiveGateway,
    server: McpFixture,
    issuer: OidcProvider,
    provider: OAuthProvider,
    browsers: list[Browser],
) -> Login:
    one = Login(live, server, issuer, browsers[0])
    changed = {"user_id": one.browser.user_id, "user_email": f"{one.browser.user_id}@x.example"}
    answer = await live.http.post("/user/update", json=changed, headers=bearer(MASTER_KEY))
    assert answer.status_code == 200, answer.text
    one.bind()
    return one


async def test_only_tokens_of_the_user_are_stored_where_that_is_enforced(login: Login) -> None:
    mine = {**GOOD, "email": f"{login.browser.user_id}@X.example".upper()}
    token = login.issuer.token
    refused = {
        "somebody else": token(**{**mine, "email": "eve@x.example"}),
        "no id token": None,
        "not verified": token(**{**mine, "email_verified": False}),
        "nothing of it": token(**{**mine, "email_verified": None}),
        "no address": token(**{**mine, "email": None}),
        "another application": token(**{**mine, "aud": "other"}),
        "another party": token(**mine, azp="other"),
        "an odd party": token(**mine, azp={"a": 1}),
        "another issuer": token(**mine, iss="https://other.example"),
        "over": token(**mine, exp=1),
        "another key": token(**mine, key=make_key("other")),
        "a forged key": token(**mine, key=make_key("first", size=2056)),
        "no signature": token(**mine).rpartition(".")[0] + ".",
        "no token": "x",
    }
    for why, id_token in refused.items():
        answer = await login.finish(id_token)
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "mcp_identity_mismatch"), why
        assert "granted-0" not in answer.text, why
        assert not await login.has_credential(), why
    sql = "SELECT updated_values FROM \"LiteLLM_AuditLog\" WHERE object_id = $1 AND action = 'blocked'"
    noted = await login.live.gateway.parts.database.fetch(sql, f"{login.browser.user_id}:fix")
    assert len(noted) == len(refused)
    assert any("is not the user's 'user_email'" in row["updated_values"] for row in noted)
    answer = await login.finish(token(**{**mine, "aud": ["x", "gateway-there"]}, azp="gateway-there"))
    assert answer.status_code == 200, answer.text
    assert await login.has_credential()
    await login.forget()
    brought = await login.live.http.post(
        TOKENS, json={"access_token": "brought"}, headers=bearer(login.browser.key)
    )
    assert (brought.status_code, "oauth_identity_binding" in brought.text) == (400, True)


async def test_a_console_gets_no_token_of_somebody_else(login: Login) -> None:
    answer = await login.finish(login.issuer.token(**GOOD, email="eve@x.example"), place("fix"))
    assert (answer.status_code, "location" in answer.headers) == (403, False)


async def test_what_is_compared_is_the_operators_to_say(login: Login) -> None:
    user, token = login.browser.user_id, login.issuer.token
    login.bind(principal_claim="sub", caller_field="user_id", audiences=["a", "b"])
    assert (await login.finish(token(aud="b", sub=user))).status_code == 200
    assert (await login.finish(token(aud="b", sub=user.upper()))).status_code == 403
    assert (await login.finish(token(aud="gateway-there", sub=user))).status_code == 403
    login.bind(principal_claim="sub", caller_field="sso_user_id")
    assert (await login.finish(token(aud="gateway-there", sub=user))).status_code == 403, "it has none"
    login.bind(principal_claim="sub", caller_field="user_id", jwks_url=f"{login.issuer.issuer}/none")
    assert (await login.finish(token(aud="gateway-there", sub=user))).status_code == 503, "no key can be read"
    login.bind(principal_claim="sub", caller_field="user_id", jwks_url="")
    assert (await login.finish(token(aud="gateway-there", sub=user))).status_code == 200, "by discovery"
    await login.forget()


@pytest.mark.parametrize("mode", ["audit", "disabled"])
async def test_elsewhere_it_is_noted_at_most(login: Login, mode: str) -> None:
    login.bind(mode=mode)
    assert (await login.finish(login.issuer.token(**GOOD, email="eve@x.example"))).status_code == 200
    assert await login.has_credential()
    sql = """SELECT updated_values FROM "LiteLLM_AuditLog" WHERE object_id = $1 AND action = 'created'
        ORDER BY updated_at DESC LIMIT 1"""
    row = await login.live.gateway.parts.database.fetch_value(sql, f"{login.browser.user_id}:fix")
    assert ("is not the user's" in row) is (mode == "audit")
    await login.forget()


async def test_an_id_token_is_asked_for_where_the_issuer_gives_one(login: Login) -> None:
    document = {
        "issuer": login.issuer.issuer,
        "authorization_endpoint": f"{login.issuer.issuer}/authorize",
        "token_endpoint": f"{login.issuer.issuer}/token",
        "scopes_supported": ["openid", "email", "profile"],
    }
    name = "/.well-known/oauth-authorization-server"
    login.issuer.documents[name] = json.dumps(document).encode()
    binding = {"mode": "enforce"}
    declare(
        login.live,
        login.server,
        client_id="x",
        issuer=login.issuer.issuer,
        scopes=["read"],
        oauth_identity_binding=binding,
    )
    assert "scope=read+openid+email&" in await login.browser.begin() + "&"
