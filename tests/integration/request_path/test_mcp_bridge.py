"""Clients of servers at which users log in: one way for the user, through both logins (`dcr_bridge`)."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from tests.integration.request_path.mcp import text_of
from tests.integration.request_path.person import Person, manage
from tests.integration.request_path.test_mcp_grants import (
    BACK,
    LIST,
    Storage,
    client_id,
    get_tokens,
    is_let_in,
    people,
    person,
    place,
)
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_oauth import OAuthProvider
from tests.mcp_servers import McpFixture

__all__ = ["client_id", "people", "person"]

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True, provider=OAuthProvider()) as running:
        yield running


class Bridge:
    """A person who goes where the gateway leads, page by page."""

    def __init__(self, live: LiveGateway, server: McpFixture, person: Person) -> None:
        self.live, self.server, self.person = live, server, person

    def serve(self, **settings: Any) -> None:
        one = {"url": self.server.url, "transport": "http", "auth_type": "oauth2"}
        servers = {"fix": {**one, "dcr_bridge": True, **settings}, "plain": one}
        self.live.configure(deployment("m", self.live.upstream), mcp_servers=servers)

    async def forget(self) -> None:
        sql = 'DELETE FROM "LiteLLM_MCPUserCredentials" WHERE user_id = $1'
        await self.live.gateway.parts.database.execute(sql, self.person.user_id)
        for server_id in ("fix", "plain"):
            self.live.gateway.parts.mcp_stock.forget_one(self.person.user_id, server_id)

    async def let_in(self, address: str) -> str:
        """The page that leads on, after the person has said yes; its link."""
        fields = {"consent": await self.person.read(address), "decision": "grant"}
        answer = await self.person.http.post("/authorize", data=fields)
        assert answer.status_code == 200, answer.text
        link = re.search(r'<a href="([^"]+)">Log in there</a>', answer.text)
        assert link is not None, answer.text
        assert BACK not in answer.text
        return html.unescape(link.group(1))

    async def log_in(self, link: str) -> str:
        """Where the browser comes out after the login at the server."""
        begun = await self.person.http.get(link)
        assert begun.status_code == 303, begun.text
        assert self.server.provider is not None
        assert begun.headers["location"].startswith(self.server.provider.issuer)
        consent = await self.person.http.get(begun.headers["location"])
        back = await self.person.http.get(consent.headers["location"])
        assert back.status_code == 303, back.text
        out = await self.person.http.get(back.headers["location"])
        assert out.status_code == 303, out.text
        return out.headers["location"]


@pytest_asyncio.fixture(loop_scope="session")
async def bridge(live: LiveGateway, server: McpFixture, person: Person) -> Bridge:
    one = Bridge(live, server, person)
    one.serve()
    await one.forget()
    return one


@pytest.mark.parametrize("settings", [{}, {"per_server_oauth_discovery": True}], ids=["shared", "own issuer"])
async def test_the_sdks_client_needs_nothing_but_the_address(
    live: LiveGateway, server: McpFixture, bridge: Bridge, settings: dict[str, Any]
) -> None:
    bridge.serve(**settings)
    came: asyncio.Queue[str] = asyncio.Queue()
    storage = Storage()

    async def go(address: str) -> None:
        await came.put(await bridge.log_in(await bridge.let_in(address)))

    async def come() -> AuthorizationCodeResult:
        said = dict(parse_qsl(urlsplit(await came.get()).query))
        return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))

    about = OAuthClientMetadata.model_validate({"redirect_uris": [BACK], "client_name": "<b>Proof</b>"})
    auth = OAuthClientProvider(f"{live.origin}/fix/mcp", about, storage, go, come)
    server.headers.clear()
    async with httpx2.AsyncClient(auth=auth, timeout=20) as http:
        transport = streamable_http_client(f"{live.origin}/fix/mcp", http_client=http)
        async with Client(transport, mode="auto") as client:
            assert text_of(await client.call_tool("echo", {"text": "hi"})) == "you said hi"
    assert storage.tokens is not None
    assert server.provider is not None
    # What the client holds is the gateway's, what the server sees is its own issuer's.
    assert storage.tokens.access_token not in {*server.provider.access, *server.provider.refresh}
    assert storage.tokens.access_token not in str(server.headers)


async def test_who_has_logged_in_at_the_server_is_not_asked_again(
    live: LiveGateway, server: McpFixture, bridge: Bridge, client_id: str
) -> None:
    address = place(client_id, resource=f"{live.origin}/fix/mcp")
    said = dict(parse_qsl(urlsplit(await bridge.log_in(await bridge.let_in(address))).query))
    assert (said["state"], said["iss"], "code" in said) == ("s&t", f"{live.origin}/mcp", True)
    token = (await get_tokens(live, bridge.person, client_id, resource=f"{live.origin}/fix/mcp"))[
        "access_token"
    ]
    assert await is_let_in(live, token) == 200
    await bridge.forget()
    refused = await live.http.post("/fix/mcp", json=LIST, headers={"authorization": f"Bearer {token}"})
    told = f'resource_metadata="{live.origin}/.well-known/oauth-protected-resource/fix/mcp"'
    assert (refused.status_code, told in refused.headers["www-authenticate"]) == (401, True), refused.text


async def test_elsewhere_one_login_is_all(live: LiveGateway, bridge: Bridge, client_id: str) -> None:
    for resource in ("/plain/mcp", "/mcp", "", "/mcp/nobody"):
        back = await bridge.person.decide(place(client_id, resource=resource and live.origin + resource))
        assert "code=" in back, resource
    back = await bridge.person.decide(place(client_id, resource=f"{live.origin}/mcp/fix"), decision="refuse")
    assert "error=access_denied" in back


async def test_a_ticket_is_of_one_browser_and_holds_once(
    live: LiveGateway, bridge: Bridge, client_id: str
) -> None:
    address = place(client_id, resource=f"{live.origin}/mcp/fix")
    other = Person(live, (await manage(live, "/user/new", auto_create_key=False))["user_id"])
    await other.log_in()
    for http in (live.http, other.http):
        link = await bridge.let_in(address)
        for one in (link, link.replace("/login?", "/finish?"), "/authorize/mcp-session/finish"):
            answer = await http.get(one)
            assert (answer.status_code, "location" in answer.headers) == (400, False)
    await other.http.aclose()
    link = await bridge.let_in(address)
    early = await bridge.person.http.get(link.replace("/login?", "/finish?"))
    assert (early.status_code, "location" in early.headers) == (400, False), "no login at the server yet"
    assert (await bridge.person.http.get(link)).status_code == 400, "it was used"
    link = await bridge.let_in(address)
    assert (await bridge.log_in(link)).startswith(f"{BACK}?")
    assert (await bridge.person.http.get(link.replace("/login?", "/finish?"))).status_code == 400
