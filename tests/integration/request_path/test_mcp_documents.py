"""Documents about MCP servers whose clients log in themselves, and what is never told about credentials."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import speak
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = "/.well-known/oauth-protected-resource"
P: dict[str, Any] = {"extra_headers": ["Authorization"], "oauth_passthrough": True, "transport": "http"}
TRUSTING = {"use_x_forwarded_for": True, "mcp_trusted_proxy_ranges": ["127.0.0.0/8"]}
OUTSIDE = {"x-forwarded-for": "203.0.113.7"}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


def declare(live: LiveGateway, server: McpFixture, status: int = 200, body: bytes = b"") -> list[str]:
    """Serve, with an upstream that has a document; what is asked for it is in the list."""
    told = body or b'{"resource": "https://p.example", "authorization_servers": ["https://issuer.example"]}'
    asked: list[str] = []

    def answer(path: str, headers: dict[str, str]) -> Any:
        if not path.startswith("/.well-known/"):
            return None
        asked.append(path)
        return status, {"content-type": "application/json"}, told

    server.refuse = answer
    servers = {
        "p": {**P, "alias": "alias"},
        "ns/p": P,
        "hidden": {**P, "available_on_public_internet": False},
        "q": {"transport": "http"},
        "down": {**P, "url": "http://127.0.0.1:9/mcp"},
    }
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={name: {"url": server.url, **settings} for name, settings in servers.items()},
        general_settings=TRUSTING,
    )
    return asked


@pytest.mark.parametrize("path", ["/mcp/p", "/p/mcp", "/mcp/alias", "/mcp/ns/p", "/ns/p/mcp"])
async def test_the_document_is_the_servers_under_the_address_that_the_client_has(
    live: LiveGateway, server: McpFixture, path: str
) -> None:
    asked = declare(live, server)
    answer = await live.http.get(ROOT + path)
    assert answer.status_code == 200
    assert answer.json() == {
        "resource": live.origin + path,
        "authorization_servers": ["https://issuer.example"],
    }
    assert asked == [f"{ROOT}/mcp"]
    proxied = {"x-forwarded-proto": "https", "x-forwarded-host": "gate.example"}
    assert (await live.http.get(ROOT + path, headers=proxied)).json()[
        "resource"
    ] == f"https://gate.example{path}"
    assert len(asked) == 1


async def test_many_who_ask_at_once_are_one_request(live: LiveGateway, server: McpFixture) -> None:
    asked = declare(live, server)
    answers = await asyncio.gather(*(live.http.get(f"{ROOT}/mcp/p") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"{}"), (401, b"{}"), (200, b"[]"), (200, b"<html>"), (302, b"{}")]
)
async def test_a_server_without_a_document_has_none_here(
    live: LiveGateway, server: McpFixture, status: int, body: bytes
) -> None:
    asked = declare(live, server, status, body)
    for _ in range(2):
        answer = await live.http.get(f"{ROOT}/mcp/p")
        assert answer.status_code == 502
        assert "authorization_servers" not in answer.json()
    assert len(asked) == 1
    assert (await live.http.get(f"{ROOT}/mcp/down")).status_code == 502


async def test_paths_without_a_document_are_not_found_and_told_the_operator(
    live: LiveGateway, server: McpFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = declare(live, server)
    for path in (
        f"{ROOT}/mcp/nobody",
        f"{ROOT}/mcp/none,nobody",
        "/.well-known/elsewhere",
        f"{ROOT}/mcp/p/more",
    ):
        capsys.readouterr()
        assert (await live.http.get(path)).status_code == 404
        assert capsys.readouterr().out.count("well_known_path_not_served") == 1
    assert (await live.http.get(f"{ROOT}/mcp/hidden", headers=OUTSIDE)).status_code == 404, "case 31"
    assert (await live.http.get(f"{ROOT}/mcp/hidden")).status_code == 200
    assert (await live.http.post(f"{ROOT}/mcp/p")).status_code == 404
    assert len(asked) == 1


async def test_nothing_of_any_credential_is_logged_or_told(
    live: LiveGateway,
    key: str,
    server: McpFixture,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    token, fixed, foreign = "token-of-the-issuer-4711", "static-secret-4711", "sk-nobody-4711"
    declare(live, server)
    secret = {"static_headers": {"x-secret": fixed}}
    servers = {
        "p": {**P, "url": server.url, **secret},
        "down": {**P, "url": "http://127.0.0.1:9/mcp", **secret},
    }
    live.configure(deployment("m", live.upstream), mcp_servers=servers)
    both = {"x-litellm-api-key": key, "authorization": f"Bearer {token}"}
    refusals: list[Any] = [
        None,
        (401, {}, b""),
        (403, {}, b""),
        (500, {"content-type": "text/html"}, b"x"),
        (200, {}, b"{"),
    ]
    told = ""
    for refusal in refusals:
        server.refuse = lambda path, headers, refusal=refusal: refusal
        for path in (
            "/p/mcp",
            "/down/mcp",
            "/mcp",
            "/mcp-rest/tools/list?server_id=down",
            "/mcp-rest/tools/list",
        ):
            for sent in (both, {"authorization": f"Bearer {token}"}, {"authorization": f"Bearer {foreign}"}):
                answers = await speak(live, path, "2026-07-28", sent)
                told += "".join(f"{answer.headers} {answer.text}" for answer in answers)
    said = "".join(row.text for row in await live.rows())
    assert "call_mcp_tool" in said
    said += "".join(capfd.readouterr()) + caplog.text
    for text in (key, token, fixed, foreign):
        assert text not in told
        assert text not in said
