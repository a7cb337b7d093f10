"""An allow-list of applications holds on every way to MCP servers, or it holds on none."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from gateway_mcp.older.paths import ENDS
from gateway_mcp.places import FORMS
from gateway_mcp.rest import METHODS

from tests.integration.request_path.mcp import OlderClient, open_older
from tests.integration.request_path.mcp_doors import DOORS, ERA, FURTHER, META, TOOLSET, make_toolset
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, chat_body, deployment
from tests.mcp_servers import McpFixture
from tests.oidc import OidcProvider

pytestmark = pytest.mark.asyncio(loop_scope="session")

HEADER = "x-client"
NAMED = {HEADER: "claude-code"}
NOBODY: list[dict[str, str]] = [{}, {HEADER: ""}, {HEADER: "Claude-Code"}, {HEADER: "claude-code, cursor"}]
ALLOWED = {
    "mcp_allowed_clients": [{"alias": "Claude Code", "value": "claude-code"}],
    "mcp_client_id_header": "X-Client",
}
PATHS = {
    "/mcp": ("/mcp",),
    "/mcp/proxy": ("/mcp/proxy",),
    "/mcp/{names}": ("/mcp/fix", "/mcp/fix,open", "/mcp/crew"),
    "/{names}/mcp": ("/fix/mcp", "/fix,open/mcp", "/crew/mcp", "/open/mcp"),
    "/toolset/{name}/mcp": (f"/toolset/{TOOLSET}/mcp",),
    "/mcp-rest": tuple(METHODS),
}
"""Paths of each form that leads to servers."""
OWN = {"type": "mcp", "server_url": "litellm_proxy/mcp/fix", "require_approval": "never"}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def provider() -> AsyncIterator[OidcProvider]:
    async with OidcProvider() as provider:
        yield provider


def declare(live: LiveGateway, server: McpFixture, **general: Any) -> None:
    fix = {"url": server.url, "transport": "http", "access_groups": ["crew"]}
    others = {name: {"url": server.url, "transport": "http"} for name in ("other", "open")}
    others["open"]["allow_anonymous"] = True
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={"fix": fix, **others},
        general_settings={"disable_reset_budget": True, **general},
    )


async def make_key(live: LiveGateway) -> str:
    permission = {"mcp_servers": ["fix", "other", "open"], "mcp_toolsets": [await make_toolset(live)]}
    return await live.make_key(object_permission=permission)


def list_ways() -> Iterator[tuple[str, str, dict[str, str], bytes | None]]:
    """Every request that means something on any path: its method, path, headers and body."""
    assert set(PATHS) == {form.path for form in FORMS}, "what leads to servers has paths here"
    assert ENDS == ("/sse", "/sse/messages"), "what the older transport has is asked here"
    accept = {"accept": "application/json, text/event-stream"}
    begin = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    for form, paths in PATHS.items():
        for path in paths:
            if form == "/mcp-rest":
                body = {"server_id": "fix", "name": "echo", "arguments": {"text": "x"}}
                data = json.dumps(body).encode() if METHODS[path] == "POST" else None
                yield METHODS[path], path, {"content-type": "application/json"}, data
                continue
            for method, params in (("initialize", begin), ("tools/list", {}), ("server/discover", {})):
                stated = {"_meta": META} if method != "initialize" else {}
                named = {"mcp-protocol-version": ERA, "mcp-method": method} if stated else {}
                message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, **stated}}
                sent = {**accept, "content-type": "application/json", **named}
                yield "POST", path, sent, json.dumps(message).encode()
            for method, each in (("GET", path), ("DELETE", path), ("GET", f"{path}/sse")):
                yield method, each, {"accept": "text/event-stream"}, None


async def test_no_path_answers_an_application_that_is_not_listed(
    live: LiveGateway, server: McpFixture
) -> None:
    declare(live, server, **ALLOWED)
    key = await make_key(live)
    server.headers.clear()
    for method, path, headers, body in list_ways():
        asked = [*NOBODY] if path == "/fix/mcp" else [NOBODY[0], NOBODY[2]]
        for credential in (bearer(key), bearer(MASTER_KEY), {}) if path == "/open/mcp" else (bearer(key),):
            for said in asked:
                sent = {**headers, **credential, **said}
                answer = await live.http.request(method, path, headers=sent, content=body)
                assert answer.status_code == 403, (method, path, said, answer.text)
                error = answer.json()["error"]
                assert (error["type"], error["param"]) == ("mcp_client_access_denied", "mcp_client")
                assert ("the header" in error["message"].lower()) is not bool(said.get(HEADER))
            assert server.headers == [], (method, path)
            # The same request of one that is listed gets as far as it ever does.
            async with live.http.stream(
                method, path, headers={**headers, **credential, **NAMED}, content=body
            ) as answer:
                assert answer.status_code not in (401, 403), (method, path)
            server.headers.clear()


async def test_a_post_to_an_open_stream_needs_an_application_that_is_listed(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, **ALLOWED)
    server.calls.clear()
    async with open_older(live, "/mcp/sse", {**bearer(key), **NAMED}) as client:
        assert isinstance(client, OlderClient)
        assert await client.begin(live) is None
        call = {"name": "fix-echo", "arguments": {"text": "x"}}
        message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}
        for said in NOBODY[1:]:
            answer = await client.post(live, message, **said)
            assert (answer.status_code, answer.json()["error"]["type"]) == (403, "mcp_client_access_denied")
        assert server.calls == []
        assert "result" in await client.ask(live, "tools/call", call, 3), "nothing came before it"


async def test_a_model_is_offered_nothing_for_an_application_that_is_not_listed(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, **ALLOWED)
    server.headers.clear()
    before = len(live.upstream.requests)
    for url in ("litellm_proxy", "litellm_proxy/mcp", "litellm_proxy/mcp/fix"):
        for said in NOBODY:
            headers = {**bearer(key), **said}
            body = chat_body(tools=[{**OWN, "server_url": url}])
            answer = await live.http.post("/v1/chat/completions", json=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]["type"]) == (403, "mcp_client_access_denied")
            own = {**OWN, "server_label": "fix", "server_url": url}
            for is_stream in (False, True):
                body = {"model": "m", "input": "Go.", "tools": [own], "stream": is_stream}
                answer = await live.http.post("/v1/responses", json=body, headers=headers)
                assert answer.status_code == 403, answer.text
                assert answer.json()["error"]["type"] == "mcp_client_access_denied"
    assert len(live.upstream.requests) == before
    assert server.headers == []
    answer = await live.http.post("/v1/chat/completions", json=chat_body(), headers=bearer(key))
    assert answer.status_code == 200, "a request without tools of servers is no business of it"


async def test_an_application_that_is_listed_calls_by_every_door(
    live: LiveGateway, server: McpFixture
) -> None:
    declare(live, server, **ALLOWED)
    key = await make_key(live)
    live.http.headers.update(NAMED)
    try:
        for name, door in {**DOORS, **FURTHER}.items():
            live.upstream.requests.clear()
            told = await door(live, key)
            assert not told.is_error, (name, told)
            assert "you said" in told.text, (name, told)
    finally:
        del live.http.headers[HEADER]
    for name, door in {**DOORS, **FURTHER}.items():
        if name not in ("chat", "older"):
            told = await door(live, key)
            assert told.is_error, name
            assert "mcp_client_access_denied" in told.text, (name, told)


async def test_who_has_a_token_is_the_application_that_it_names(
    live: LiveGateway, key: str, server: McpFixture, provider: OidcProvider
) -> None:
    issuer = {"issuer": provider.issuer, "audience": "gateway"}
    jwt = {
        "issuers": [issuer],
        "user_id_jwt_field": "sub",
        "user_id_upsert": True,
        "mcp_client_id_jwt_field": "app.id",
    }
    declare(live, server, **ALLOWED, enable_jwt_auth=True, litellm_jwtauth=jwt)

    async def ask(credential: str, said: dict[str, str]) -> httpx.Response:
        return await live.http.get(
            "/mcp-rest/tools/list?server_id=fix", headers={**bearer(credential), **said}
        )

    right, wrong, silent = (
        provider.token(sub="mcp-ada", **claims)
        for claims in ({"app": {"id": "claude-code"}}, {"app": {"id": "cursor"}}, {"app": {"id": ["x"]}})
    )
    for said in ({}, {HEADER: "cursor"}):
        answer = await ask(right, said)
        assert (answer.status_code, bool(answer.json()["tools"])) == (200, True), answer.text
    for token, text in ((wrong, "'cursor' may not"), (silent, "does not name")):
        for said in ({}, NAMED):
            answer = await ask(token, said)
            assert answer.status_code == 403
            assert text in answer.json()["error"]["message"]
    # A key names no application; its header does.
    assert [(await ask(key, said)).status_code for said in (NAMED, {})] == [200, 403]
    # Without the header no key has any, and a token still does.
    allowed = {name: ALLOWED[name] for name in ("mcp_allowed_clients",)}
    declare(live, server, **allowed, enable_jwt_auth=True, litellm_jwtauth=jwt)
    assert [(await ask(one, NAMED)).status_code for one in (right, key)] == [200, 403]
    # Where tokens are not asked, they are as keys.
    del jwt["mcp_client_id_jwt_field"]
    declare(live, server, **ALLOWED, enable_jwt_auth=True, litellm_jwtauth=jwt)
    assert [(await ask(right, said)).status_code for said in (NAMED, {})] == [200, 403]


async def test_a_token_that_stands_for_a_key_names_its_own_application(
    live: LiveGateway, key: str, server: McpFixture, provider: OidcProvider
) -> None:
    jwt = {
        "issuers": [{"issuer": provider.issuer, "audience": "gateway"}],
        "mcp_client_id_jwt_field": "azp",
        "virtual_key_claim_field": "machine",
    }
    declare(live, server, **ALLOWED, enable_jwt_auth=True, litellm_jwtauth=jwt)
    body = {"jwt_claim_name": "machine", "jwt_claim_value": "m-1", "key": key}
    made = await live.http.post("/jwt/key/mapping/new", json=body, headers=bearer(MASTER_KEY))
    assert made.status_code == 200, made.text
    statuses = [
        (
            await live.http.get(
                "/mcp-rest/tools/list", headers={**bearer(provider.token(machine="m-1", azp=azp)), **NAMED}
            )
        ).status_code
        for azp in ("claude-code", "cursor", "")
    ]
    assert statuses == [200, 403, 403]


async def test_without_a_source_every_application_is_refused(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, mcp_allowed_clients=ALLOWED["mcp_allowed_clients"])
    answer = await live.http.get("/mcp-rest/tools/list", headers={**bearer(key), **NAMED})
    assert answer.status_code == 403
    assert "mcp_client_id_header" in answer.json()["error"]["message"]
