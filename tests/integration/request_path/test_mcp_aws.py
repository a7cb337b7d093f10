"""Servers on AWS, where every request is signed over its body."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from gateway_mcp import signature_terms
from gateway_mcp.server_terms import McpServer
from gateway_mcp.transports.sigv4 import SigV4
from gateway_mcp.upstreams import Upstream

from gateway.errors import UpstreamError
from tests.aws import RoleService, SignedServer
from tests.integration.request_path.mcp import Era, connect, post, speak, text_of
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.plugins.mcp.test_tokens import Clock

pytestmark = pytest.mark.asyncio(loop_scope="session")

ERAS: list[Era] = ["2025-11-25", "2026-07-28"]
ROLE = "arn:aws:iam::123456789012:role/tickets"
STATED = {"aws_access_key_id": "OWN", "aws_secret_access_key": "own-secret", "aws_session_token": "own-token"}
LONG = "grün " * 5000
CALL = {"name": "echo", "arguments": {"text": "grün"}}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[SignedServer]:
    async with SignedServer(is_json=True) as running:
        running.keys = {"OWN": "own-secret", "MACHINE": "machine-secret", "LENT1": "lent-secret"}
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def roles() -> AsyncIterator[RoleService]:
    async with RoleService() as running:
        yield running


@pytest.fixture(autouse=True)
def machine(server: SignedServer, roles: RoleService, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine itself knows of AWS."""
    server.asked.clear()
    server.headers.clear()
    roles.lent.clear()
    roles.refusal, roles.lasts = "", 3600
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "MACHINE",
        "AWS_SECRET_ACCESS_KEY": "machine-secret",
        "AWS_ENDPOINT_URL_STS": roles.issuer,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


def declare(live: LiveGateway, server: SignedServer, **settings: Any) -> None:
    signed = {"auth_type": "aws_sigv4", "aws_region_name": "eu-west-1"}
    fix = {"url": server.url, "transport": "http", **signed, **settings}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})


@pytest.mark.parametrize("era", ERAS)
async def test_every_request_is_signed_over_its_body(
    live: LiveGateway, key: str, server: SignedServer, era: Era
) -> None:
    declare(live, server, **STATED, extra_headers=["Authorization", "X-Amz-Security-Token"])
    brought = {"authorization": "Bearer theirs", "x-amz-security-token": "theirs"}
    for path in ("/fix/mcp", "/mcp"):
        answers = await speak(live, path, era, {"x-litellm-api-key": key, **brought})
        assert {one.status_code for one in answers} <= {200, 202}, answers[-1].text
    async with connect(live, key) as client:
        assert (
            text_of(await client.call_tool("echo", {"text": "grün " * 5000})) == "you said " + "grün " * 5000
        )
    body = {"server_id": "fix", **CALL}
    answer = await live.http.post("/mcp-rest/tools/call", json=body, headers=bearer(key))
    assert answer.json()["content"][0]["text"] == "you said grün"
    assert set(server.asked) == {("OWN", "eu-west-1", "bedrock-agentcore", "own-token")}
    assert len(server.asked) == len(server.headers), "every request of this test was admitted"


async def test_a_signed_request_is_sent_nowhere_else(
    live: LiveGateway, key: str, server: SignedServer, roles: RoleService, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(live, server, **STATED)
    elsewhere = {"location": f"{roles.issuer}/mcp"}
    monkeypatch.setattr(server, "refuse", lambda path, headers: (307, elsewhere, b""))
    for path in ("/fix/mcp", "/mcp"):
        await speak(live, path, "2026-07-28", bearer(key))
    assert server.asked
    assert roles.lent == []


async def test_streams_and_posts_of_the_older_transport_are_signed(live: LiveGateway, key: str) -> None:
    async with SignedServer(is_older=True) as server:
        server.keys = {"OWN": "own-secret"}
        declare(live, server, **STATED, transport=None)
        body = {"server_id": "fix", **CALL}
        answer = await live.http.post("/mcp-rest/tools/call", json=body, headers=bearer(key))
        assert answer.json()["content"][0]["text"] == "you said grün", answer.text
        assert len(server.asked) == len(server.headers) > 3


@pytest.mark.parametrize("path", ["/fix/mcp", "/mcp"])
async def test_a_signature_that_aws_refuses_is_not_the_callers(
    live: LiveGateway, key: str, server: SignedServer, path: str
) -> None:
    declare(live, server, **{**STATED, "aws_secret_access_key": "another"})
    (answer, *_) = await speak(live, path, "2026-07-28", bearer(key))
    assert "refuses the signature of the gateway (403)" in answer.text
    assert answer.status_code == (502 if path == "/fix/mcp" else 200), answer.text
    assert server.asked == []


async def test_the_keys_of_the_machine_sign_where_none_are_stated(
    live: LiveGateway, key: str, server: SignedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(live, server, aws_service_name="execute-api")
    await speak(live, "/fix/mcp", "2026-07-28", bearer(key))
    assert set(server.asked) == {("MACHINE", "eu-west-1", "execute-api", "")}
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    declare(live, server, aws_service_name="another")
    (refused, *_) = await speak(live, "/fix/mcp", "2026-07-28", bearer(key))
    assert (refused.status_code, "'aws_'" in refused.text) == (502, True)


async def test_a_role_is_taken_on_once_for_all(
    live: LiveGateway, key: str, server: SignedServer, roles: RoleService
) -> None:
    declare(live, server, **STATED, aws_role_name=ROLE, aws_session_name="gateway@example")
    listing = {"server_id": "fix", **CALL}
    sent = [live.http.post("/mcp-rest/tools/call", json=listing, headers=bearer(key)) for _ in range(8)]
    assert {one.status_code for one in await asyncio.gather(*sent)} == {200}
    ((fields, authorization),) = roles.lent
    assert (fields["RoleArn"], fields["RoleSessionName"]) == (ROLE, "gateway@example")
    assert "Credential=OWN/" in authorization
    assert set(server.asked) == {("LENT1", "eu-west-1", "bedrock-agentcore", "lent-token")}


async def test_a_role_that_is_refused_is_named_without_what_aws_says(
    live: LiveGateway, key: str, server: SignedServer, roles: RoleService
) -> None:
    roles.refusal = "AccessDenied"
    declare(live, server, aws_role_name=ROLE)
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    refused = await post(live, key, message)
    assert refused.status_code == 502, refused.text
    assert "AWS says AccessDenied" in refused.text
    assert "arn:" not in refused.text
    assert server.asked == []


def build(**settings: Any) -> McpServer:
    signed = {"auth_type": "aws_sigv4", "aws_region_name": "eu-west-1"}
    return msgspec.convert({"url": "https://a.example/mcp", **signed, **settings}, McpServer)


@pytest.mark.parametrize(("lasts", "lent"), [(300, [1, 1, 2]), (3600, [1, 1, 1])])
async def test_a_role_is_taken_on_again_before_its_keys_end(
    roles: RoleService, lasts: int, lent: list[int]
) -> None:
    clock, roles.lasts = Clock(), lasts
    signer = SigV4(Upstream("fix", build(aws_role_name=ROLE)), clock)  # type: ignore[arg-type]  of tests
    for seconds, expected in zip((0, 59, 61), lent, strict=True):
        clock.seconds = seconds
        signed = await signer.sign("GET", "https://a.example/mcp", "", b"")
        assert (len(roles.lent), f"LENT{expected}/" in signed["authorization"]) == (expected, True)
        assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in signed["authorization"]


async def test_a_role_that_is_refused_is_asked_for_again_after_a_pause(roles: RoleService) -> None:
    clock, roles.refusal = Clock(), "AccessDenied"
    signer = SigV4(Upstream("fix", build(aws_role_name=ROLE)), clock)  # type: ignore[arg-type]  of tests
    for seconds in (0, 9):
        clock.seconds = seconds
        with pytest.raises(UpstreamError, match="AccessDenied"):
            await signer.sign("GET", "https://a.example/mcp", "", b"")
    assert len(roles.lent) == 1
    clock.seconds, roles.refusal = 11, ""
    assert "LENT2/" in (await signer.sign("GET", "https://a.example/mcp", "", b""))["authorization"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"aws_region_name": ""}, "needs 'aws_region_name'"),
        ({"aws_region_name": "eu/west"}, "aws_region_name"),
        ({"aws_secret_access_key": ""}, "go together"),
        ({"aws_access_key_id": "", "aws_secret_access_key": ""}, "'aws_session_token' needs"),
        ({"aws_session_name": "s1"}, "'aws_session_name' needs 'aws_role_name'"),
        ({"aws_role_name": "tickets"}, "aws_role_name"),
        ({"auth_value": "x"}, "no 'auth_value'"),
        ({"static_headers": {"Authorization": "x"}}, "no static 'Authorization'"),
        ({"is_byok": True}, "no 'is_byok'"),
        ({"url": "", "spec_path": "https://a.example/openapi.json"}, "needs 'url'"),
        ({"auth_type": "none"}, "needs auth_type 'aws_sigv4'"),
        ({"client_id": "x"}, "'client_id' needs auth_type"),
    ],
)
async def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], said: str) -> None:
    stated = {
        "url": "https://a.example/mcp",
        "auth_type": "aws_sigv4",
        "aws_region_name": "eu-west-1",
        **STATED,
    }
    with pytest.raises(msgspec.ValidationError, match=said) as raised:
        msgspec.convert({**stated, **settings}, McpServer)
    assert "own-secret" not in str(raised.value)


async def test_without_the_library_the_setting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signature_terms, "find_spec", lambda name: None)
    with pytest.raises(msgspec.ValidationError, match=r"gatewright-mcp\[aws\]"):
        build()
