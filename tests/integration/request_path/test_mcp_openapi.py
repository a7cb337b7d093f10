"""Services with an OpenAPI document as MCP servers, with the official SDK in both generations."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import connect, names_of, post, text_of
from tests.integration.request_path.test_mcp_brought import Issuer
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_openapi_service import DOCUMENT, PetService

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODES = ["legacy", "auto"]
TOOLS = ["get_pet", "get_pet_2", "post__pets"]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def service() -> AsyncIterator[PetService]:
    async with PetService() as running:
        yield running


def declare(live: LiveGateway, service: PetService, **settings: Any) -> None:
    service.requests.clear()
    service.documents.clear()
    pets = {
        "url": f"{service.url}/v1/",
        "spec_path": f"{service.url}/spec.json",
        "auth_type": "bearer_token",
        "auth_value": "of-the-service",
        **settings,
    }
    live.configure(deployment("m", live.upstream), mcp_servers={"pets": pets})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("path", "prefix"), [("/pets/mcp", ""), ("/mcp", "pets-")])
async def test_operations_are_tools(
    live: LiveGateway, key: str, service: PetService, path: str, prefix: str, mode: str
) -> None:
    declare(live, service)
    async with connect(live, key, path, mode) as client:
        assert await names_of(client) == [prefix + name for name in TOOLS]
        arguments = {"pet id": "a/../b?c#d", "fields": ["x y", "&"], "X-Trace": "7"}
        result = await client.call_tool(f"{prefix}get_pet", arguments)
        assert (text_of(result), result.structured_content) == ('{"name": "Rex"}', {"name": "Rex"})
        body = {"name": "Tom", "parents": []}
        await client.call_tool(f"{prefix}post__pets", {"body": body})
    (one, two) = service.requests
    assert one[:2] == ("GET", "/v1/pets/a%2F..%2Fb%3Fc%23d?fields=x+y&fields=%26")
    assert (one[2]["x-trace"], one[2]["authorization"]) == ("7", "Bearer of-the-service")
    assert key not in str(service.requests)
    assert not [name for name in one[2] if name.startswith("mcp-")]
    assert (two[0], two[1], json.loads(two[3])) == ("POST", "/v1/pets", body)
    assert service.documents[0]["authorization"] == "Bearer of-the-service"


async def test_a_tool_says_what_it_takes(live: LiveGateway, key: str, service: PetService) -> None:
    declare(live, service)
    async with connect(live, key, "/pets/mcp") as client:
        got, _, posted = (await client.list_tools()).tools
    assert got.input_schema["required"] == ["pet id"]
    assert list(got.input_schema["properties"]) == ["pet id", "fields", "X-Trace"]
    assert posted.description == "Add a pet."
    pet = posted.input_schema["properties"]["body"]["properties"]
    assert pet == {"name": {"type": "string"}, "parents": {"type": "array", "items": {}}}


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("get_pet", {}, "'pet id' is missing"),
        ("get_pet", {"pet id": ".."}, "part of a path"),
        ("get_pet", {"pet id": "1", "X-Trace": "a\r\nb"}, "cannot be a header"),
        ("get_pet", {"pet id": "1", "Authorization": "Bearer mine"}, "no argument 'Authorization'"),
        ("post__pets", {}, "'body' is missing"),
        ("get_pet", {"pet id": "missing"}, "answered 404"),
        ("get_pet", {"pet id": "moved"}, "answered 302"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(
    live: LiveGateway, key: str, service: PetService, tool: str, arguments: Any, said: str
) -> None:
    declare(live, service)
    params = {"name": tool, "arguments": arguments}
    answer = await post(
        live, key, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, "/pets/mcp"
    )
    result = answer.json()["result"]
    assert result["isError"]
    assert said in result["content"][0]["text"]
    assert len(service.requests) == (1 if "answered" in said else 0)


async def test_a_document_may_be_a_file_and_say_where_the_service_is(
    live: LiveGateway, key: str, service: PetService, tmp_path: Path
) -> None:
    file = tmp_path / "pets.yaml"
    file.write_text(json.dumps({**DOCUMENT, "servers": [{"url": f"{service.url}/v2"}]}))
    declare(live, service, spec_path=str(file), url="")
    async with connect(live, key, "/pets/mcp") as client:
        await client.call_tool("get_pet", {"pet id": "1"})
    assert service.requests[0][1] == "/v2/pets/1"


@pytest.mark.parametrize("content", ["{", "[]", '{"swagger": "2.0"}', "a: *b"])
async def test_documents_that_are_none(
    live: LiveGateway, key: str, service: PetService, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "pets.yaml"
    file.write_text(content)
    declare(live, service, spec_path=str(file))
    answer = await post(live, key, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, "/pets/mcp")
    assert answer.status_code >= 500
    assert "document" in answer.json()["error"]["message"]


GRANTED = {
    "auth_type": "oauth2",
    "auth_value": None,
    "oauth2_flow": "client_credentials",
    "client_id": "gateway",
    "client_secret": "the-secret",
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"extra_headers": ["X-A"]}, {"x-a": "c", "authorization": "Bearer of-the-service"}),
        ({"extra_headers": ["X-A"], "static_headers": {"x-a": "s"}}, {"x-a": "s"}),
        ({"extra_headers": ["Authorization"], **GRANTED}, {"x-a": None, "authorization": "Bearer minted"}),
    ],
    ids=["case_8", "case_9", "case_11"],
)
async def test_headers_of_clients_are_on_the_requests_of_tools(
    live: LiveGateway, key: str, service: PetService, settings: Any, expected: dict[str, str | None]
) -> None:
    async with Issuer() as issuer:
        grants = {"token_url": f"{issuer.issuer}/token"} if "oauth2_flow" in settings else {}
        declare(live, service, **settings, **grants)
        params = {"name": "get_pet", "arguments": {"pet id": "1"}}
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        brought = {"x-litellm-api-key": key, "authorization": "Bearer U", "x-a": "c"}
        assert (await post(live, None, call, "/pets/mcp", **brought)).status_code == 200
        body = {"server_id": "pets", **params}
        assert (await live.http.post("/mcp-rest/tools/call", json=body, headers=brought)).status_code == 200
    for _, _, headers, _ in service.requests:
        assert {name: headers.get(name) for name in expected} == expected
    assert len(service.requests) == 2
