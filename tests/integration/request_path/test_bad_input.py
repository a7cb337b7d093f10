"""Wrong requests: each gets its status, an OpenAI-shaped error, and a failure row if its caller is known."""

import json
from typing import Any

import httpx
import pytest

from gateway.ids import hash_token
from tests.integration.serving import MASTER_KEY, UPSTREAM_KEY, LiveGateway, chat_body, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHAT = "/v1/chat/completions"
MESSAGES = b'"messages":[{"role":"user","content":"x"}]'


def shape(answer: httpx.Response) -> dict[str, Any]:
    """The error object of an answer, which must be whole."""
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert {"message", "type", "param", "code"} <= set(error)
    assert error["code"] == str(answer.status_code)
    assert error["message"].strip()
    assert error["type"]
    return error


BAD_BODIES: dict[str, tuple[bytes, str | None]] = {
    "no body": (b"", "body"),
    "no JSON": (b"hello", "body"),
    "cut off": (b'{"model":"m",' + MESSAGES[:-3], "body"),
    "something after the end": (b'{"model":"m",' + MESSAGES + b"}}", "body"),
    "an array": (b"[]", "body"),
    "a string": (b'"model"', "body"),
    "null": (b"null", "body"),
    "a byte order mark": (b'\xef\xbb\xbf{"model":"m",' + MESSAGES + b"}", "body"),
    "UTF-16": (('{"model":"m",' + MESSAGES.decode() + "}").encode("utf-16"), "body"),
    "NaN": (b'{"model":"m","temperature":NaN,' + MESSAGES + b"}", "body"),
    "deep arrays": (b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "body"),
    "deep objects": (
        b'{"model":"m",' + MESSAGES + b',"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        "body",
    ),
    "no model": (b"{" + MESSAGES + b"}", "model"),
    "model null": (b'{"model":null,' + MESSAGES + b"}", "model"),
    "model a number": (b'{"model":1,' + MESSAGES + b"}", "model"),
    "model empty": (b'{"model":"",' + MESSAGES + b"}", "model"),
    "model an array": (b'{"model":["m"],' + MESSAGES + b"}", "model"),
    "model not UTF-8": (b'{"model":"m\xff",' + MESSAGES + b"}", "body"),
    "model half a surrogate": (b'{"model":"m\\ud800",' + MESSAGES + b"}", "body"),
    "unknown model": (b'{"model":"absent",' + MESSAGES + b"}", "model"),
    "model with NUL": (b'{"model":"m\\u0000",' + MESSAGES + b"}", "model"),
    "no messages": (b'{"model":"m"}', "messages"),
    "messages null": (b'{"model":"m","messages":null}', "messages"),
    "messages empty": (b'{"model":"m","messages":[]}', "messages"),
    "messages an object": (b'{"model":"m","messages":{"role":"user"}}', "messages"),
    "messages a string": (b'{"model":"m","messages":"x"}', "messages"),
    "stream a string": (b'{"model":"m","stream":"yes",' + MESSAGES + b"}", "stream"),
    "stream a number": (b'{"model":"m","stream":1,' + MESSAGES + b"}", "stream"),
    "max_tokens text": (b'{"model":"m","max_tokens":"abc",' + MESSAGES + b"}", "max_tokens"),
    "max_tokens negative": (b'{"model":"m","max_tokens":-1,' + MESSAGES + b"}", "max_tokens"),
    "max_tokens infinite": (b'{"model":"m","max_tokens":1e400,' + MESSAGES + b"}", "max_tokens"),
    "max_tokens true": (b'{"model":"m","max_tokens":true,' + MESSAGES + b"}", "max_tokens"),
    "max_tokens not UTF-8": (b'{"model":"m","max_tokens":"\xff",' + MESSAGES + b"}", "body"),
    "n text": (b'{"model":"m","n":"many",' + MESSAGES + b"}", "n"),
    "timeout text": (b'{"model":"m","timeout":"soon",' + MESSAGES + b"}", "timeout"),
    "timeout not UTF-8": (b'{"model":"m","timeout":"\xff",' + MESSAGES + b"}", "body"),
    "fallbacks not UTF-8": (b'{"model":"m","fallbacks":["\xff"],' + MESSAGES + b"}", "body"),
    "fallbacks text": (b'{"model":"m","fallbacks":"other",' + MESSAGES + b"}", "fallbacks"),
    "retries text": (b'{"model":"m","num_retries":"x",' + MESSAGES + b"}", "num_retries"),
    "metadata not UTF-8": (
        b'{"model":"m","metadata":{"api_key\xff":1,"api_base":"x"},' + MESSAGES + b"}",
        "body",
    ),
    "messages not UTF-8": (b'{"model":"m","messages":[{"role":"user","content":"\xff\xfe"}]}', "body"),
    "stream_options not UTF-8": (
        b'{"model":"m","stream":true,"stream_options":{"\xff":1},' + MESSAGES + b"}",
        "body",
    ),
}


@pytest.mark.parametrize(("body", "param"), BAD_BODIES.values(), ids=BAD_BODIES)
async def test_a_bad_body_is_refused_and_recorded(
    live: LiveGateway, key: str, body: bytes, param: str | None
) -> None:
    answer = await live.post(CHAT, key, body)
    assert answer.status_code == 400, answer.text
    error = shape(answer)
    assert error["type"] == "invalid_request_error"
    if param is not None:
        assert error["param"] == param
    assert live.upstream.requests == []
    row = await live.row(key)
    assert (row.status, row.nanos) == ("failure", 0)
    assert row.details["error_information"]["error_code"] == "400"
    assert live.held_nanos(key) == 0


BANNED = {
    "api_base": {"api_base": "http://evil.example"},
    "base_url": {"base_url": "http://evil.example"},
    "api_key": {"api_key": "sk-x"},
    "user_config": {"user_config": {}},
    "metadata.api_base": {"metadata": {"api_base": "http://evil.example"}},
    "metadata.deep.api_key": {"metadata": {"deep": {"api_key": "x"}}},
    "litellm_metadata.base_url": {"litellm_metadata": {"base_url": "x"}},
    "input_cost_per_token": {"input_cost_per_token": 0},
    "cache_read_input_token_cost": {"cache_read_input_token_cost": 0},
    "metadata.a.cache_creation_input_token_cost": {"metadata": {"a": {"cache_creation_input_token_cost": 0}}},
    "fallbacks[0].api_base": {"fallbacks": [{"model": "m", "api_base": "x"}]},
}


@pytest.mark.parametrize(("path", "members"), BANNED.items(), ids=BANNED)
async def test_a_banned_parameter_is_refused_by_its_path(
    live: LiveGateway, key: str, path: str, members: dict[str, object]
) -> None:
    answer = await live.chat(key, **members)
    assert answer.status_code == 400
    assert shape(answer)["param"] == path
    assert live.upstream.requests == []
    assert (await live.row(key)).status == "failure"


async def test_a_banned_name_spelt_with_an_escape_is_refused(live: LiveGateway, key: str) -> None:
    body = b'{"model":"m","metadata":{"api_bas\\u0065":"x"},"api_\\u006bey":"y",' + MESSAGES + b"}"
    assert (await live.post(CHAT, key, body)).status_code == 400


CREDENTIALS = {
    "none": ({}, "auth_error"),
    "no scheme": ({"authorization": "hello"}, "auth_error"),
    "not sk-": ({"authorization": "Bearer hello"}, "auth_error"),
    "unknown": ({"authorization": "Bearer sk-unknown-0123456789abcdef"}, "token_not_found_in_db"),
    "very long": ({"authorization": "Bearer sk-" + "a" * 5000}, "token_not_found_in_db"),
    "bad basic": ({"authorization": "Basic !!!"}, "auth_error"),
}


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-litellm-tags"])
async def test_a_header_that_cannot_be_read_is_refused_by_its_name(
    live: LiveGateway, key: str, name: str
) -> None:
    headers = {b"authorization": f"Bearer {key}".encode(), name.encode(): b"sk-\xff\xfe"}
    answer = await live.http.post(CHAT, json=chat_body(), headers=headers)
    assert answer.status_code == 400
    assert shape(answer)["param"] == name
    assert live.upstream.requests == []


@pytest.mark.parametrize(("headers", "kind"), CREDENTIALS.values(), ids=CREDENTIALS)
async def test_a_caller_that_is_not_known_is_refused(
    live: LiveGateway, headers: dict[str, str], kind: str
) -> None:
    encoded = [(name, value.encode("latin-1")) for name, value in headers.items()]
    answer = await live.http.post(
        CHAT, json=chat_body(), headers=[(b"content-type", b"application/json"), *encoded]
    )
    assert answer.status_code == 401, answer.text
    assert shape(answer)["type"] == kind, answer.text
    assert live.upstream.requests == []


async def test_a_hash_is_no_credential(live: LiveGateway, key: str) -> None:
    assert (await live.chat(hash_token(key))).status_code == 401


async def test_a_blocked_key_is_refused(live: LiveGateway, key: str) -> None:
    assert (await live.post("/key/block", MASTER_KEY, {"key": key})).status_code == 200
    answer = await live.chat(key)
    assert answer.status_code == 401
    shape(answer)


@pytest.mark.parametrize("declares", [True, False], ids=["content-length", "chunked"])
async def test_a_body_beyond_the_limit_is_refused_while_it_is_read(
    live: LiveGateway,
    key: str,
    declares: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.configure(deployment("m", live.upstream), gatewright={"limits": {"body_bytes": 2000}})
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        "content-type: application/json\r\n"
    )
    if declares:
        # The body never comes: the declared length alone is enough.
        answer = await live.raw((head + "content-length: 3000\r\n\r\n").encode())
    else:
        chunks = b"".join(b"1f4\r\n" + b"x" * 500 + b"\r\n" for _ in range(5))
        answer = await live.raw((head + "transfer-encoding: chunked\r\n\r\n").encode() + chunks)
    status, error = parse(answer)
    assert (status, error["code"], error["param"]) == (413, "413", "body")
    assert (await live.row(key)).details["error_information"]["error_code"] == "413"


async def test_of_a_length_and_a_transfer_encoding_the_latter_counts_and_nothing_follows(
    live: LiveGateway, key: str
) -> None:
    """RFC 9112 section 6.1: a connection on which both came is closed, so that no request can hide in it."""
    data = json.dumps(chat_body()).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        "content-type: application/json\r\n"
        f"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    hidden = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    sent = head.encode() + b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data) + hidden.encode()
    answer = await live.raw(sent, until_closed=True)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()
    assert len(live.upstream.requests) == 1


@pytest.mark.parametrize(("version", "status"), [("1.1", 400), ("1.0", 200)])
async def test_a_request_of_http_1_1_names_its_host(
    live: LiveGateway, key: str, version: str, status: int
) -> None:
    data = json.dumps(chat_body()).encode()
    head = f"POST {CHAT} HTTP/{version}\r\nauthorization: Bearer {key}\r\ncontent-length: {len(data)}\r\n\r\n"
    answer = await live.raw(head.encode() + data)
    assert answer.startswith(f"HTTP/{version} {status}".encode())
    if status != 200:
        _, error = parse(answer)
        assert (error["param"], error["type"]) == ("host", "invalid_request_error")


async def test_two_different_lengths_are_refused(live: LiveGateway, key: str) -> None:
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        "content-length: 2\r\ncontent-length: 3\r\n\r\n{} "
    )
    answer = await live.raw(head.encode(), until_closed=True)
    assert answer.startswith(b"HTTP/1.1 400")
    assert live.upstream.requests == []


@pytest.mark.parametrize("host", ["a b", "evil\\", "<script>", "x/../y", "a?b"])
async def test_a_malformed_host_is_refused(live: LiveGateway, key: str, host: str) -> None:
    data = json.dumps(chat_body()).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\nconnection: close\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    answer = await live.raw(head.encode() + data, until_closed=True)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert live.upstream.requests == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
async def test_a_wrong_method_is_told_the_right_one(live: LiveGateway, key: str, method: str) -> None:
    answer = await live.http.request(method, CHAT, headers={"api-key": key})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    if method != "HEAD":
        shape(answer)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_wrong_method_of_an_ordinary_route_is_told_too(
    live: LiveGateway, key: str, method: str
) -> None:
    answer = await live.http.request(method, "/v1/models", headers={"api-key": key})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    shape(answer)


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
async def test_a_wrong_content_type_is_refused(live: LiveGateway, key: str, kind: str) -> None:
    answer = await live.post(CHAT, key, chat_body(), content_type=kind)
    assert answer.status_code == 415
    assert shape(answer)["param"] == "content-type"


@pytest.mark.parametrize(
    "path", ["/v1", "/v2/chat/completions", "/v1/chat", "/admin", "/.env", "/v1/chat/completions/x"]
)
async def test_an_unknown_path_is_not_found(live: LiveGateway, key: str, path: str) -> None:
    answer = await live.post(path, key, chat_body())
    assert (answer.status_code, shape(answer)["type"]) == (404, "not_found_error")


CRAFTED = [
    "/v1/chat/completions;x=1",
    "/v1/Chat/Completions",
    "/V1/CHAT/COMPLETIONS",
    "/v1/./chat/completions",
    "/v1/models/../chat/completions",
    "/enginesx/m/chat/completions",
    "/openai/deploymentsx/m/chat/completions",
    "/v1/chat/completions%00",
    "/v1/chat/completions%20",
    "/v1\\chat\\completions",
]


@pytest.mark.parametrize("path", CRAFTED)
async def test_a_crafted_path_opens_no_route(live: LiveGateway, key: str, path: str) -> None:
    status, _ = await send_path(live, "POST", path, key, chat_body())
    assert status in {404, 405}
    assert live.upstream.requests == []


@pytest.mark.parametrize(
    "path",
    [
        "//key/info",
        "/key/info/",
        "/key//info",
        "/health/../key/info",
        "/key/info%2F",
        "/KEY/INFO",
        "/health/readiness/../../key/generate",
    ],
)
async def test_a_crafted_path_closes_no_lock(live: LiveGateway, path: str) -> None:
    status, _ = await send_path(live, "GET", path, None, None)
    assert status in {401, 404}


@pytest.mark.parametrize(
    "path",
    ["//v1/chat/completions", "/v1/chat/completions/", "/v1//chat/completions", "/v1/chat%2Fcompletions"],
)
async def test_a_key_for_other_routes_gains_nothing_by_another_spelling(live: LiveGateway, path: str) -> None:
    restricted = await live.make_key(allowed_routes=["/key/info"])
    status, _ = await send_path(live, "POST", path, restricted, chat_body())
    assert status in {403, 404}
    assert live.upstream.requests == []


async def test_huge_headers_are_refused(live: LiveGateway, key: str) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nx-big: {'a' * 100_000}\r\n\r\n"
    answer = await live.raw(head.encode(), until_closed=True)
    assert answer.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")), answer[:100]
    assert live.upstream.requests == []


async def test_nul_and_surrogates_in_a_conversation_reach_the_upstream_as_they_are(
    live: LiveGateway, key: str
) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"a\\u0000b\\ud83d\\ude00"}],"user":"u\\u0000"}'
    answer = await live.post(CHAT, key, body)
    assert answer.status_code == 200
    assert b"a\\u0000b\\ud83d\\ude00" in live.upstream.requests[0].body
    assert (await live.row(key)).status == "success"


async def test_lone_surrogates_are_refused_or_pass_but_never_fail(live: LiveGateway, key: str) -> None:
    message = b'{"role":"user","content":"\\ud800"}'
    body = b'{"model":"m","messages":[' + message + b'],"user":"\\udfff","metadata":{"a":"\\ud800"}}'
    answer = await live.post(CHAT, key, body)
    assert answer.status_code in {200, 400}
    assert len(await live.rows(key)) == 1


async def test_strange_headers_of_the_contract_do_no_harm(live: LiveGateway, key: str) -> None:
    strange = {
        "x_litellm_tags": ",,,",
        "x_litellm_spend_logs_metadata": "{not json",
        "x_litellm_call_id": "é" * 10,
        "x_litellm_trace_id": "t" * 5000,
        "user_agent": "\xff\xfe",
    }
    encoded = {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in strange.items()}
    answer = await live.http.post(
        CHAT, json=chat_body(), headers={b"authorization": f"Bearer {key}".encode(), **encoded}
    )
    assert answer.status_code == 200, answer.text
    assert (await live.row(key)).status == "success"


async def test_an_error_says_nothing_of_the_deployment(live: LiveGateway, key: str) -> None:
    answer = await live.chat(key, max_tokens="abc")
    text = answer.text + str(answer.headers) + (await live.row(key)).text
    assert UPSTREAM_KEY not in text
    assert str(live.upstream.port) not in text


def parse(answer: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), json.loads(body)["error"]


async def send_path(
    live: LiveGateway, method: str, path: str, key: str | None, body: Any
) -> tuple[int, bytes]:
    """Send a path exactly as it is written; clients would tidy it."""
    data = json.dumps(body).encode() if body is not None else b""
    credential = f"authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: x\r\n{credential}content-type: application/json\r\n"
        f"connection: close\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    answer = await live.raw(head.encode() + data, until_closed=True)
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize("declares", [True, False], ids=["content-length", "chunked"])
async def test_a_body_that_is_sent_too_slowly_is_answered_with_408(
    live: LiveGateway,
    key: str,
    declares: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.configure(deployment("m", live.upstream), gatewright={"limits": {"body_seconds": 0.2}})
    framing = "content-length: 300" if declares else "transfer-encoding: chunked"
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\n{framing}\r\n\r\n"
    )
    # The rest never comes.
    status, error = parse(await live.raw(head.encode() + (b"{" if declares else b"1\r\n{\r\n")))
    assert (status, error["type"], error["param"]) == (408, "timeout_error", "body")
    row = await live.row(key)
    assert (row.status, row.details["error_information"]["error_code"]) == ("failure", "408")
    assert (await live.chat(key)).status_code == 200


async def test_the_operator_can_bound_the_nesting(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), gatewright={"limits": {"json_depth": 4}})
    assert (await live.chat(key, tools=[{"a": []}])).status_code == 200
    answer = await live.chat(key, tools=[{"a": [{}]}])
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "body")
    assert len(live.upstream.requests) == 1
