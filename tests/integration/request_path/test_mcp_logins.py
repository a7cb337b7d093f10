"""Servers that are asked in the name of each user: logins, renewal, and what goes wrong."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import connect, post, text_of
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_oauth import OAuthProvider
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
TOKENS = "/v1/mcp/server/fix/oauth-user-credential"


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True, provider=OAuthProvider()) as running:
        yield running


@pytest.fixture
def provider(live: LiveGateway, server: McpFixture) -> OAuthProvider:
    declare(live, server)
    assert server.provider is not None
    server.provider.granted.clear()
    server.provider.lasts = 3600
    return server.provider


class Browser:
    """Goes where it is sent, with cookies, as far as the test lets it; `key` is its user's."""

    def __init__(self, live: LiveGateway, user_id: str, key: str) -> None:
        self.http = httpx.AsyncClient(base_url=live.origin, timeout=20)
        self.user_id = user_id
        self.key = key

    async def begin(self, path: str = "/authorize/fix") -> str:
        answer = await self.http.get(path, headers=bearer(self.key))
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def consent(self, address: str) -> str:
        """Where the authorization server sends it, which lets everybody in."""
        answer = await self.http.get(address)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def log_in(self) -> None:
        answer = await self.http.get(await self.consent(await self.begin()))
        assert answer.status_code == 200, answer.text


@pytest_asyncio.fixture(loop_scope="session")
async def browsers(live: LiveGateway) -> AsyncIterator[list[Browser]]:
    """Two browsers of two users."""
    made: list[Browser] = []
    for _ in range(2):
        answer = await live.http.post("/user/new", json={}, headers=bearer(MASTER_KEY))
        made.append(Browser(live, answer.json()["user_id"], answer.json()["key"]))
    yield made
    for one in made:
        await one.http.aclose()


def declare(live: LiveGateway, server: McpFixture, **settings: Any) -> None:
    fix = {"url": server.url, "transport": "http", "auth_type": "oauth2", **settings}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})


async def ask(live: LiveGateway, key: str) -> httpx.Response:
    headers = {"mcp-protocol-version": MODERN, "mcp-method": "tools/list"}
    return await post(live, key, LIST, **headers)


def with_query(address: str, **changes: str | None) -> str:
    """The address with other parameters; None takes one away."""
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query)), **changes}
    return parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


async def test_a_user_logs_in_and_the_server_is_asked_in_its_name(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine, yours = browsers
    place = f"{live.origin}/.well-known/oauth-authorization-server/fix"
    for key in (mine.key, await live.make_key()):
        refused = await ask(live, key)
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "mcp_login_needed")
        assert refused.headers["www-authenticate"] == f'Bearer authorization_uri="{place}"'
    await mine.log_in()
    asked = provider.asked[-1]
    assert (asked.resource, asked.scopes) == (server.url, ["read"])
    async with connect(live, mine.key) as client:
        assert text_of(await client.call_tool("echo", {"text": "hi"})) == "you said hi"
    assert (await ask(live, yours.key)).status_code == 401
    clients = len(provider.clients)
    await yours.log_in()
    assert len(provider.clients) == clients, "the gateway is registered once"
    tokens = set()
    for one in browsers:
        server.headers.clear()
        assert (await ask(live, one.key)).status_code == 200
        tokens |= {asked["authorization"] for asked in server.headers}
    assert len(tokens) == 2
    told = (await live.http.get(f"{TOKENS}/status", headers=bearer(mine.key))).json()
    assert (told["has_credential"], told["is_expired"], told["scopes"]) == (True, False, ["read"])
    sql = 'SELECT credential_b64 FROM "LiteLLM_MCPUserCredentials" WHERE user_id = $1'
    stored = await live.gateway.parts.database.fetch_value(sql, mine.user_id)
    assert not any(token.removeprefix("Bearer ") in stored for token in tokens)
    gone = await live.http.delete(TOKENS, headers=bearer(mine.key))
    assert (gone.status_code, gone.json()["has_credential"]) == (200, False)
    assert (await ask(live, mine.key)).status_code == 401
    assert (await ask(live, yours.key)).status_code == 200


async def test_a_browser_without_a_session_logs_in_first(
    live: LiveGateway, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    http = browsers[0].http
    moved = await http.get("/fix/authorize?scope=write")
    assert (moved.status_code, moved.headers["location"]) == (307, "../authorize/fix?scope=write")
    sent = await http.get("/authorize/fix")
    assert sent.status_code == 303
    form = await http.get(sent.headers["location"])
    assert 'value="/authorize/fix"' in form.text
    fields = {"username": "admin", "password": MASTER_KEY, "return_to": "/authorize/fix"}
    back = await http.post("/login", data=fields)
    assert (back.status_code, back.headers["location"]) == (303, "/authorize/fix")
    elsewhere = await http.post("/login", data={**fields, "return_to": "//evil.example/"})
    assert elsewhere.status_code == 200
    gone = await http.get("/authorize/fix?scope=write")
    assert gone.headers["location"].startswith(provider.issuer)
    assert "scope=read+write" in gone.headers["location"]
    assert (await http.get("/authorize/nobody")).status_code == 404


async def test_an_answer_to_another_login_is_refused(
    live: LiveGateway, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine, yours = browsers
    for changes in ({"state": "made-up"}, {"state": None}, {"iss": "https://evil.example"}, {"code": None}):
        back = await mine.consent(await mine.begin())
        refused = await mine.http.get(with_query(back, **changes))
        code = dict(parse_qsl(urlsplit(back).query))["code"]
        assert (refused.status_code, "location" in refused.headers) == (400, False)
        assert code not in refused.text
    back = await mine.consent(await mine.begin())
    assert (await yours.http.get(back)).status_code == 400, "another browser's"
    assert (await mine.http.get(back)).status_code == 400, "it was used"
    said_no = with_query(await mine.begin(), error="access_denied")
    assert (await mine.http.get("/callback?" + urlsplit(said_no).query)).status_code == 400
    assert provider.granted == []
    assert (await ask(live, mine.key)).status_code == 401


async def test_tokens_are_renewed_once_for_all_who_wait(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine = browsers[0]
    provider.lasts = 0
    await mine.log_in()
    provider.lasts = 3600
    answers = await asyncio.gather(*(ask(live, mine.key) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert provider.granted == ["code", "refresh"]
    # The server takes a token no more that should be good.
    stock = live.gateway.parts.mcp_stock
    text = await stock.find_credential(mine.user_id, "fix")
    assert text is not None
    provider.access.clear()
    assert (await ask(live, mine.key)).status_code == 401, "a fresh token is not renewed"
    await age(live, mine, 60)
    assert (await ask(live, mine.key)).status_code == 200
    assert provider.granted == ["code", "refresh", "refresh"]
    # The refresh token is refused: only a login helps, and the server is not asked again and again.
    provider.access.clear()
    provider.refresh.clear()
    await age(live, mine, 60)
    for _ in range(2):
        refused = await ask(live, mine.key)
        assert refused.status_code == 401
    told = (await live.http.get(f"{TOKENS}/status", headers=bearer(mine.key))).json()
    assert told["has_credential"] is False
    assert "authorization_uri" in refused.headers["www-authenticate"]


async def test_a_refusal_by_the_server_leads_to_a_login_at_the_gateway(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine = browsers[0]
    await mine.log_in()
    own = 'Bearer resource_metadata="https://issuer.example/x"'
    place = f'authorization_uri="{live.origin}/.well-known/oauth-authorization-server/fix"'
    more = f'{own}, error="insufficient_scope", scope="read write"'
    rows = [
        (401, own, f"Bearer {place}"),
        (403, more, f'Bearer error="insufficient_scope", scope="read write", {place}'),
        (403, own, ""),
    ]
    try:
        for status, said, told in rows:
            refusal = (status, {"www-authenticate": said}, b"")
            server.refuse = lambda path, headers, refusal=refusal: refusal
            answer = await ask(live, mine.key)
            assert (answer.status_code, answer.headers.get("www-authenticate", "")) == (status, told)
            place_with_scope = f"{live.origin}/authorize/fix?scope=read%20write in a browser"
            assert (place_with_scope in answer.text) == ("scope=" in told)
    finally:
        server.refuse = lambda path, headers: None


async def age(live: LiveGateway, browser: Browser, seconds: int) -> None:
    """Make the stored token so much older."""
    parts = live.gateway.parts
    text = await parts.mcp_stock.find_credential(browser.user_id, "fix")
    assert text is not None
    stored = json.loads(text)
    stored["granted_at"] -= seconds
    sealed = parts.added.seal.close(json.dumps(stored))
    sql = 'UPDATE "LiteLLM_MCPUserCredentials" SET credential_b64 = $2 WHERE user_id = $1'
    await parts.database.execute(sql, browser.user_id, sealed)
    parts.mcp_stock.forget_one(browser.user_id, "fix")


@pytest.mark.parametrize(("wanted", "status"), [({"token_type": "Bearer"}, 200), ({"scope": "other"}, 502)])
async def test_tokens_are_looked_at_before_they_are_stored(
    live: LiveGateway,
    server: McpFixture,
    provider: OAuthProvider,
    browsers: list[Browser],
    wanted: dict[str, str],
    status: int,
) -> None:
    mine = browsers[0]
    declare(live, server, token_validation=wanted)
    back = await mine.http.get(await mine.consent(await mine.begin()))
    assert back.status_code == status
    assert ((await ask(live, mine.key)).status_code == 200) is (status == 200)
    brought = await live.http.post(TOKENS, json={"access_token": "brought"}, headers=bearer(mine.key))
    assert brought.status_code == 400


async def test_a_user_may_bring_tokens(
    live: LiveGateway, server: McpFixture, provider: OAuthProvider, browsers: list[Browser]
) -> None:
    mine = browsers[0]
    await mine.log_in()
    (token,) = list(provider.access)[-1:]
    sent = {"access_token": token, "expires_in": 600, "scopes": ["read"]}
    told = (await live.http.post(TOKENS, json=sent, headers=bearer(mine.key))).json()
    assert (told["has_credential"], told["is_expired"]) == (True, False)
    assert (await ask(live, mine.key)).status_code == 200
    for body, status in (({"access_token": "two words\n"}, 400), ({}, 422)):
        refused = await live.http.post(TOKENS, json=body, headers=bearer(mine.key))
        assert refused.status_code == status
    nobody = await live.http.post(TOKENS, json=sent, headers=bearer(await live.make_key()))
    assert nobody.status_code == 400
    own = (await live.http.get("/v1/mcp/user-credentials", headers=bearer(mine.key))).json()
    assert [one["credential_type"] for one in own] == ["oauth2"]
