"""Which revisions of the protocol clients are told of and may speak, and by which a server is asked."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import (
    OlderClient,
    connect,
    connect_older,
    names_of,
    open_older,
    post,
    speak,
)
from tests.integration.serving import LiveGateway, bearer, deployment
from tests.mcp_servers import McpFixture
from tests.wild_mcp_server import WildServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

MODERN = "2026-07-28"
ONE, SEVERAL, LOCAL = "/fix/mcp", "/fix,other/mcp", "/api/mcp"
PATHS = (ONE, SEVERAL, LOCAL, "/mcp", "/mcp/proxy")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def streaming() -> AsyncIterator[McpFixture]:
    async with McpFixture() as running:
        yield running


def declare(live: LiveGateway, url: str, versions: list[str] | None, folder: Any, **settings: Any) -> None:
    document = folder / "api.json"
    document.write_text(json.dumps({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}))
    api = {"spec_path": str(document), "url": "https://api.example"}
    fix = {"url": url, "transport": "http", **settings}
    general: dict[str, Any] = {"disable_reset_budget": True}
    if versions is not None:
        general["mcp_advertised_versions"] = versions
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={"fix": fix, "other": {"url": url, "transport": "http"}, "api": api},
        general_settings=general,
    )


async def begin(live: LiveGateway, key: str, path: str, wished: str) -> Any:
    about = {"protocolVersion": wished, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": about}
    return await post(live, key, message, path)


async def ask(live: LiveGateway, key: str, path: str, revision: str | None, method: str) -> Any:
    meta = {"protocolVersion": revision or MODERN, "clientCapabilities": {}}
    stated = {f"io.modelcontextprotocol/{name}": value for name, value in meta.items()}
    params = {"_meta": stated} if revision == MODERN else {}
    headers = {} if revision is None else {"mcp-protocol-version": revision}
    if revision == MODERN:
        headers["mcp-method"] = method
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return await post(live, key, message, path, **headers)


def refused(answer: Any, supported: list[str], requested: str) -> bool:
    error = answer.json()["error"]
    assert (answer.status_code, answer.json()["id"], error["code"]) == (400, 7, -32022), answer.text
    assert error["data"] == {"supported": supported, "requested": requested}
    assert (error["type"], error["param"]) == ("invalid_request_error", "mcp-protocol-version")
    return True


async def test_handshakes_agree_on_a_revision_that_is_advertised(
    live: LiveGateway, key: str, server: McpFixture, streaming: McpFixture, tmp_path: Any
) -> None:
    advertised = ["2025-06-18", "2025-03-26"]
    for url, paths in ((streaming.url, (ONE,)), (server.url, PATHS)):
        declare(live, url, advertised, tmp_path)
        for path in paths:
            for wished, agreed in (
                ("2025-03-26", "2025-03-26"),
                ("2025-06-18", "2025-06-18"),
                ("2025-11-25", "2025-06-18"),
                (MODERN, "2025-06-18"),
                ("2099-01-01", "2025-06-18"),
            ):
                answer = await begin(live, key, path, wished)
                assert f'"protocolVersion":"{agreed}"' in answer.text.replace(": ", ":"), (path, answer.text)
    for path in PATHS:
        for revision in ("2025-11-25", MODERN, "x"):
            for method in ("tools/list", "server/discover"):
                asked = await ask(live, key, path, revision, method)
                assert refused(asked, ["2025-03-26", "2025-06-18"], revision)
        asked = await ask(live, key, path, None, "server/discover")
        assert refused(asked, ["2025-03-26", "2025-06-18"], MODERN)
        gone = await live.http.delete(path, headers={**bearer(key), "mcp-protocol-version": MODERN})
        assert gone.status_code == 400
    # A modern client goes on with what it is told.
    for path, prefix in ((ONE, ""), ("/mcp", "fix-")):
        async with connect(live, key, path) as client:
            assert client.protocol_version == "2025-06-18"
            assert f"{prefix}add" in await names_of(client)


async def test_only_the_revision_without_sessions(
    live: LiveGateway, key: str, server: McpFixture, tmp_path: Any
) -> None:
    declare(live, server.url, [MODERN], tmp_path)
    for path in PATHS:
        assert refused(await begin(live, key, path, "2025-11-25"), [MODERN], "2025-11-25")
        assert refused(await ask(live, key, path, "2025-11-25", "tools/list"), [MODERN], "2025-11-25")
        assert refused(await ask(live, key, path, None, "tools/list"), [MODERN], "2025-03-26")
        found = (await ask(live, key, path, MODERN, "server/discover")).json()["result"]
        assert found["supportedVersions"] == [MODERN]
        async with open_older(live, f"{path}/sse", bearer(key)) as opened:
            assert not isinstance(opened, OlderClient)
            error = opened.json()["error"]
            assert (opened.status_code, error["data"]["supported"]) == (400, [MODERN])
    async with connect(live, key, ONE) as client:
        assert client.protocol_version == MODERN
        assert "add" in await names_of(client)


async def test_the_older_transport_agrees_on_them_too(
    live: LiveGateway, key: str, server: McpFixture, tmp_path: Any
) -> None:
    declare(live, server.url, ["2025-06-18"], tmp_path)
    for path in (f"{ONE}/sse", "/mcp/sse"):
        async with connect_older(live, key, path) as client:
            assert client.protocol_version == "2025-06-18"
            assert "add" in str(await names_of(client))
    answers = await speak(live, ONE, "2024-11-05", bearer(key))
    assert "result" in answers[-1].json()


async def test_what_servers_say_of_others_is_left_out(live: LiveGateway, key: str, tmp_path: Any) -> None:
    every = ["2025-06-18", "2025-11-25", MODERN]
    async with WildServer() as wild:
        declare(live, wild.url, ["2025-06-18", MODERN], tmp_path)
        for kind, frame in (("application/json", "{}"), ("text/event-stream", "data: {}\n\n")):
            result = {"supportedVersions": every, "capabilities": {}}
            wild.tell(frame.format(json.dumps({"jsonrpc": "2.0", "id": 7, "result": result})), kind)
            found = await ask(live, key, ONE, MODERN, "server/discover")
            assert "2025-11-25" not in found.text
            assert MODERN in found.text
            error = {"code": -32022, "message": "no", "data": {"supported": every, "requested": MODERN}}
            wild.tell(frame.format(json.dumps({"jsonrpc": "2.0", "id": 7, "error": error})), kind)
            for method in ("server/discover", "prompts/list"):
                found = await ask(live, key, ONE, MODERN, method)
                assert '"supported":["2025-06-18","2026-07-28"]' in found.text
            agreed = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}}
            wild.tell(frame.format(json.dumps({"jsonrpc": "2.0", "id": 7, "result": agreed})), kind)
            found = await begin(live, key, ONE, "2025-06-18")
            assert '"requested":"2025-11-25"' in found.text
            assert '"result"' not in found.text


async def test_without_the_setting_servers_speak_for_themselves(
    live: LiveGateway, key: str, server: McpFixture, tmp_path: Any
) -> None:
    declare(live, server.url, None, tmp_path)
    for path in PATHS:
        answer = await begin(live, key, path, "2025-11-25")
        assert answer.json()["result"]["protocolVersion"] == "2025-11-25"
    assert (await ask(live, key, ONE, None, "tools/list")).status_code == 400
    assert "SESSION" in (await ask(live, key, ONE, None, "tools/list")).text.upper()


async def test_a_server_is_asked_by_its_own_revision(
    live: LiveGateway, key: str, server: McpFixture, tmp_path: Any
) -> None:
    for revision in ("2025-03-26", MODERN):
        declare(live, server.url, None, tmp_path, protocol_version=revision)
        server.headers.clear()
        # By plain HTTP, and under a path of several, it is the gateway that asks.
        listed = await live.http.get("/mcp-rest/tools/list?server_id=fix", headers=bearer(key))
        assert listed.json()["error"] is None, listed.text
        seen = {one.get("mcp-protocol-version") for one in server.headers}
        assert seen - {None} == {revision}
        for era in ("2025-11-25", MODERN):
            answers = await speak(live, "/mcp", era, bearer(key), tool="fix-add")
            assert "3" in answers[-1].text, answers[-1].text
        # Under its own path messages pass through, in no other revision.
        for era in ("2025-11-25", MODERN):
            if era != revision:
                assert refused(await ask(live, key, ONE, era, "tools/list"), [revision], era)
    declare(live, server.url, ["2025-11-25"], tmp_path, protocol_version=MODERN)
    assert refused(await begin(live, key, ONE, "2025-11-25"), [], "2025-11-25")
    answers = await speak(live, "/mcp", "2025-11-25", bearer(key), tool="fix-add")
    assert "3" in answers[-1].text


async def test_a_server_that_speaks_another_revision_than_it_says_is_missing(
    live: LiveGateway, key: str, tmp_path: Any
) -> None:
    async with WildServer() as wild:
        declare(live, wild.url, None, tmp_path, protocol_version="2025-06-18")
        agreed = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}}
        wild.tell(json.dumps({"jsonrpc": "2.0", "id": 1, "result": agreed}))
        listed = (await live.http.get("/mcp-rest/tools/list?server_id=fix", headers=bearer(key))).json()
        assert listed["error"] == "server_error"
        assert "'2025-11-25', and its 'protocol_version' says '2025-06-18'" in listed["message"]
        wild.tell(json.dumps({"jsonrpc": "2.0", "id": 7, "result": agreed}))
        begun = await begin(live, key, "/fix,api/mcp", "2025-11-25")
        assert "its 'protocol_version' says" in str(begun.json()["result"]["_meta"]["gatewright/missing"])
