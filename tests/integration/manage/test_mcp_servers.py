"""MCP servers of the database: served at once, with what is secret encrypted, masked and kept."""

import json
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from gateway.catalog.stored_mcp import PLAIN
from gateway.db.sealing import Seal
from gateway.domain import Secret
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.manage.mcp_serving import (
    CALL,
    SERVERS,
    TOKEN,
    body_of,
    call,
    emptied,
    make,
    unique,
    until_served,
)
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment, eventually
from tests.mcp_servers import McpFixture
from tests.oidc import make_key

pytestmark = pytest.mark.asyncio(loop_scope="session")

CONFIGURED = {"url": "http://127.0.0.1:9/mcp", "server_id": "conf-1", "auth_type": "bearer_token"}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def configured(live: LiveGateway) -> AsyncIterator[None]:
    conf = {**CONFIGURED, "auth_value": "conf-secret"}
    live.configure(deployment("m", live.upstream), mcp_servers={"conf": conf})
    async with emptied(live):
        yield


async def test_a_server_is_served_as_long_as_it_is_there(desk: Desk, server: McpFixture) -> None:
    key, name = await desk.live.make_key(), unique()
    made = await make(desk, body_of(server, name, alias=f"{name}_a", static_headers={"x-region": "north"}))
    identifier = made["server_id"]
    assert (made["server_name"], made["transport"], made["is_config"]) == (name, "http", False)
    server.headers.clear()
    answer = await call(desk, key, identifier)
    assert answer.json()["content"][0]["text"] == "5", answer.text
    asked = server.headers[-1]
    assert (asked["authorization"], asked["x-region"]) == (f"Bearer {TOKEN}", "north")

    changed = {
        "server_id": identifier,
        "credentials": {"auth_value": "another-token"},
        "allowed_tools": ["echo"],
    }
    answer = await desk.ask("PUT", SERVERS, json=changed)
    assert (answer.status_code, answer.json()["allowed_tools"]) == (202, ["echo"])
    await eventually(lambda: "another-token" in str(settings_of(desk, identifier)))
    assert (await call(desk, key, identifier)).status_code == 403

    assert (await desk.ask("DELETE", f"{SERVERS}/{identifier}")).status_code == 202
    await until_served(desk, identifier, is_there=False)
    assert (await call(desk, key, identifier)).status_code == 404
    entries = (await desk.get("/audit", object_id=identifier))["audit_logs"]
    assert [entry["action"] for entry in entries] == ["deleted", "updated", "created"]
    assert TOKEN not in str(entries)


@pytest.mark.parametrize("is_passed", [True, False])
async def test_whose_login_it_is_comes_back_as_it_was_said(
    desk: Desk, server: McpFixture, *, is_passed: bool
) -> None:
    said = {"oauth_passthrough": is_passed, "delegate_auth_to_upstream": not is_passed}
    open_to_tokens = {"auth_type": "none", "credentials": None, "extra_headers": ["Authorization"]}
    made = await make(desk, body_of(server, unique(), **open_to_tokens, **said))
    shown = await desk.get(f"{SERVERS}/{made['server_id']}")
    assert {name: shown[name] for name in said} == said
    plain = await make(desk, body_of(server, unique()))
    assert (plain["oauth_passthrough"], plain["delegate_auth_to_upstream"]) == (False, False)
    path = f"/mcp/{made['server_name']}"
    answer = await desk.live.http.post(path, json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    # Who grants tokens is the server's own issuer, which it has none of, or the gateway.
    told = await desk.live.http.get(f"/.well-known/oauth-protected-resource{path}")
    assert (answer.status_code, told.status_code) == (401, 502 if is_passed else 200)


def settings_of(desk: Desk, identifier: str) -> object:
    shelf = desk.live.gateway.parts.added.current.mcp
    return next((one.settings for one in shelf.servers if one.server_id == identifier), None)


async def test_secrets_are_encrypted_and_masked_and_stay_when_the_mask_comes_back(
    desk: Desk, server: McpFixture
) -> None:
    made = await make(desk, body_of(server, unique(), static_headers={"x-key": "header-secret"}))
    identifier = made["server_id"]
    shown = await desk.get(f"{SERVERS}/{identifier}")
    listed = next(one for one in await desk.get(SERVERS) if one["server_id"] == identifier)
    assert shown == listed
    assert (shown["credentials"], shown["static_headers"]) == ({"auth_value": "*****"}, {"x-key": "*****"})
    stored = await desk.value(
        'SELECT to_jsonb(s)::text FROM "LiteLLM_MCPServerTable" s WHERE server_id = $1', identifier
    )
    assert TOKEN not in stored
    assert "header-secret" not in stored
    assert "x-key" not in stored, "LiteLLM has all of it as one encrypted text"
    sent = {
        "server_id": identifier,
        "description": "new",
        **{k: shown[k] for k in ("credentials", "static_headers")},
    }
    assert (await desk.ask("PUT", SERVERS, json=sent)).status_code == 202
    await eventually(lambda: "new" in str(settings_of(desk, identifier)))
    kept = str(settings_of(desk, identifier))
    assert TOKEN in kept
    assert "header-secret" in kept


async def test_what_is_no_secret_is_stored_as_litellm_reads_it(desk: Desk, server: McpFixture) -> None:
    sent = {"client_id": "the-client", "client_secret": "the-secret", "scopes": ["read"]}
    made = await make(desk, body_of(server, unique(), auth_type="oauth2", credentials=sent))
    stored = await desk.value(
        'SELECT credentials::text FROM "LiteLLM_MCPServerTable" WHERE server_id = $1', made["server_id"]
    )
    held = json.loads(stored)
    assert held["scopes"] == ["read"]
    assert {name: held[name] == sent[name] for name in ("client_id", "client_secret")} == {
        "client_id": False,
        "client_secret": False,
    }


async def test_headers_that_litellm_has_stored_are_shown_masked_and_kept(
    desk: Desk, server: McpFixture
) -> None:
    made = await make(desk, body_of(server, unique(), static_headers={"x-key": "old"}))
    identifier = made["server_id"]
    sealed = Seal(Secret(MASTER_KEY)).close('{"x-region": "north"}')
    await desk.run(
        'UPDATE "LiteLLM_MCPServerTable" SET static_headers = to_jsonb($2::text) WHERE server_id = $1',
        identifier,
        sealed,
    )
    shown = await desk.get(f"{SERVERS}/{identifier}")
    assert shown["static_headers"] == {"x-region": "*****"}
    sent = {"server_id": identifier, "description": "new", "static_headers": shown["static_headers"]}
    assert (await desk.ask("PUT", SERVERS, json=sent)).status_code == 202
    await eventually(lambda: "new" in str(settings_of(desk, identifier)))
    assert "north" in str(settings_of(desk, identifier))


async def test_what_proves_who_the_gateway_is_is_a_secret_too(desk: Desk, server: McpFixture) -> None:
    pem = make_key("first", "EC").as_pem(private=True).decode()
    for about, credentials in (
        (
            {"auth_type": "oauth2", "token_endpoint_auth_method": "private_key_jwt"},
            {
                "client_id": "the-client",
                "client_private_key": pem,
                "client_private_key_id": "the-kid",
                "upstream_token_header": "esb-oauth",
            },
        ),
        (
            {"auth_type": "oauth2_id_jag", "token_exchange_endpoint": "https://a.example/t", "audience": "b"},
            {
                "client_id": "the-client",
                "client_secret": "the-secret",
                "id_jag_resource_token_endpoint": "https://b.example/t",
                "id_jag_subject_source": "caller",
                "id_jag_resource_client_id": "another-client",
                "id_jag_resource_client_secret": "another-secret",
            },
        ),
        (
            {"auth_type": "aws_sigv4"},
            {
                "aws_access_key_id": "AKIDEXAMPLE",
                "aws_secret_access_key": "an-aws-secret",
                "aws_session_token": "an-aws-token",
                "aws_region_name": "eu-west-1",
            },
        ),
    ):
        made = await make(desk, body_of(server, unique(), **about, credentials=credentials))
        identifier = made["server_id"]
        assert made["credentials"] == dict.fromkeys(credentials, "*****")
        assert {name: made[name] for name in about} == about
        stored = await desk.value(
            'SELECT to_jsonb(s)::text FROM "LiteLLM_MCPServerTable" s WHERE server_id = $1', identifier
        )
        entries = (await desk.get("/audit", object_id=identifier))["audit_logs"]
        for name, text in credentials.items():
            assert (text in stored) is (name in PLAIN)
            assert text not in str(entries)
        served = desk.live.gateway.parts.added.current.mcp.servers
        assert next(one.settings for one in served if one.server_id == identifier) == {
            "server_id": identifier,
            "url": server.url,
            "transport": "http",
            **about,
            **credentials,
        }


async def test_others_see_the_servers_that_they_may_reach_and_nothing_behind_them(
    desk: Desk, server: McpFixture
) -> None:
    mine, other = [
        await make(desk, body_of(server, unique(), mcp_access_groups=[unique()])) for _ in range(2)
    ]
    groups = mine["mcp_access_groups"]
    for permission in ({"mcp_servers": [mine["server_id"]]}, {"mcp_access_groups": groups}):
        key = await desk.live.make_key(object_permission=permission)
        (seen,) = await desk.get(SERVERS, key)
        assert seen["server_id"] == mine["server_id"]
        assert {"url", "credentials", "static_headers", "env", "command"}.isdisjoint(seen)
        assert (await desk.get(f"{SERVERS}/{mine['server_id']}", key)) == seen
        assert (await desk.ask("GET", f"{SERVERS}/{other['server_id']}", key)).status_code == 404
    closed = await desk.live.make_key(object_permission={"mcp_servers": ["no_mcp_servers"]})
    assert await desk.get(SERVERS, closed) == []
    conf = next(one for one in await desk.get(SERVERS) if one["server_id"] == "conf-1")
    assert (conf["is_config"], conf["credentials"]) == (True, {"auth_value": "*****"})
    for method, path, sent in (
        ("POST", SERVERS, body_of(server, unique())),
        ("PUT", SERVERS, {"server_id": mine["server_id"]}),
        ("DELETE", f"{SERVERS}/{mine['server_id']}", None),
    ):
        assert (await desk.ask(method, path, key, json=sent)).status_code == 401


async def test_where_keys_have_to_name_servers_the_others_see_none(desk: Desk, server: McpFixture) -> None:
    demand = {"require_key_mcp_access_defined": True}
    desk.live.configure(deployment("m", desk.live.upstream), mcp_servers={}, general_settings=demand)
    named, opened = [await make(desk, body_of(server, unique(), allow_all_keys=yes)) for yes in (False, True)]
    silent = await desk.live.make_key()
    naming = await desk.live.make_key(object_permission={"mcp_servers": [named["server_name"]]})
    for key, seen in ((silent, [opened]), (naming, [opened, named])):
        assert [one["server_id"] for one in await desk.get(SERVERS, key)] == [
            one["server_id"] for one in seen
        ]
        statuses = [(await call(desk, key, one["server_id"])).status_code for one in (named, opened)]
        assert statuses == [200 if one in seen else 403 for one in (named, opened)]
    assert (await desk.ask("GET", f"{SERVERS}/{named['server_id']}", silent)).status_code == 404
    assert len(await desk.get(SERVERS)) == 2


async def test_settings_without_a_column_are_settings_as_well(desk: Desk, server: McpFixture) -> None:
    own = {
        "rpm": 1,
        "max_concurrent_requests": 3,
        "max_budget": 2.5,
        "budget_duration": "1d",
        "timeout": 9.5,
        "disallowed_tools": ["echo"],
        "allowed_params": {"add": ["a", "b"]},
        "protocol_version": "2026-07-28",
        "allow_sampling": False,
        "allow_elicitation": False,
    }
    made = await make(desk, body_of(server, unique(), **own, mcp_info={"logo_url": "l"}))
    identifier, key = made["server_id"], await desk.live.make_key()
    assert {name: made[name] for name in own} == own
    assert (made["mcp_info"], made["audience"]) == ({"logo_url": "l"}, None)
    assert await desk.get(f"{SERVERS}/{identifier}") == made
    assert own.keys().isdisjoint((await desk.get(SERVERS, key))[0])
    assert [(await call(desk, key, identifier)).status_code for _ in range(2)] == [200, 429]

    await desk.post(f"{SERVERS}/{identifier}/pin", None)
    other = {"rpm": None, "timeout": 4, "allow_sampling": None}
    sent = {"server_id": identifier, **other, "mcp_info": {"gatewright_settings": {}}}
    changed = (await desk.ask("PUT", SERVERS, json=sent)).json()
    assert {name: changed[name] for name in own} == {**own, **other}
    assert (changed["mcp_info"], "add" in changed["pinned_tools"]) == ({}, True)
    await desk.ask("DELETE", f"{SERVERS}/{identifier}/pin")
    sent = {"server_id": identifier, "description": "d"}
    assert (await desk.ask("PUT", SERVERS, json=sent)).json()["max_budget"] == 2.5
    entries = (await desk.get("/audit", object_id=identifier))["audit_logs"]
    assert [entry["updated_values"].get("timeout") for entry in entries] == [4, 4, 4, 9.5, 9.5]
    await eventually(lambda: "'timeout': 4" in str(settings_of(desk, identifier)), 1.0)
    assert (await call(desk, key, identifier)).status_code == 200


async def test_what_cannot_be_served_is_refused(desk: Desk, server: McpFixture) -> None:
    name = unique()
    made = await make(desk, body_of(server, name, server_id=unique()))
    for body, status, said in (
        ({"auth_type": "aws_sigv4"}, 400, "no 'auth_value'"),
        ({"transport": "stdio", "url": None, "command": "sh", "auth_type": "none"}, 400, "stdio_commands"),
        ({"spec_path": "/etc/passwd"}, 400, "only the configuration may name files"),
        ({"url": "ftp://somewhere"}, 400, "url"),
        ({"extra_headers": ["cookie"]}, 400, "extra_headers"),
        ({"rpm": -1}, 400, "rpm"),
        ({"budget_duration": "1d"}, 400, "max_budget"),
        ({"timeout": 0}, 400, "timeout"),
        ({"transport": "sse", "protocol_version": "2026-07-28"}, 400, "protocol_version"),
        ({"oauth2_flow": "client_credentials"}, 400, "oauth2_flow"),
        ({"credentials": {"allow_all_keys": True}}, 400, "credentials.allow_all_keys"),
        ({"auth_type": "sorcery"}, 422, "auth_type"),
        ({"server_name": "with-dash"}, 400, "with-dash"),
        ({"server_name": name}, 409, name),
        ({"server_name": "conf"}, 409, "conf"),
        ({"alias": made["server_id"]}, 409, made["server_id"]),
        ({"server_id": made["server_id"]}, 409, made["server_id"]),
    ):
        sent = {**body_of(server, unique()), **body}
        answer = await desk.ask("POST", SERVERS, json=sent)
        assert answer.status_code == status, (body, answer.text)
        assert said in answer.text, (body, answer.text)
    for method, path in (("GET", f"{SERVERS}/none"), ("DELETE", f"{SERVERS}/none")):
        assert (await desk.ask(method, path)).status_code == 404
    assert (await desk.ask("PUT", SERVERS, json={"server_id": "none"})).status_code == 404


async def test_servers_are_served_without_a_word_in_the_configuration(desk: Desk, server: McpFixture) -> None:
    """Requests to models pass by the plugin until there is a server, and after the last one is gone."""
    desk.live.configure(deployment("m", desk.live.upstream))
    gateway, key = desk.live.gateway, await desk.live.make_key()
    named = {"type": "mcp", "server_label": "x", "server_url": "https://mcp.elsewhere.example/"}
    ours = {"type": "mcp", "server_label": "x", "server_url": "litellm_proxy/mcp/none"}
    chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}

    def asked() -> set[str]:
        snapshot = gateway.snapshot
        found = {"models": snapshot.hooks, "paths": snapshot.pass_through_hooks}
        return {
            f"{use} {name}"
            for use, hooks in found.items()
            for name, items in hooks.implementations.items()
            if any(item.plugin == "mcp" for item in items) and "mcp" not in name
        }

    assert asked() == set()
    assert (await desk.ask("GET", "/mcp/enabled")).json() == {"enabled": True}
    assert (await desk.ask("POST", "/mcp", key, json={})).status_code == 404
    made = await make(desk, body_of(server, unique()))
    await eventually(lambda: bool(asked()))
    assert {one for one in asked() if one.startswith("models")} == {"models answer_request"}
    assert (await call(desk, key, made["server_id"])).status_code == 200
    path = "/v1/chat/completions"
    assert (await desk.ask("POST", path, key, json={**chat, "tools": [named]})).status_code == 200
    assert (await desk.ask("POST", path, key, json={**chat, "tools": [ours]})).status_code == 404
    assert (await desk.ask("DELETE", f"{SERVERS}/{made['server_id']}")).status_code == 202
    await eventually(lambda: not asked())
    assert (await desk.ask("POST", "/mcp", key, json={})).status_code == 404


async def test_servers_are_not_stored_where_they_are_not_read(desk: Desk, server: McpFixture) -> None:
    general = {"store_model_in_db": False}
    desk.live.configure(deployment("m", desk.live.upstream), general_settings=general, mcp_servers={})
    answer = await desk.ask("POST", SERVERS, json=body_of(server, unique()))
    assert (answer.status_code, "store_model_in_db" in answer.text) == (400, True)


async def test_without_the_plugin_nothing_is_stored(
    desk: Desk, server: McpFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    shut_out = {"plugins": {"deny": ["mcp"]}}
    desk.live.configure(deployment("m", desk.live.upstream), gatewright=shut_out)
    answer = await desk.ask("POST", SERVERS, json=body_of(server, unique()))
    assert answer.status_code == 400
    assert "'gatewright.plugins'" in answer.text
    sql = 'INSERT INTO "LiteLLM_MCPServerTable" (server_id, url) VALUES ($1, $2)'
    await desk.run(sql, "left", server.url)
    capfd.readouterr()
    desk.live.gateway.parts.added.note_change()
    await until_served(desk, "left")
    await eventually(lambda: "'gatewright.plugins' shuts it out" in "".join(capfd.readouterr()))
    desk.live.configure(deployment("m", desk.live.upstream), mcp_servers={})
    made = await make(desk, body_of(server, unique()))
    assert (await call(desk, await desk.live.make_key(), made["server_id"])).status_code == 200


async def test_a_row_of_another_writer_is_read(desk: Desk, server: McpFixture) -> None:
    """As LiteLLM stores them: objects as texts of JSON, names with spaces, what is not served besides."""
    seal, identifier = desk.live.gateway.parts.added.seal, secrets.token_hex(8)
    await desk.run(
        """INSERT INTO "LiteLLM_MCPServerTable"
           (server_id, server_name, url, transport, auth_type, credentials, mcp_info)
           VALUES ($1, 'my ' || $1, $2, 'http', 'api_key',
                   to_jsonb($3::text), '"{\\"server_name\\": \\"x\\", \\"mcp_server_cost_info\\": null}"'),
                  ('aws-' || $1, 'old_' || $1, $2, 'sse', 'aws_sigv4', NULL, NULL)""",
        identifier,
        server.url,
        f'{{"auth_value": "{seal.close(TOKEN)}"}}',
    )
    desk.live.gateway.parts.added.note_change()
    await until_served(desk, identifier)
    server.headers.clear()
    answer = await desk.ask(
        "POST",
        "/mcp-rest/tools/call",
        await desk.live.make_key(),
        json={"server_id": f"my_{identifier}", **CALL},
    )
    assert answer.status_code == 200, answer.text
    assert server.headers[-1]["x-api-key"] == TOKEN
    assert (await call(desk, await desk.live.make_key(), f"aws-{identifier}")).status_code == 404
    for one in (identifier, f"aws-{identifier}"):
        assert (await desk.ask("DELETE", f"{SERVERS}/{one}")).status_code == 202


async def test_the_statements_are_counted(desk: Desk, server: McpFixture) -> None:
    body = body_of(server, unique(), server_id=unique())
    path = f"{SERVERS}/{body['server_id']}"
    found = {
        "POST": await statements(desk, "POST", SERVERS, json=body),
        "LIST": await statements(desk, "GET", SERVERS),
        "GET": await statements(desk, "GET", path),
        "PUT": await statements(
            desk, "PUT", SERVERS, json={"server_id": body["server_id"], "description": "d"}
        ),
        "DELETE": await statements(desk, "DELETE", path),
    }
    assert found == {"POST": 5, "LIST": 2, "GET": 1, "PUT": 6, "DELETE": 6}
