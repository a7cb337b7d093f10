"""Pass-throughs: what goes to the target, what comes back, who may, and what it costs."""

import asyncio
import contextlib
import json
from typing import Any

import httpx
import pytest

from gateway.hooks import RequestHead
from gateway.pipeline.exchange import ClientLeftError
from gateway.pipeline.pass_through.body import PartedExchange
from gateway.pipeline.pass_through.passing import pass_request
from tests.integration.counting import counting, quiet
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment, eventually
from tests.upstreams import SeenRequest, Wire, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

BOTH_WAYS = pytest.mark.parametrize(
    "way", [{}, {"origin": "https://a.example"}], ids=["straight", "by the router"]
)
"""What comes from a page of another origin, or is the first on its path, goes through the router."""

SECRET = "Bearer of-the-targets-own-credential"
ANSWER = b'{"fine": true}'


def declare(live: LiveGateway, *declared: dict[str, Any], **general: Any) -> None:
    """Serve pass-throughs whose target is the upstream, beside the model `m`."""
    items = [
        {"path": "/svc", "target": f"{live.upstream.origin}/api", "headers": {"Authorization": SECRET}, **one}
        for one in declared
    ]
    live.upstream.default = replies.raw(200, ANSWER)
    live.configure(
        deployment("m", live.upstream), general_settings={"pass_through_endpoints": items, **general}
    )


async def call(
    live: LiveGateway, key: str | None, path: str = "/svc", method: str = "POST", **sent: Any
) -> httpx.Response:
    headers = {**(bearer(key) if key else {}), **sent.pop("headers", {})}
    return await live.http.request(method, path, headers=headers, **sent)


def seen(live: LiveGateway) -> SeenRequest:
    return live.upstream.requests[-1]


async def silent(wire: Wire, _: SeenRequest) -> None:
    """Answer nothing until the gateway gives up."""
    await wire.wait_for_hang_up()


async def test_a_request_is_passed_on_and_charged_to_the_nano_dollar(live: LiveGateway, key: str) -> None:
    declare(live, {"cost_per_request": 0.000000123})
    answer = await call(live, key, json={"query": "x"})
    row = await live.row(key)

    assert (answer.status_code, answer.content) == (200, ANSWER)
    assert (seen(live).method, seen(live).path, seen(live).body) == ("POST", "/api", b'{"query":"x"}')
    assert seen(live).headers["authorization"] == SECRET
    assert answer.headers["x-litellm-response-cost"] == "1.23e-07"
    assert (row.call_type, row.status, row.nanos) == ("pass_through_endpoint", "success", 123)
    assert (row.model_group, row.total_tokens) == ("/svc", 0)
    assert await live.spent_nanos(key) == 123
    assert (live.held_nanos(key), live.settled_nanos(key)) == (0, 123)


async def test_the_callers_key_goes_nowhere(live: LiveGateway) -> None:
    key = await live.make_key()
    declare(live, {"forward_headers": True, "headers": {"x-of-the-target": "t"}})
    password = httpx.BasicAuth("u", key)._auth_header
    for headers in (bearer(key), {"x-api-key": key}, {"x-litellm-api-key": key}, {"authorization": password}):
        assert (await call(live, None, headers={**headers, "x-note": "n"})).status_code == 200
        assert key not in str(seen(live))
        assert password not in str(seen(live))
        assert seen(live).headers["x-note"] == "n"


async def test_a_clients_own_headers_go_only_where_they_may(live: LiveGateway, key: str) -> None:
    own = {"x-litellm-api-key": key, "authorization": "Bearer for-the-target", "x-note": "n"}
    own |= {"x-pass-note": "p", "x-pass-authorization": "Bearer other", "x-pass-host": "h"}
    declare(live, {"headers": {}})
    await call(live, None, headers=own)
    few = seen(live).headers
    declare(live, {"headers": {}, "forward_headers": True})
    await call(live, None, headers={**own, "x-pass-authorization": ""})
    many = seen(live).headers
    declare(live, {"forward_headers": True})
    await call(live, None, headers=own)

    assert ("authorization" in few, "x-note" in few, few["note"]) == (False, False, "p")
    assert few["host"] == f"127.0.0.1:{live.upstream.port}"
    assert (many["x-note"], "x-litellm-api-key" in many) == ("n", False)
    assert seen(live).headers["authorization"] == SECRET


async def test_a_path_below_goes_below_the_target(live: LiveGateway, key: str) -> None:
    declare(live, {"include_subpath": True, "default_query_params": {"v": "1", "w": "2"}})
    await call(live, key, "/svc/a%20b/c?w=3&z=%2F", "GET")
    first = seen(live).path
    await call(live, key, "/svc", "GET")
    second = seen(live).path

    assert first == "/api/a%20b/c?w=3&z=%2F&v=1"
    assert second == "/api?v=1&w=2"


async def test_what_the_targets_address_says_stays(live: LiveGateway, key: str) -> None:
    declare(live, {"target": f"{live.upstream.origin}/api/?tenant=mine"})
    await call(live, key, f"/svc?tenant=other&key={key}&a=b&{key}&{key}=1", "GET")

    assert seen(live).path == "/api/?tenant=mine&a=b"


@pytest.mark.parametrize(
    "below",
    [
        "/../x",
        "/%2e%2e/x",
        "/%252e%252e/x",
        "/a//b",
        "/.",
        "/a%5c..%5cx",
        "/a%3fb",
        "/a%23b",
        "/..;/x",
        "/%00",
    ],
)
async def test_no_path_leads_out_of_the_target(live: LiveGateway, key: str, below: str) -> None:
    declare(live, {"include_subpath": True})
    data = f"GET /svc{below} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n".encode()
    answer = await live.raw(data)

    assert answer.split(b" ")[1] == b"400", answer
    assert live.upstream.requests == []


async def test_a_path_below_is_asked_for_and_methods_are_kept(live: LiveGateway, key: str) -> None:
    declare(live, {"methods": ["post"]}, {"path": "/svc/get", "methods": ["GET"]})

    assert (await call(live, key, "/svc/other")).status_code == 404
    assert (await call(live, key, "/svcx")).status_code == 404
    refused = await call(live, key, method="GET")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert (await call(live, key, "/svc/get", "GET")).status_code == 200
    assert (await call(live, key, "/svc/get/", "GET")).status_code == 200


@BOTH_WAYS
async def test_a_stream_comes_through_as_it_is_made(live: LiveGateway, key: str, way: dict[str, str]) -> None:
    async def two_events(wire: Wire, _: SeenRequest) -> None:
        await wire.begin_events()
        await wire.chunk(b"data: 1\n\n")
        await wire.upstream.release.wait()
        await wire.chunk(b"data: 2\n\n")
        await wire.send(b"0\r\n\r\n")

    declare(live, {"cost_per_request": 0.5})
    live.upstream.script.append(two_events)
    async with live.http.stream("POST", "/svc", headers=bearer(key) | way, json={}) as answer:
        parts = answer.aiter_raw()
        assert await anext(parts) == b"data: 1\n\n"
        assert live.held_nanos(key) == 500_000_000
        live.upstream.release.set()
        assert [part async for part in parts] == [b"data: 2\n\n"]

    assert answer.headers["content-type"] == "text/event-stream"
    assert (await live.row(key)).nanos == 500_000_000


@BOTH_WAYS
async def test_a_body_goes_on_part_by_part(live: LiveGateway, key: str, way: dict[str, str]) -> None:
    first = asyncio.Event()

    async def parts() -> Any:
        yield b"one"
        await first.wait()
        yield b"two"

    async def read_parts(wire: Wire, _: SeenRequest) -> None:
        head = await wire.reader.readuntil(b"one\r\n")
        first.set()
        rest = await wire.reader.readuntil(b"0\r\n\r\n")
        await wire.answer(200, json.dumps((head + rest).decode()).encode())

    declare(live, {})
    live.upstream.script.append(read_parts)
    answer = await call(live, key, content=parts(), headers=way)

    assert answer.json() == "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


@BOTH_WAYS
async def test_what_the_target_refuses_is_told_and_costs_nothing(
    live: LiveGateway, key: str, way: dict[str, str]
) -> None:
    declare(live, {"cost_per_request": 1})
    secrets = {"set-cookie": "a=b", "location": "http://inner", "x-litellm-key-spend": "0", "x-own": "o"}
    live.upstream.script.append(replies.raw(418, b"no", secrets))
    answer = await call(live, key, headers=way)
    row = await live.row(key)

    assert (answer.status_code, answer.content, answer.headers["x-own"]) == (418, b"no", "o")
    assert not {"set-cookie", "location"} & set(answer.headers)
    assert (row.status, row.nanos, row.details["error_information"]["error_code"]) == ("failure", 0, "418")
    assert live.held_nanos(key) == 0


async def test_no_redirect_is_followed_nor_told(live: LiveGateway, key: str) -> None:
    declare(live, {})
    live.upstream.script.append(replies.raw(302, b"", {"location": f"{live.upstream.origin}/inner"}))
    answer = await call(live, key)

    assert (answer.status_code, len(live.upstream.requests)) == (502, 1)
    assert "location" not in answer.headers
    assert str(live.upstream.port) not in answer.text


async def test_a_target_that_is_not_there_is_a_failure(live: LiveGateway, key: str) -> None:
    declare(live, {"target": "http://127.0.0.1:9/x", "cost_per_request": 1})
    answer = await call(live, key)
    row = await live.row(key)

    assert (answer.status_code, row.status, row.nanos) == (500, "failure", 0)
    assert "127.0.0.1" not in answer.text
    assert live.held_nanos(key) == 0


async def test_a_silent_target_is_given_up(live: LiveGateway, key: str) -> None:
    declare(live, {"timeout": 0.1})
    live.upstream.script.append(silent)
    assert (await call(live, key)).status_code == 408
    assert (await live.row(key)).status == "failure"


async def test_a_client_that_leaves_stops_the_call_and_pays(live: LiveGateway, key: str) -> None:
    declare(live, {"cost_per_request": 0.25})
    live.upstream.script.append(silent)
    asking = asyncio.create_task(call(live, key, json={}))
    await live.upstream.wait_for_requests(1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    row = await live.row(key)

    await asyncio.wait_for(live.upstream.hung_up.wait(), 30)
    assert (row.status, row.nanos, row.details["gatewright"]["client_gone"]) == ("failure", 250_000_000, True)


async def test_a_budget_and_a_rate_hold(live: LiveGateway) -> None:
    poor, slow = await live.make_key(max_budget=0.3), await live.make_key(rpm_limit=1)
    declare(live, {"cost_per_request": 0.2})
    statuses = [(await call(live, key)).status_code for key in (poor, poor, poor, slow, slow)]
    refused = await live.rows(poor)

    assert statuses == [200, 200, 422, 200, 429]
    assert [(row.status, row.nanos) for row in refused] == [
        ("success", 200_000_000),
        ("success", 200_000_000),
        ("failure", 0),
    ]
    assert len(live.upstream.requests) == 3


async def test_a_body_that_is_too_large_is_refused(live: LiveGateway, key: str) -> None:
    declare(live, {}, max_request_size_mb=0.001)

    async def parts() -> Any:
        for _ in range(100):
            yield b"x" * 1000

    with contextlib.suppress(httpx.TransportError):
        assert (await call(live, key, content=b"x" * 5000)).status_code == 413
    # A target that has answered before it read everything would be heard.
    live.upstream.script.append(silent)
    # Who goes on sending may miss the answer: the connection is closed under it.
    with contextlib.suppress(httpx.TransportError):
        assert (await call(live, key, content=parts())).status_code == 413
    rows = await live.rows(key)
    assert [row.details["error_information"]["error_code"] for row in rows] == ["413", "413"]


async def test_who_has_no_key_is_refused_unless_anybody_may(live: LiveGateway, key: str) -> None:
    declare(live, {}, {"path": "/open", "auth": False, "cost_per_request": 0.001})
    nobody, wrong = await call(live, None), await call(live, "sk-nobody-has-this-key")
    anybody = await call(live, None, "/open")

    assert (nobody.status_code, wrong.status_code, anybody.status_code) == (401, 401, 200)
    assert len(live.upstream.requests) == 1
    last = (await live.rows())[-1]
    assert (last.call_type, last.api_key, last.nanos) == ("pass_through_endpoint", "", 1_000_000)
    del key


async def test_where_no_key_is_asked_for_the_gateways_own_stay_here(live: LiveGateway, key: str) -> None:
    declare(live, {"auth": False, "forward_headers": True, "headers": {}})
    blocked = await live.make_key(blocked=True)
    for ours in (key, blocked, MASTER_KEY):
        assert (await call(live, ours, f"/svc?key={ours}")).status_code == 200
        assert ours not in str(seen(live))
    for theirs in ("for-the-target", "sk-of-the-target-itself"):
        assert (await call(live, theirs)).status_code == 200
        assert seen(live).headers["authorization"] == f"Bearer {theirs}"


@pytest.mark.parametrize("asks", [True, False])
async def test_a_further_key_of_the_gateway_stays_here_too(
    live: LiveGateway, key: str, *, asks: bool
) -> None:
    declare(live, {"auth": asks, "forward_headers": True, "headers": {}})
    other, blocked = await live.make_key(), await live.make_key(blocked=True)
    own = {"x-litellm-api-key": key} if asks else {"authorization": "Bearer for-the-target"}
    for ours in (other, blocked, MASTER_KEY):
        for name in ("x-api-key", "x-note", "x-pass-note"):
            answer = await call(live, None, f"/svc?a=1&{name}={ours}", headers={**own, name: f"k {ours}"})
            assert answer.status_code == 200
            assert ours not in str(seen(live))
    theirs = "sk-of-the-target-itself"
    await call(live, None, f"/svc?k={theirs}", headers={**own, "x-api-key": theirs})
    assert (seen(live).headers["x-api-key"], seen(live).path) == (theirs, f"/api?k={theirs}")


async def test_a_caller_may_have_its_key_in_a_header_of_its_own(live: LiveGateway, key: str) -> None:
    declare(live, {"headers": {"litellm_user_api_key": "X-Caller"}, "forward_headers": True})
    answer = await call(live, None, headers={"x-caller": key})

    assert answer.status_code == 200
    assert key not in str(seen(live))
    assert "litellm_user_api_key" not in seen(live).headers


@pytest.mark.parametrize(
    ("members", "path", "status"),
    [
        ({"allowed_routes": ["/v1/models"]}, "/svc", 403),
        ({"allowed_routes": ["/svc/*"]}, "/svc/a", 200),
        ({"allowed_routes": ["llm_api_routes"]}, "/svc", 200),
        ({"allowed_routes": ["/v1/models"], "allowed_passthrough_routes": ["/svc"]}, "/svc/a", 200),
        ({"allowed_passthrough_routes": ["/other"]}, "/svc", 403),
        ({"denied_passthrough_routes": ["/svc/admin"]}, "/svc/admin/users", 403),
        ({"denied_passthrough_routes": ["/svc/admin/"]}, "/svc/administrator", 200),
        ({"denied_passthrough_routes": ["/svc/adm*"]}, "/svc/administrator", 403),
        ({"models": ["another"]}, "/svc", 200),
    ],
)
async def test_a_keys_lists_hold(live: LiveGateway, members: dict[str, Any], path: str, status: int) -> None:
    declare(live, {"include_subpath": True})
    key = await live.make_key(**members)

    assert (await call(live, key, path)).status_code == status
    assert len(live.upstream.requests) == (status == 200)


async def test_a_teams_lists_hold_for_its_keys(live: LiveGateway) -> None:
    declare(live, {"include_subpath": True})
    lists = {"allowed_passthrough_routes": ["/svc/a"], "denied_passthrough_routes": ["/svc/a/b"]}
    team = (await live.post("/team/new", MASTER_KEY, lists)).json()["team_id"]
    key = await live.make_key(team_id=team)
    statuses = [(await call(live, key, path)).status_code for path in ("/svc/a", "/svc/b", "/svc/a/b")]

    assert statuses == [200, 403, 403]


async def test_rules_of_the_gateway_hold(live: LiveGateway, key: str) -> None:
    open_one = {"path": "/open", "auth": False}
    declare(live, {}, open_one, disable_llm_api_endpoints=True)
    disabled = [(await call(live, key, path)).status_code for path in ("/svc", "/open")]
    declare(live, {}, open_one, allowed_ips=["10.0.0.1"])
    elsewhere = [(await call(live, key, path)).status_code for path in ("/svc", "/open")]
    declare(live, {}, admin_only_routes=["/svc"])
    reserved = [(await call(live, one)).status_code for one in (key, MASTER_KEY)]

    assert (disabled, elsewhere, reserved) == ([403, 403], [403, 403], [403, 200])


@BOTH_WAYS
async def test_a_broken_answer_is_cut_and_charged(live: LiveGateway, key: str, way: dict[str, str]) -> None:
    async def broken(wire: Wire, _: SeenRequest) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        wire.writer.close()

    declare(live, {"cost_per_request": 0.125})
    live.upstream.script.append(broken)
    with pytest.raises(httpx.RemoteProtocolError):
        await call(live, key, headers=way)
    row = await live.row(key)

    assert (row.status, row.nanos) == ("failure", 125_000_000)


@BOTH_WAYS
async def test_an_answer_of_unknown_length_that_breaks_off_never_looks_whole(
    live: LiveGateway, key: str, way: dict[str, str]
) -> None:
    async def broken(wire: Wire, _: SeenRequest) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        wire.writer.close()

    declare(live, {})
    live.upstream.script.append(broken)
    with pytest.raises(httpx.TransportError):
        await call(live, key, headers=way)
    assert (await live.row(key)).status == "failure"
    assert (await call(live, key, headers=way)).content == ANSWER


@BOTH_WAYS
async def test_an_event_stream_that_breaks_off_says_so(
    live: LiveGateway, key: str, way: dict[str, str]
) -> None:
    declare(live, {})
    live.upstream.script.append(replies.stream(["Hello"], ends=False))
    answer = await call(live, key, json={}, headers=way)
    error = json.loads(answer.text.split("\n\n")[-2].removeprefix("data: "))["error"]
    assert "Hello" in answer.text
    assert error["message"]
    assert (await live.row(key)).status == "failure"


@BOTH_WAYS
async def test_a_client_that_leaves_while_it_sends_pays_nothing(
    live: LiveGateway, key: str, way: dict[str, str]
) -> None:
    async def parts() -> Any:
        yield b"one"
        await asyncio.Event().wait()

    declare(live, {"cost_per_request": 0.25})
    live.upstream.script.append(silent)
    asking = asyncio.create_task(call(live, key, content=parts(), headers=way))
    await live.upstream.wait_for_requests(1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    row = await live.row(key)

    await asyncio.wait_for(live.upstream.hung_up.wait(), 30)
    assert (row.status, row.nanos, row.details["gatewright"]["client_gone"]) == ("failure", 0, True)
    assert live.held_nanos(key) == 0


class _Leaving(PartedExchange):
    """Of a server that tells of a client's leaving when it is written to."""

    __slots__ = ()

    def check_head(self) -> None: ...

    async def _read_body(self, length: int, limit: int) -> bytes:
        raise NotImplementedError

    async def read_part(self) -> tuple[bytes, bool]:
        return b"", False

    async def wait_until_gone(self) -> None:
        await asyncio.Event().wait()

    async def answer(self, status: int, headers: Any, body: bytes) -> None:
        raise NotImplementedError

    async def begin(self, status: int, headers: Any) -> None:
        raise ClientLeftError

    async def write(self, chunk: bytes) -> None:
        raise ClientLeftError

    async def end(self, last: bytes = b"") -> None:
        raise ClientLeftError

    async def abort(self) -> None:
        raise NotImplementedError


async def test_a_client_that_is_gone_when_it_is_answered_is_charged(live: LiveGateway, key: str) -> None:
    declare(live, {"cost_per_request": 0.25})
    head = RequestHead("POST", "/svc", {"authorization": f"Bearer {key}"})
    one = live.gateway.snapshot.pass_throughs.find("/svc")[0]
    await pass_request(live.gateway, one, "", _Leaving(head, live.gateway.clock))
    row = await live.row(key)

    assert (row.status, row.nanos, row.details["gatewright"]["client_gone"]) == ("failure", 250_000_000, True)
    assert live.held_nanos(key) == 0


async def test_what_cannot_be_written_down_holds_nothing(
    live: LiveGateway, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no such line can be written")

    declare(live, {"cost_per_request": 0.25})
    with monkeypatch.context() as patch:
        patch.setattr(type(live.gateway), "record_opened", fail)
        assert (await call(live, key)).status_code == 500
    assert live.held_nanos(key) == 0
    assert live.upstream.requests == []


async def test_a_warm_request_asks_the_database_nothing(live: LiveGateway, key: str) -> None:
    declare(live, {})
    await quiet(live)
    await call(live, key)
    async with counting(live, holds_drain=True) as counter:
        assert (await call(live, key)).status_code == 200
    assert counter.statements == []
    await eventually(lambda: not live.gateway.streams)
