"""MCP servers whose clients log in at the server's own issuer: the numbered cases, in both generations.

The same by the transport before streamable HTTP, whose stream is refused before it has begun.

`K` is a key of the gateway, `U` a token of the server's issuer. A row says what a client sends, what it is
answered, and what the server sees in `Authorization`.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.request_path.mcp import Era, OlderClient, open_older, speak
from tests.integration.serving import LiveGateway, deployment
from tests.mcp_servers import McpFixture

pytestmark = pytest.mark.asyncio(loop_scope="session")

U = "Bearer token-of-the-issuer"
P: dict[str, Any] = {
    "auth_type": "none",
    "extra_headers": ["Authorization", "X-Request-Id", "X-Trace-Id"],
    "oauth_passthrough": True,
}
OUTSIDE, INSIDE = {"x-forwarded-for": "203.0.113.7"}, {"x-forwarded-for": "10.0.0.1"}
TRUSTING = {"use_x_forwarded_for": True, "mcp_trusted_proxy_ranges": ["127.0.0.0/8"]}
ERAS: list[Era] = ["2024-11-05", "2025-11-25", "2026-07-28"]
NOBODY = "-"
"""Nothing reaches the server."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def server() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_json=True) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def older() -> AsyncIterator[McpFixture]:
    async with McpFixture(is_older=True) as running:
        yield running


@dataclass
class Row:
    cases: tuple[int, ...]
    path: str
    sends: dict[str, str] = field(default_factory=dict[str, str])
    status: int = 200
    challenge: str | None = None
    """The path of the document that the client is led to."""
    seen: str | None = NOBODY


KEY, KEY_APART = {"authorization": "Bearer {K}"}, {"x-litellm-api-key": "{K}"}
TOKEN, BARE = {"authorization": U}, dict[str, str]()
BOTH = {**KEY_APART, **TOKEN}
ROWS = [
    # 5.1, forwarding: each is asked for lists and for calls, with further headers.
    *(Row((1, 2, 5), path, KEY, seen=None) for path in ("/p/mcp", "/mcp/p")),
    *(Row((3, 5, 7), path, BOTH, seen=U) for path in ("/p/mcp", "/mcp/p")),
    *(Row((4, 5, 29), path, TOKEN, seen=U) for path in ("/p/mcp", "/mcp/p", "/alias/mcp", "/mcp/ns/p")),
    # 5.2, a server is passed through only where all of that is declared.
    *(
        row
        for name in ("unsaid", "delegated", "unnamed", "granted", "own")
        for row in (
            Row((12, 13, 14, 15), f"/{name}/mcp", {}, 401, f"/{name}/mcp"),
            Row((12, 13, 14, 15), f"/{name}/mcp", TOKEN, 401),
        )
    ),
    *(Row((12, 13), f"/{name}/mcp", BOTH, seen=U) for name in ("unsaid", "delegated")),
    Row((15,), "/unnamed/mcp", BOTH, seen=None),
    # 5.3, nobody knows the client yet.
    Row((17, 19, 99, 100, 101), "/mcp/p", {}, 401, "/mcp/p"),
    Row((18, 19, 100, 101), "/p/mcp", {}, 401, "/p/mcp"),
    Row((18,), "/p/mcp/", {}, 401, "/p/mcp"),
    Row((17,), "/mcp/alias", {}, 401, "/mcp/alias"),
    *(Row((21,), "/mcp", sends, 401) for sends in (TOKEN, {**TOKEN, "x-mcp-servers": "p"})),
    # Who has no key is led to the gateway's own login, as everywhere else.
    *(Row((21,), "/mcp", sends, 401, "/mcp") for sends in ({}, {"x-mcp-servers": "p"})),
    *(
        Row((22, 23), path, sends, 401, path if sends is BARE else None)
        for path in ("/mcp/p,ns/p", "/p,ns/p/mcp", "/mcp/p,unsaid", "/mcp/group")
        for sends in (BARE, TOKEN)
    ),
    Row((24,), "/mcp/ns/p", {}, 401, "/mcp/ns/p"),
    Row((24,), "/ns/p/mcp", {}, 401, "/ns/p/mcp"),
    *(
        Row((25,), "/p/mcp", {**sends, "x-mcp-servers": names}, 401)
        for sends in ({}, TOKEN)
        for names in ("p,unsaid", "unsaid", "p,nobody", "", "group")
    ),
    Row((26,), "/p/mcp", {"x-mcp-servers": "p"}, 401, "/p/mcp"),
    Row((26,), "/p/mcp", {**TOKEN, "x-mcp-servers": "alias, p"}, seen=U),
    *(
        Row((30,), "/p/mcp", {**sends, header: "Bearer V"}, 401)
        for sends in ({}, TOKEN)
        for header in ("x-mcp-auth", "x-mcp-p-authorization", "x-mcp-other-x-api-key")
    ),
    *(
        Row((31,), path, {**sends, **OUTSIDE}, 401)
        for path in ("/hidden/mcp", "/mcp/hidden")
        for sends in ({}, TOKEN)
    ),
    Row((31, 74), "/hidden/mcp", {**BOTH, **OUTSIDE}, 403),
    Row((31, 74), "/hidden/mcp", INSIDE, 401, "/hidden/mcp"),
    Row((31, 74), "/hidden/mcp", {**TOKEN, **INSIDE}, seen=U),
    # What looks like a key, or stands where only keys stand, is nobody's token.
    Row((29,), "/p/mcp", {"authorization": "Bearer sk-that-nobody-has"}, 401),
    Row((29,), "/p/mcp", {**TOKEN, "x-litellm-api-key": "sk-that-nobody-has"}, 401),
    Row((29,), "/p/mcp", {**TOKEN, "x-api-key": "another"}, 401),
    Row((29,), "/p/mcp", {"authorization": "Basic dTp0b2tlbg=="}, 401),
    Row((29,), "/mcp-rest/tools/list?server_id=p", TOKEN, 401),
]


def declare(
    live: LiveGateway, server: McpFixture, transport: str = "http", names: Collection[str] = ()
) -> None:
    """Serve all servers, or those of these names."""
    server.headers.clear()
    server.calls.clear()
    server.refuse = lambda path, headers: None
    base = {"url": server.url, "transport": transport}
    bare = {**P, "oauth_passthrough": False}
    granted = {
        "auth_type": "oauth2",
        "oauth2_flow": "client_credentials",
        "client_id": "gateway",
        "client_secret": "the-secret",
        "token_url": "http://127.0.0.1:9/token",
    }
    servers = {
        "p": {**P, "alias": "alias"},
        "ns/p": {**P, "access_groups": ["group"]},
        "hidden": {**P, "available_on_public_internet": False},
        "unsaid": {**bare, "access_groups": ["group"]},
        "delegated": {**bare, "delegate_auth_to_upstream": True},
        "unnamed": {**P, "extra_headers": ["X-Request-Id", "X-Trace-Id"]},
        "granted": {**P, **granted},
        "own": {**P, "auth_type": "bearer_token", "auth_value": "of-the-gateway"},
    }
    live.configure(
        deployment("m", live.upstream),
        mcp_servers={name: {**base, **one} for name, one in servers.items() if not names or name in names},
        general_settings=TRUSTING,
    )


def fill(headers: dict[str, str], key: str) -> dict[str, str]:
    return {name: value.replace("{K}", key) for name, value in headers.items()}


@pytest.mark.parametrize("era", ERAS)
async def test_who_is_let_in_and_what_the_server_sees(
    live: LiveGateway, key: str, server: McpFixture, era: Era
) -> None:
    declare(live, server)
    further = {"x-request-id": "r-1", "x-trace-id": "t-1"}
    for row in ROWS:
        # A stream that was closed has to have said goodbye to the server.
        await live.settled()
        server.headers.clear()
        answers = await speak(live, row.path, era, {**further, **fill(row.sends, key)})
        told = answers[-1].headers.get_list("www-authenticate")
        document = f"{live.origin}/.well-known/oauth-protected-resource{row.challenge}"
        expected = [] if row.challenge is None else [f'Bearer resource_metadata="{document}"']
        assert (answers[-1].status_code, told) == (row.status, expected), (row, answers[-1].text)
        if row.seen == NOBODY:
            assert not server.headers, row
            continue
        assert server.headers, row
        assert {one.get("authorization") for one in server.headers} == {row.seen}, row
        assert {(one["x-request-id"], one["x-trace-id"]) for one in server.headers} == {("r-1", "t-1")}, row
        assert "x-litellm-api-key" not in str(server.headers), row
        assert key not in str(server.headers), row
    assert {name for name, _ in server.calls} == {"add"}


async def test_a_key_that_is_known_and_refused_is_no_stranger(live: LiveGateway, server: McpFixture) -> None:
    declare(live, server)
    refused = {
        403: await live.make_key(object_permission={"mcp_servers": ["unsaid"]}),
        401: await live.make_key(blocked=True),
        429: await live.make_key(rpm_limit=0),
        422: await live.make_key(max_budget=0),
    }
    elsewhere = await live.make_key(allowed_routes=["/v1/chat/completions"])
    for status, key in (*refused.items(), (403, elsewhere)):
        for sends in (KEY, {**KEY_APART, **TOKEN}):
            (answer, *_) = await speak(live, "/p/mcp", "2026-07-28", fill(sends, key))
            assert answer.status_code == status, answer.text
            assert "www-authenticate" not in answer.headers
    assert not server.headers


OWN = {"www-authenticate": 'Bearer realm="r", resource_metadata="https://issuer.example/doc"'}
SCOPE = {"www-authenticate": 'Bearer error="insufficient_scope", scope="write"'}
REST = "/mcp-rest/tools/list?server_id=p"


@dataclass
class Refusal:
    cases: tuple[int, ...]
    path: str
    status: int = 401
    told: dict[str, str] = field(default_factory=dict[str, str])
    """What the server says with its refusal."""
    challenge: str | None = None
    """What the client is told: the path of the document, or the server's own words."""
    sends: dict[str, str] = field(default_factory=lambda: BOTH)


REFUSALS = [
    # Whoever brings the token, with a key or without one: what the server says of it is told.
    *(Refusal((34, 35, 41, 99), "/mcp/p", sends=sends, challenge="/mcp/p") for sends in (TOKEN, BOTH, KEY)),
    *(Refusal((34, 35, 42), "/p/mcp", sends=sends, challenge="/p/mcp") for sends in (TOKEN, BOTH, KEY)),
    *(
        Refusal((40, 51), path, told=OWN, challenge=OWN["www-authenticate"])
        for path in ("/p/mcp", "/mcp/p", "/mcp", REST)
    ),
    *(
        Refusal((44, 46, 51), path, 403, told=SCOPE, challenge=SCOPE["www-authenticate"])
        for path in ("/p/mcp", "/mcp/p", "/mcp", REST)
    ),
    *(Refusal((44, 50, 51), path, 403) for path in ("/p/mcp", "/mcp", REST)),
    Refusal((45, 51), REST, challenge="/mcp/p"),
    Refusal((48, 51), "/mcp", challenge="/mcp/p"),
    Refusal((48, 51), "/mcp/p,unsaid", challenge="/mcp/p"),
    # A server that is not passed through: its refusal is no beginning of a login.
    *(Refusal((12, 13, 36), f"/{name}/mcp") for name in ("unsaid", "delegated")),
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("is_older", [False, True], ids=["http", "sse"])
async def test_what_a_server_refuses(
    live: LiveGateway, key: str, server: McpFixture, older: McpFixture, era: Era, *, is_older: bool
) -> None:
    asked = older if is_older else server
    declare(live, asked, "sse" if is_older else "http", names=("p", "unsaid", "delegated"))
    for row in REFUSALS:
        if is_older and 36 in row.cases:
            continue
        said = {"content-type": "text/plain", **row.told}
        asked.refuse = lambda path, headers, row=row, said=said: (row.status, said, b"the server")
        answers = await speak(live, row.path, era, fill(row.sends, key), is_told=True)
        assert len(answers) == 1, row
        check_refusal(live, row, answers[0])


def check_refusal(live: LiveGateway, row: Refusal, answer: Any) -> None:
    document = f"{live.origin}/.well-known/oauth-protected-resource"
    expected = row.challenge and [
        f'Bearer resource_metadata="{document}{row.challenge}"' if row.challenge[0] == "/" else row.challenge
    ]
    assert answer.status_code == row.status, (row, answer.text)
    assert answer.headers.get_list("www-authenticate") == (expected or []), row
    if 36 not in row.cases:
        assert answer.json()["error"]["message"] == {401: "Unauthorized", 403: "Forbidden"}[row.status]


async def test_a_token_that_ends_in_the_middle_of_a_session(live: LiveGateway, server: McpFixture) -> None:
    declare(live, server, names=("p",))
    for most in (2, 3):
        count = 0

        def refuse(path: str, headers: dict[str, str], most: int = most) -> Any:
            nonlocal count
            count += 1
            return (401, {}, b"") if count > most else None

        server.refuse = refuse
        *_, answer = await speak(live, "/p/mcp", "2025-11-25", TOKEN)
        check_refusal(live, Refusal((38, 50), "/p/mcp", challenge="/p/mcp"), answer)


async def test_a_token_that_ends_while_there_is_a_stream(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, names=("p", "unsaid"))
    for sends in (TOKEN, BOTH):
        for told in ({}, OWN):
            server.refuse = lambda path, headers: None
            async with open_older(live, "/p/mcp/sse", fill(sends, key)) as client:
                assert isinstance(client, OlderClient)
                assert await client.begin(live) is None
                server.refuse = lambda path, headers, told=told: (401, told, b"")
                message = {"jsonrpc": "2.0", "id": 5, "method": "tools/list", "params": {}}
                challenge = told.get("www-authenticate", "/p/mcp")
                check_refusal(
                    live, Refusal((39,), "/p/mcp", challenge=challenge), await client.post(live, message)
                )
                assert (await client.wait_for(5))["error"]["message"] == "Unauthorized"


async def test_servers_are_probed_that_the_client_wants(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, names=("p", "unsaid"))
    server.refuse = lambda path, headers: (401, {}, b"")
    for path, status in (("/p/mcp/sse", 403), ("/mcp/sse", 200), ("/mcp/p,unsaid/sse", 200)):
        async with open_older(live, path, {**fill(BOTH, key), "x-mcp-servers": "unsaid"}) as opened:
            found = 200 if isinstance(opened, OlderClient) else opened.status_code
            assert found == status, path
    answers = await speak(live, "/p/mcp", "2025-11-25", {**fill(BOTH, key), "x-mcp-servers": "unsaid"})
    assert [one.status_code for one in answers] == [403]
    assert not server.headers


async def test_lists_of_all_servers_name_the_one_that_refuses(
    live: LiveGateway, key: str, server: McpFixture
) -> None:
    declare(live, server, names=("p", "own"))
    server.refuse = lambda path, headers: None if "of-the-gateway" in str(headers) else (401, {}, b"")
    answer = (await live.http.get("/mcp-rest/tools/list", headers=fill(KEY_APART, key))).json()
    assert {tool["mcp_info"]["server_name"] for tool in answer["tools"]} == {"own"}
    assert [one["status"] for one in answer["server_outcomes"]] == ["error", "ok"]
    denied = await live.make_key(object_permission={"mcp_servers": ["own"]})
    answer = await live.http.get(REST, headers=fill(BOTH, denied))
    assert (answer.status_code, answer.json()["error"]) == (200, "access_denied"), "case 47"


async def test_calls_by_plain_http_are_refused_alike(live: LiveGateway, key: str, server: McpFixture) -> None:
    declare(live, server, names=("p",))
    body = {"server_id": "p", "name": "add", "arguments": {"a": 1, "b": 2}}
    for row in (Refusal((), "", challenge="/mcp/p"), Refusal((), "", 403, SCOPE, SCOPE["www-authenticate"])):
        server.refuse = lambda path, headers, row=row: (row.status, row.told, b"")
        answer = await live.http.post("/mcp-rest/tools/call", json=body, headers=fill(BOTH, key))
        check_refusal(live, row, answer)
