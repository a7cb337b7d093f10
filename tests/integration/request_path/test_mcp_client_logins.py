"""A console logs its user in at an MCP server, stored or not yet, and gets the tokens for a code."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.integration.request_path.test_mcp_grants import CHALLENGE, VERIFIER
from tests.integration.request_path.test_mcp_logins import (
    TOKENS,
    Browser,
    age,
    ask,
    browsers,
    declare,
    provider,
    server,
)
from tests.integration.serving import LiveGateway, bearer
from tests.mcp_oauth import OAuthProvider
from tests.mcp_servers import McpFixture

__all__ = ["browsers", "provider", "server"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

SERVERS = "/v1/mcp/server/oauth"
BACK = "http://localhost:3030/back?at=1"
QUERY = {
    "redirect_uri": BACK,
    "response_type": "code",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "s&t",
}


@pytest_asyncio.fixture(loop_scope="session")
async def admin(live: LiveGateway, browsers: list[Browser]) -> Browser:
    one = browsers[0]
    sql = 'UPDATE "LiteLLM_UserTable" SET user_role = $2 WHERE user_id = $1'
    await live.gateway.parts.database.execute(sql, one.user_id, "proxy_admin")
    live.gateway.parts.principals.clear()
    return one


def place(server_id: str, **changes: str) -> str:
    return str(httpx.URL(f"{SERVERS}/{server_id}/authorize", params={**QUERY, **changes}))


async def come_back(browser: Browser, server_id: str) -> dict[str, str]:
    """What a console finds in the address to which the browser is sent in the end."""
    back = await browser.http.get(await browser.consent(await browser.begin(place(server_id))))
    assert back.status_code == 303, back.text
    assert back.headers["location"].startswith(BACK + "&")
    return dict(parse_qsl(urlsplit(back.headers["location"]).query))


async def redeem(live: LiveGateway, key: str, server_id: str, code: str, **changes: str) -> httpx.Response:
    fields = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, **changes}
    return await live.http.post(f"{SERVERS}/{server_id}/token", data=fields, headers=bearer(key))


async def refresh(live: LiveGateway, key: str, server_id: str, token: str) -> httpx.Response:
    fields = {"grant_type": "refresh_token", "refresh_token": token}
    return await live.http.post(f"{SERVERS}/{server_id}/token", data=fields, headers=bearer(key))


async def get_refresh(live: LiveGateway, browser: Browser) -> str:
    """The first refresh token of a login."""
    code = (await come_back(browser, "fix"))["code"]
    return (await redeem(live, browser.key, "fix", code)).json()["refresh_token"]


async def begin(live: LiveGateway, key: str, url: str, /, **members: object) -> httpx.Response:
    body = {"server_name": "new", "url": url, "auth_type": "oauth2", **members}
    return await live.http.post(f"{SERVERS}/session", json=body, headers=bearer(key))


async def count_stored(live: LiveGateway) -> list[int]:
    """How many servers and credentials there are; other tests leave some of theirs."""
    tables = ("LiteLLM_MCPUserCredentials", "LiteLLM_MCPServerTable")
    database = live.gateway.parts.database
    return [await database.fetch_value(f'SELECT count(*) FROM "{one}"') for one in tables]


async def test_an_administrator_logs_in_at_a_server_that_is_not_stored(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, admin: Browser, browsers: list[Browser]
) -> None:
    before = await count_stored(live)
    begun = await begin(live, admin.key, server.url)
    assert begun.status_code == 200, begun.text
    identifier = begun.json()["server_id"]
    said = await come_back(admin, identifier)
    assert said["state"] == "s&t"
    granted = (await redeem(live, admin.key, identifier, said["code"])).json()
    assert granted["access_token"] in provider.access
    assert granted["refresh_token"] not in provider.refresh
    renewed = await refresh(live, admin.key, identifier, granted["refresh_token"])
    assert renewed.json()["access_token"] in provider.access
    assert 3500 < granted["expires_in"] <= 3600
    again = await redeem(live, admin.key, identifier, said["code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert await count_stored(live) == before
    sql = "SELECT string_agg(content, ',') FROM gatewright.voucher"
    assert granted["access_token"] not in str(await live.gateway.parts.database.fetch_value(sql))
    other = browsers[1]
    answer = await other.http.get(place(identifier), headers=bearer(other.key))
    assert answer.status_code == 404, answer.text
    assert (await begin(live, other.key, server.url)).status_code == 401


async def test_a_user_gets_the_tokens_of_a_server_that_is_stored(
    live: LiveGateway, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine, yours = browsers
    told = await live.http.post(f"{SERVERS}/fix/register", json={}, headers=bearer(yours.key))
    assert (told.status_code, "client_secret" in told.json()) == (200, False)
    for changes in ({"code_verifier": "x" * 43}, {"redirect_uri": "http://localhost:3030/other"}):
        code = (await come_back(yours, "fix"))["code"]
        assert (await redeem(live, yours.key, "fix", code, **changes)).status_code == 400
    code = (await come_back(yours, "fix"))["code"]
    assert (await redeem(live, mine.key, "fix", code)).status_code == 400
    code = (await come_back(yours, "fix"))["code"]
    assert (await live.http.post(f"{SERVERS}/fix/token", data={"code": code})).status_code == 401
    answer = await redeem(live, yours.key, "fix", code, redirect_uri=BACK)
    assert answer.json()["access_token"] in provider.access
    again = await redeem(live, yours.key, "fix", code, grant_type="password")
    assert again.json()["error"] == "unsupported_grant_type"


async def test_tokens_are_renewed_by_tokens_that_hold_once(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine, yours = browsers
    first = await get_refresh(live, yours)
    for key, server_id, status in (
        (mine.key, "fix", 400),
        (yours.key, "other", 404),
        ("sk-nobody", "fix", 401),
    ):
        assert (await refresh(live, key, server_id, first)).status_code == status
    granted = (await refresh(live, yours.key, "fix", first)).json()
    assert granted["access_token"] in provider.access
    assert (granted["token_type"], granted["scope"]) == ("Bearer", "read")
    second = granted["refresh_token"]
    assert second not in {first, *provider.refresh}
    sql = "SELECT string_agg(content, ',') FROM gatewright.voucher"
    stored = str(await live.gateway.parts.database.fetch_value(sql))
    assert granted["access_token"] not in stored
    # The authorization server is away: the token holds on.
    server.refuse = lambda path, headers: (500, {}, b"") if path == "/token" else None
    try:
        assert (await refresh(live, yours.key, "fix", second)).status_code == 502
    finally:
        server.refuse = lambda path, headers: None
    third = (await refresh(live, yours.key, "fix", second)).json()["refresh_token"]
    # One that comes a second time was stolen from somebody: nobody has any from now on.
    for token in (first, third):
        again = await refresh(live, yours.key, "fix", token)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert len(provider.granted) == 3


async def test_what_a_console_hands_back_the_gateway_renews(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine, yours = browsers
    code = (await come_back(yours, "fix"))["code"]
    granted = (await redeem(live, yours.key, "fix", code)).json()
    sent = {"access_token": granted["access_token"], "refresh_token": granted["refresh_token"]}
    # Another user brings the token, and gets nothing by it.
    assert (await live.http.post(TOKENS, json=sent, headers=bearer(mine.key))).status_code == 200
    provider.access.clear()
    assert (await ask(live, mine.key)).status_code == 401
    told = await live.http.post(TOKENS, json=sent, headers=bearer(yours.key))
    assert (told.status_code, told.json()["has_credential"]) == (200, True)
    await age(live, yours, 60)
    assert (await ask(live, yours.key)).status_code == 200
    assert provider.granted == ["code", "refresh"]
    assert (await refresh(live, yours.key, "fix", granted["refresh_token"])).status_code == 400
    for one in browsers:
        await live.http.delete(TOKENS, headers=bearer(one.key))


async def test_of_two_who_renew_with_one_token_at_most_one_goes_on(
    live: LiveGateway, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    yours = browsers[1]
    token = await get_refresh(live, yours)
    both = await asyncio.gather(*(refresh(live, yours.key, "fix", token) for _ in range(2)))
    told = [one.json()["refresh_token"] for one in both if one.status_code == 200]
    assert len(told) <= 1
    for one in (token, *told):
        assert (await refresh(live, yours.key, "fix", one)).status_code == 400


async def test_what_the_authorization_server_takes_back_is_renewed_no_more(
    live: LiveGateway, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    token = await get_refresh(live, browsers[1])
    provider.refresh.clear()
    for wrong in (token, token, "x", "x.y", ".", ""):
        answer = await refresh(live, browsers[1].key, "fix", wrong)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        *(
            ({"redirect_uri": uri}, "redirect_uri")
            for uri in (
                "https://evil.example/",
                "http://localhost@evil.example/",
                "http://localhost.evil.example/",
                "//evil.example/",
                "javascript:alert(1)",
                "http://[::1",
                "http://localhost:x/",
                "http://localhost:3030/#x",
                "",
            )
        ),
        ({"code_challenge_method": "plain"}, "code_challenge"),
        ({"code_challenge": "short"}, "code_challenge"),
        ({"response_type": "token"}, "response_type"),
        ({"state": "x" * 1025}, "state"),
    ],
)
async def test_nobody_is_sent_elsewhere(
    live: LiveGateway, provider: OAuthProvider, browsers: list[Browser], changes: dict[str, Any], param: str
) -> None:
    answer = await browsers[1].http.get(place("fix", **changes), headers=bearer(browsers[1].key))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


async def test_what_cannot_be_logged_in_at_is_refused(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, admin: Browser
) -> None:
    nobody = await live.http.get(place("fix"))
    assert (nobody.status_code, "/sso/key/generate" in nobody.headers["location"]) == (303, True)
    for members, status in (({"url": "-"}, 400), ({"transport": "stdio", "command": "sh", "url": None}, 400)):
        assert (await begin(live, admin.key, server.url, **members)).status_code == status
    secret = {"credentials": {"client_id": "c", "client_secret": "the-secret-0123456789"}}
    shown = await begin(live, admin.key, server.url, **secret)
    assert (shown.status_code, "the-secret" in shown.text) == (200, False)
    plain = await begin(live, admin.key, server.url, auth_type="none")
    answer = await admin.http.get(place(plain.json()["server_id"]), headers=bearer(admin.key))
    assert (answer.status_code, "nobody logs in" in answer.text) == (400, True)
    declare(live, server, auth_type="none")
    answer = await admin.http.get(place("fix"), headers=bearer(admin.key))
    assert answer.status_code == 400
