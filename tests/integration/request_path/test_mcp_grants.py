"""The gateway as an authorization server: clients of MCP that can only do OAuth."""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from tests.integration.request_path.mcp import Era, names_of, post, speak, text_of
from tests.integration.request_path.person import Person, manage
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
BACK = "http://localhost:3030/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
MODES = ["legacy", "auto"]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest.fixture(autouse=True)
def served(live: LiveGateway, server: McpFixture) -> None:
    one = {"url": server.url, "transport": "http"}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": one, "other": one})


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def people() -> AsyncIterator[list[Person]]:
    """Who has logged in: it takes a while."""
    found: list[Person] = []
    yield found
    for one in found:
        await one.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def person(live: LiveGateway, people: list[Person]) -> Person:
    """In two teams."""
    if not people:
        made = await manage(live, "/user/new", auto_create_key=False)
        people.append(Person(live, made["user_id"]))
        for name in ("red", "blue"):
            member = {"role": "user", "user_id": made["user_id"]}
            await manage(live, "/team/new", team_alias=name, members_with_roles=[member])
        await people[0].log_in()
    return people[0]


class Storage:
    """Where the client of the SDK keeps what it has got."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def provide(
    live: LiveGateway, person: Person, path: str, storage: Storage, **said: str
) -> OAuthClientProvider:
    """The login of the SDK's client, in which the person says something besides."""
    came: asyncio.Queue[str] = asyncio.Queue()

    async def go(address: str) -> None:
        await came.put(await person.decide(address, **said))

    async def come() -> AuthorizationCodeResult:
        said = dict(parse_qsl(urlsplit(await came.get()).query))
        return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))

    about = OAuthClientMetadata.model_validate({"redirect_uris": [BACK], "client_name": "<b>Proof</b>"})
    return OAuthClientProvider(f"{live.origin}{path}", about, storage, go, come)


@pytest.mark.parametrize(("path", "mode"), [("/fix/mcp", "legacy"), ("/fix/mcp", "auto"), ("/mcp", "auto")])
async def test_the_sdks_client_logs_in_and_calls_tools(
    live: LiveGateway, server: McpFixture, person: Person, path: str, mode: Any
) -> None:
    server.headers.clear()
    storage = Storage()
    auth = provide(live, person, path, storage)
    async with httpx2.AsyncClient(auth=auth, timeout=20) as http:
        transport = streamable_http_client(f"{live.origin}{path}", http_client=http)
        async with Client(transport, mode=mode) as client:
            names = await names_of(client)
            echo = next(name for name in names if name.endswith("echo"))
            assert text_of(await client.call_tool(echo, {"text": "hi"})) == "you said hi"
    assert "&lt;b&gt;Proof&lt;/b&gt;" in person.page.text
    assert "<b>localhost:3030</b>" in person.page.text
    assert storage.tokens is not None
    assert storage.tokens.access_token not in str(server.headers)
    (row, *_) = await live.rows(storage.tokens.access_token)
    assert row.user == person.user_id


async def register(live: LiveGateway, **changes: object) -> httpx.Response:
    return await live.http.post("/register", json={"redirect_uris": [BACK], "client_name": "x", **changes})


def place(client_id: str, **changes: str | None) -> str:
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": BACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "state": "s&t",
        **changes,
    }
    return str(httpx.URL("/authorize", params={k: v for k, v in query.items() if v is not None}))


async def redeem(live: LiveGateway, **fields: str) -> httpx.Response:
    return await live.http.post("/token", data=fields)


async def get_tokens(live: LiveGateway, person: Person, client_id: str, **changes: Any) -> dict[str, Any]:
    """What a code is worth; `team_id` is the person's choice."""
    team = {"team_id": changes.pop("team_id")} if "team_id" in changes else {}
    back = await person.decide(place(client_id, **changes), **team)
    said = dict(parse_qsl(urlsplit(back).query))
    assert (said["state"], said["iss"]) == ("s&t", f"{live.origin}/mcp")
    answer = await redeem(
        live,
        grant_type="authorization_code",
        client_id=client_id,
        code=said["code"],
        code_verifier=VERIFIER,
        redirect_uri=changes.get("redirect_uri", BACK),
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return {**answer.json(), "code": said["code"]}


@pytest_asyncio.fixture(loop_scope="session")
async def client_id(live: LiveGateway) -> str:
    return (await register(live)).json()["client_id"]


async def is_let_in(live: LiveGateway, token: str, path: str = "/fix/mcp") -> int:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list", **bearer(token)}
    answer = await post(live, None, {**LIST, "params": {"_meta": meta}}, path, **headers)
    return answer.status_code


async def until_refused(live: LiveGateway, token: str) -> None:
    """Return when the workers have heard that a key is there no more."""
    async with asyncio.timeout(20):
        while await is_let_in(live, token) != 401:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.02)


async def test_a_token_opens_what_was_granted_and_nothing_else(
    live: LiveGateway, person: Person, client_id: str
) -> None:
    resource = f"{live.origin}/fix/mcp"
    bound = (await get_tokens(live, person, client_id, resource=resource))["access_token"]
    free = (await get_tokens(live, person, client_id))["access_token"]
    for path, statuses in (("/fix/mcp", (200, 200)), ("/other/mcp", (403, 200)), ("/mcp", (403, 200))):
        assert (await is_let_in(live, bound, path), await is_let_in(live, free, path)) == statuses, path
    for method, path in (
        ("GET", "/key/list"),
        ("POST", "/key/generate"),
        ("GET", "/v1/models"),
        ("POST", "/v1/chat/completions"),
        ("GET", "/v1/mcp/user-credentials"),
        ("POST", "/introspect"),
    ):
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        answer = await live.http.request(method, path, headers=bearer(free), json=body)
        assert answer.status_code in (401, 403), (path, answer.text)
    # What the token may is no login either.
    assert (await live.http.get(place(client_id), headers=bearer(free))).status_code == 303


async def test_a_person_chooses_the_team(live: LiveGateway, person: Person, client_id: str) -> None:
    team = (await manage(live, "/team/new", team_alias="elsewhere"))["team_id"]
    consent = await person.read(place(client_id))
    options = re.findall(r'<option value="([^"]*)">([^<]*)', person.page.text)
    assert {name for _, name in options} == {"red", "blue", "without a team"}
    fields = {"consent": consent, "decision": "grant", "team_id": team}
    assert (await person.http.post("/authorize", data=fields)).status_code == 403
    for chosen, _ in options:
        token = (await get_tokens(live, person, client_id, team_id=chosen))["access_token"]
        told = await live.http.post("/introspect", data={"token": token}, headers=bearer(MASTER_KEY))
        assert (told.json()["team_id"], told.json()["sub"]) == (chosen or None, person.user_id)
    stranger = await live.make_key()
    told = await live.http.post("/introspect", data={"token": token}, headers=bearer(stranger))
    assert told.json() == {"active": False}
    assert (await live.http.post("/introspect", data={"token": token})).status_code == 401


async def test_each_refresh_token_holds_once(live: LiveGateway, person: Person, client_id: str) -> None:
    first = await get_tokens(live, person, client_id)

    async def refresh(token: str, client: str = client_id) -> httpx.Response:
        return await redeem(live, grant_type="refresh_token", client_id=client, refresh_token=token)

    other = (await register(live)).json()["client_id"]
    assert (await refresh(first["refresh_token"], other)).json()["error"] == "invalid_grant"
    second = (await refresh(first["refresh_token"])).json()
    await until_refused(live, first["access_token"])
    assert await is_let_in(live, second["access_token"]) == 200
    # It comes a second time: nobody knows who of the two has stolen it.
    stolen = await refresh(first["refresh_token"])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    await until_refused(live, second["access_token"])
    assert (await refresh(second["refresh_token"])).status_code == 400


@pytest.mark.parametrize("how", ["access", "refresh", "code", "key", "block"])
async def test_a_grant_is_taken_back(live: LiveGateway, person: Person, client_id: str, how: str) -> None:
    got = await get_tokens(live, person, client_id)
    if how in ("access", "refresh"):
        answer = await live.http.post("/revoke", data={"token": got[f"{how}_token"]})
        assert answer.status_code == 200
    elif how == "code":
        fields = {"client_id": client_id, "code": got["code"], "code_verifier": VERIFIER}
        again = await redeem(live, grant_type="authorization_code", redirect_uri=BACK, **fields)
        assert again.json()["error"] == "invalid_grant"
    elif how == "key":
        await manage(live, "/key/delete", keys=[got["access_token"]])
    else:
        await manage(live, "/key/block", key=got["access_token"])
    await until_refused(live, got["access_token"])
    fields = {"client_id": client_id, "refresh_token": got["refresh_token"]}
    assert (await redeem(live, grant_type="refresh_token", **fields)).status_code == 400
    assert (await live.http.post("/revoke", data={"token": "nobodys"})).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://localhost:3030/other"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": BACK + "#x"},
        {"response_type": "token"},
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"client_id": "made-up"},
        {"client_id": "https://127.0.0.1:9/client"},
        {"resource": "https://elsewhere.example/mcp"},
        {"resource": "{origin}/key/generate"},
    ],
)
async def test_who_asks_wrongly_is_told_on_the_spot(
    live: LiveGateway, person: Person, client_id: str, changes: dict[str, str | None]
) -> None:
    changes = {name: value and value.replace("{origin}", live.origin) for name, value in changes.items()}
    asked = {"client_id": client_id, **changes}
    answer = await person.http.get(place(asked.pop("client_id") or "", **asked))
    assert (answer.status_code in (400, 401), "location" in answer.headers) == (True, False), answer.text


async def test_only_the_browser_that_was_asked_decides(
    live: LiveGateway, person: Person, client_id: str
) -> None:
    nobody = await live.http.get(place(client_id))
    assert nobody.status_code == 303
    assert nobody.headers["location"].startswith("/sso/key/generate?return_to=%2Fauthorize%3F")
    fields = {"consent": await person.read(place(client_id)), "decision": "grant"}
    other = Person(live, (await manage(live, "/user/new", auto_create_key=False))["user_id"])
    await other.log_in()
    for http in (live.http, other.http):
        assert (await http.post("/authorize", data=fields)).status_code == 400
    assert (await person.http.post("/authorize", data=fields)).status_code == 400, "another has tried it"
    fields["consent"] = await person.read(place(client_id))
    crossing = {"sec-fetch-site": "cross-site"}
    assert (await person.http.post("/authorize", data=fields, headers=crossing)).status_code == 403
    refused = await person.http.post("/authorize", data={**fields, "decision": "refuse"})
    said = dict(parse_qsl(urlsplit(refused.headers["location"]).query))
    assert (said["error"], said["state"], "code" in said) == ("access_denied", "s&t", False)
    assert "form-action 'self' http://localhost:3030" in person.page.headers["content-security-policy"]
    await other.http.aclose()


async def test_what_litellms_metadata_names_asks_as_well(
    live: LiveGateway, person: Person, client_id: str
) -> None:
    asked = place(client_id).replace("/authorize", "/authorize/mcp-session", 1)
    nobody = await live.http.get(asked)
    assert nobody.headers["location"].startswith("/sso/key/generate?return_to=%2Fauthorize%3F")
    fields = {"consent": await person.read(asked), "decision": "grant"}
    back = (await person.http.post("/authorize", data=fields)).headers["location"]
    said = dict(parse_qsl(urlsplit(back).query))
    assert (back.startswith(f"{BACK}?"), said["state"], said["iss"]) == (True, "s&t", f"{live.origin}/mcp")
    code = {"client_id": client_id, "code": said["code"], "code_verifier": VERIFIER}
    assert (await redeem(live, grant_type="authorization_code", **code)).status_code == 200
    evil = place(client_id, redirect_uri="https://evil.example/callback")
    refused = await person.http.get(evil.replace("/authorize", "/authorize/mcp-session", 1))
    assert (refused.status_code, "location" in refused.headers) == (400, False)


async def test_below_a_servers_path_nothing_else_is_granted(
    live: LiveGateway, person: Person, client_id: str
) -> None:
    made = await live.http.post("/fix/register", json={"redirect_uris": [BACK], "client_name": "x"})
    assert made.status_code == 201, made.text
    client = made.json()["client_id"]

    async def get_code(below: str, **changes: str) -> dict[str, str]:
        fields = {"consent": await person.read(below + place(client, **changes)), "decision": "grant"}
        back = (await person.http.post("/authorize", data=fields)).headers["location"]
        said = dict(parse_qsl(urlsplit(back).query))
        assert said["iss"] == f"{live.origin}/mcp"
        code = {"grant_type": "authorization_code", "code": said["code"], "code_verifier": VERIFIER}
        return {**code, "client_id": client}

    nobody = await live.http.get("/fix" + place(client))
    assert nobody.headers["location"].startswith("/sso/key/generate?return_to=%2Ffix%2Fauthorize%3F")
    got = (await live.http.post("/fix/token", data=await get_code("/fix"))).json()
    token = got["access_token"]
    assert (await is_let_in(live, token), await is_let_in(live, token, "/other/mcp")) == (200, 403)
    again = {"grant_type": "refresh_token", "client_id": client, "refresh_token": got["refresh_token"]}
    for path, status in (("/other/token", 400), ("/fix/token", 200)):
        assert (await live.http.post(path, data=again)).status_code == status, path
    for below, resource in (("", f"{live.origin}/other/mcp"), ("", f"{live.origin}/mcp"), ("/other", "")):
        refused = await live.http.post("/fix/token", data=await get_code(below, resource=resource))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target"), (below, resource)
    for changes in (
        {"resource": f"{live.origin}/other/mcp"},
        {"redirect_uri": "https://evil.example/callback"},
    ):
        page = await person.http.get("/fix" + place(client, **changes))
        assert (page.status_code, "location" in page.headers) == (400, False)


async def test_a_server_may_have_an_issuer_of_its_own(
    live: LiveGateway, server: McpFixture, person: Person
) -> None:
    one = {"url": server.url, "transport": "http"}
    own = {**one, "per_server_oauth_discovery": True, "alias": "fox"}
    passed = {**one, "auth_type": "true_passthrough", "per_server_oauth_discovery": True}
    servers = {"fix": own, "ns/fix": {**own, "alias": "ns/fox"}, "other": one, "passed": passed}
    live.configure(deployment("m", live.upstream), mcp_servers=servers)
    for path, issuer in (
        *(("/fix/mcp", "/fix"), ("/mcp/fix", "/fix"), ("/fox/mcp", "/fox"), ("/fix,other/mcp", "/mcp")),
        *(("/other/mcp", "/mcp"), ("/mcp", "/mcp"), ("", "/mcp"), ("/ns/fix/mcp", "/mcp")),
    ):
        told = (await live.http.get(f"/.well-known/oauth-protected-resource{path}")).json()
        assert told["authorization_servers"] == [live.origin + issuer], path
    for path, issuer in (("/fix", "/fix"), ("/fix/mcp", "/fix"), ("/mcp/fox", "/fox"), ("/other", "/mcp")):
        for document in ("oauth-authorization-server", "openid-configuration"):
            told = (await live.http.get(f"/.well-known/{document}{path}")).json()
            below = live.origin + (issuer if issuer != "/mcp" else "")
            named = [told[f"{one}_endpoint"] for one in ("authorization", "token", "registration")]
            assert named == [f"{below}/authorize", f"{below}/token", f"{below}/register"], path
            assert told["issuer"] == live.origin + issuer
    assert (await live.http.get("/.well-known/oauth-authorization-server/passed")).status_code == 404
    storage = Storage()
    auth = provide(live, person, "/fox/mcp", storage)
    async with httpx2.AsyncClient(auth=auth, timeout=20) as http:
        transport = streamable_http_client(f"{live.origin}/fox/mcp", http_client=http)
        async with Client(transport, mode="auto") as client:
            assert text_of(await client.call_tool("echo", {"text": "hi"})) == "you said hi"
    assert storage.tokens is not None
    assert await is_let_in(live, storage.tokens.access_token, "/other/mcp") == 403
    back = await person.decide("/fix" + place(storage.client.client_id), decision="refuse")
    assert dict(parse_qsl(urlsplit(back).query))["iss"] == f"{live.origin}/fix"


async def test_names_of_nobody_are_left_to_others(live: LiveGateway, server: McpFixture) -> None:
    one = {"url": server.url, "transport": "http"}
    passed = {"path": "/nobody/token", "target": server.url}
    own = {"auth_type": "true_passthrough", **one}
    servers = {"fix": one, "token": one, "own": own}
    live.configure(
        deployment("m", live.upstream),
        general_settings={"pass_through_endpoints": [passed]},
        mcp_servers=servers,
    )
    for name in ("stranger", "own"):
        for path in ("token", "register"):
            answer = await live.http.post(f"/{name}/{path}", data={"x": "y"})
            assert answer.status_code == 404, (name, path, answer.text)
    for method, path in (("GET", "/fix/token"), ("POST", "/team/token")):
        assert (await live.http.request(method, path)).status_code == 405, "a route of its own"
    assert (await live.http.post("/nobody/token")).status_code == 401, "a pass-through asks for a key"
    assert await is_let_in(live, MASTER_KEY, "/mcp/token") == 200, "a server of this name"


async def test_a_session_counts_whatever_else_its_cookie_claims(
    live: LiveGateway, person: Person, client_id: str
) -> None:
    head, body, signature = person.http.cookies["token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    for changes, status in (({"aud": "https://elsewhere.example"}, 200), ({"key": "sk-made-up"}, 303)):
        told = base64.urlsafe_b64encode(json.dumps({**claims, **changes}).encode()).rstrip(b"=").decode()
        cookie = {"cookie": f"token={head}.{told}.{signature}"}
        assert (await live.http.get(place(client_id), headers=cookie)).status_code == status


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": ""},
        {"redirect_uri": "http://localhost:3030/"},
        {"client_id": "another"},
        {"resource": "{origin}/other/mcp"},
        {"grant_type": "password"},
    ],
)
async def test_a_code_is_for_who_asked_for_it(
    live: LiveGateway, person: Person, client_id: str, changes: dict[str, str]
) -> None:
    back = await person.decide(place(client_id, resource=f"{live.origin}/fix/mcp"))
    fields = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": dict(parse_qsl(urlsplit(back).query))["code"],
        "code_verifier": VERIFIER,
        "redirect_uri": BACK,
    }
    if "client_id" in changes:
        changes = {"client_id": (await register(live)).json()["client_id"]}
    changes = {name: value.replace("{origin}", live.origin) for name, value in changes.items()}
    refused = await redeem(live, **{**fields, **changes})
    assert (refused.status_code, "error" in refused.json()) == (400, True)
    assert "access_token" not in refused.text


async def test_clients_say_where_they_are_sent_back_to(live: LiveGateway, person: Person) -> None:
    good = [
        "cursor://anysphere.cursor-retrieval/oauth/callback",
        "com.example.app:/back",
        "https://x.example/cb",
    ]
    made = await register(live, redirect_uris=good, token_endpoint_auth_method="client_secret_basic")
    told = made.json()
    assert (made.status_code, told["token_endpoint_auth_method"]) == (201, "client_secret_post")
    back = await person.decide(place(told["client_id"], redirect_uri=good[0]))
    assert back.startswith(good[0] + "?")
    fields = {
        "grant_type": "authorization_code",
        "client_id": told["client_id"],
        "code": dict(parse_qsl(urlsplit(back).query))["code"],
        "code_verifier": VERIFIER,
    }
    for secret, status in (("", 401), ("wrong", 401), (told["client_secret"], 200)):
        assert (await redeem(live, **fields, client_secret=secret)).status_code == status
    here = await register(live, redirect_uris=["http://127.0.0.1/callback"])
    port = "http://127.0.0.1:49152/callback"
    assert (await person.decide(place(here.json()["client_id"], redirect_uri=port))).startswith(port)
    for uri in (
        *("http://x.example/cb", "javascript:alert(1)", "data:text/html,x", "x.y", "https://u@x.example/"),
        *("https://x.example;/", "https://x.example/#f", "file:///etc/passwd", "ftp://x.example/", ""),
    ):
        refused = await register(live, redirect_uris=[uri])
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_redirect_uri"), uri
    for body in (b"[]", b"{}", b'{"redirect_uris": "x"}', b"x" * 20_000, b"\xff"):
        refused = await live.http.post("/register", content=body)
        assert refused.json()["error"] == "invalid_client_metadata"


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
async def test_documents_lead_from_the_refusal_to_the_tokens(live: LiveGateway, era: Era) -> None:
    (refused,) = await speak(live, "/fix/mcp", era, {})
    document = f"{live.origin}/.well-known/oauth-protected-resource/fix/mcp"
    assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{document}"'
    told = (await live.http.get(document)).json()
    issuer = f"{live.origin}/mcp"
    assert (told["resource"], told["authorization_servers"]) == (f"{live.origin}/fix/mcp", [issuer])
    for path in ("", "/mcp", "/fix", "/mcp/fix", "/fix/mcp"):
        said = (await live.http.get(f"/.well-known/oauth-authorization-server{path}")).json()
        assert (said["issuer"], said["token_endpoint"]) == (issuer, f"{live.origin}/token")
        assert said["code_challenge_methods_supported"] == ["S256"]
    for path in ("", "/mcp"):
        told = (await live.http.get(f"/.well-known/oauth-protected-resource{path}")).json()
        assert (told["resource"], told["authorization_servers"]) == (issuer, [issuer])
    assert (await live.http.get("/.well-known/openid-configuration")).json() == said
    for path in ("/nobody", "/nobody/mcp", "x"):
        assert (await live.http.get(f"/.well-known/oauth-authorization-server{path}")).status_code == 404
    forged = {"host": "evil.example"}
    assert (await live.http.get(document, headers=forged)).status_code == 404
    (refused,) = await speak(live, "/fix/mcp", era, forged)
    assert "www-authenticate" not in refused.headers
