"""People give clients of MCP the credential that a server wants of each user, in their browsers."""

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.integration.request_path.mcp import names_of, speak
from tests.integration.request_path.person import Person, manage
from tests.integration.request_path.test_mcp_grants import BACK, Storage, place, provide, register
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

ISSUER = "/v1/mcp/oauth"
VERIFIER = "w" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def people() -> AsyncIterator[list[Person]]:
    found: list[Person] = []
    yield found
    for one in found:
        await one.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def person(live: LiveGateway, people: list[Person], server: McpFixture) -> Person:
    if not people:
        made = await manage(live, "/user/new", auto_create_key=False)
        people.append(Person(live, made["user_id"]))
        await people[0].log_in()
    one = {"url": server.url, "transport": "http"}
    servers = {"mine": {**one, "is_byok": True, "auth_type": "api_key"}, "plain": one}
    live.configure(deployment("m", live.upstream), mcp_servers=servers)
    server.headers.clear()
    return people[0]


def seen(server: McpFixture) -> set[str | None]:
    return {one.get("x-api-key") for one in server.headers}


async def list_tools(auth: Any, address: str) -> list[str]:
    async with (
        httpx2.AsyncClient(auth=auth, timeout=20) as http,
        Client(streamable_http_client(address, http_client=http), mode="auto") as client,
    ):
        return await names_of(client)


async def test_the_sdks_client_has_its_user_asked_for_the_credential(
    live: LiveGateway, server: McpFixture, person: Person
) -> None:
    path = "/mine/mcp"
    auth = provide(live, person, path, Storage(), api_key="credential-of-mine")
    assert "add" in await list_tools(auth, live.origin + path)
    assert seen(server) == {"credential-of-mine"}
    assert f"{ISSUER}/authorize" in str(person.page.url)
    assert "<b>mine</b>" in person.page.text
    assert "leave it empty" not in person.page.text
    server.headers.clear()
    auth = provide(live, person, path, Storage())
    await list_tools(auth, live.origin + path)
    assert "leave it empty" in person.page.text
    assert "credential-of-mine" not in person.page.text
    auth = provide(live, person, path, Storage(), api_key="another-of-mine")
    await list_tools(auth, live.origin + path)
    assert "another-of-mine" in seen(server)


def ask(client_id: str, **changes: str | None) -> str:
    changes = {"code_challenge": CHALLENGE, **changes}
    return place(client_id, **changes).replace("/authorize", f"{ISSUER}/authorize")


async def test_the_token_is_for_the_server_that_was_named(live: LiveGateway, person: Person) -> None:
    client_id = (await register(live)).json()["client_id"]
    location = await person.decide(ask(client_id, server_id="mine"), api_key="credential-of-mine")
    said = dict(parse_qsl(urlsplit(location).query))
    assert said["iss"] == live.origin + ISSUER
    fields = {
        "grant_type": "authorization_code",
        "code": said["code"],
        "client_id": client_id,
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
    }
    answer = await live.http.post(f"{ISSUER}/token", data=fields)
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    for path, status in (("/mine/mcp", 200), ("/plain/mcp", 403)):
        answers = await speak(live, path, "2026-07-28", headers)
        assert answers[-1].status_code == status, (path, answers[-1].text)
    answer = await live.http.get("/v1/mcp/user-credentials", headers=headers)
    assert answer.status_code == 403


async def test_who_asks_wrongly_is_told_and_nothing_is_stored(live: LiveGateway, person: Person) -> None:
    client_id = (await register(live)).json()["client_id"]
    for changes, status in (
        ({"server_id": "plain"}, 400),
        ({"server_id": "nobody"}, 404),
        ({}, 404),
        ({"server_id": "mine", "redirect_uri": "https://evil.example/"}, 400),
        ({"server_id": "mine", "code_challenge_method": "plain"}, 400),
    ):
        page = await person.http.get(ask(client_id, **changes))
        assert (page.status_code, page.headers["content-type"][:9]) == (status, "text/html"), page.text
    nobody = await live.http.get(ask(client_id, server_id="mine"))
    assert (nobody.status_code, "/sso/key/generate" in nobody.headers["location"]) == (303, True)
    sql = 'SELECT count(*) FROM "LiteLLM_AuditLog" WHERE object_id = $1'
    count = await live.gateway.parts.database.fetch_value(sql, f"{person.user_id}:mine")
    path, stored = f"{ISSUER}/authorize", {"api_key": "of-somebody"}
    for http, consent in (
        (person.http, "made-up"),
        (live.http, await person.read(ask(client_id, server_id="mine"))),
    ):
        fields = {**stored, "decision": "grant", "consent": consent}
        assert (await http.post(path, data=fields)).status_code == 400
    refused = await person.decide(ask(client_id, server_id="mine"), **stored, decision="refuse")
    assert "error=access_denied" in refused
    assert await live.gateway.parts.database.fetch_value(sql, f"{person.user_id}:mine") == count


async def test_documents_say_who_asks(live: LiveGateway, person: Person) -> None:
    told = (await live.http.get(f"{ISSUER}/protected-resource", params={"path": "/mine/mcp"})).json()
    assert (told["resource"], told["authorization_servers"]) == (
        f"{live.origin}/mine/mcp",
        [live.origin + ISSUER],
    )
    answer: httpx.Response = await live.http.get(f"/.well-known/oauth-authorization-server{ISSUER}")
    assert answer.json()["issuer"] == live.origin + ISSUER
    assert answer.json()["token_endpoint"] == f"{live.origin}{ISSUER}/token"
    wrong = await live.http.get(f"{ISSUER}/protected-resource", params={"path": "/../evil"})
    assert wrong.status_code == 400
