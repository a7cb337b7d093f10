"""What a client gets when a provider fails, what is recorded, and what must never be told."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from tests.integration.serving import UPSTREAM_KEY, LiveGateway, deployment
from tests.upstreams import Reply, replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

HTML = b"<html><body>nginx 502</body></html>"
QUOTED = f"Incorrect API key provided: {UPSTREAM_KEY} at http://internal-host.local:8443/v1 (10.1.2.3)."


def told_as_success(error: object) -> Reply:
    """As OpenRouter does when a model behind it fails."""
    return replies.raw(200, json.dumps({"error": error, "user_id": "x"}).encode())


FAILURES: dict[str, tuple[Reply, int, str]] = {
    "400": (replies.error(400, QUOTED), 400, "invalid_request_error"),
    "400 context": (
        replies.error(400, "This model's maximum context length is 10.", code="context_length_exceeded"),
        400,
        "context_length_exceeded",
    ),
    "401": (replies.error(401, QUOTED), 401, "authentication_error"),
    "403": (replies.error(403, QUOTED), 403, "permission_denied_error"),
    "404": (replies.error(404, QUOTED), 404, "not_found_error"),
    "408": (replies.error(408, QUOTED), 408, "timeout_error"),
    "422": (replies.error(422, QUOTED), 422, "unprocessable_entity_error"),
    "429": (replies.error(429, QUOTED), 429, "rate_limit_error"),
    "500": (replies.error(500, QUOTED), 500, "internal_server_error"),
    "503": (replies.error(503, QUOTED), 503, "service_unavailable_error"),
    "HTML with 502": (replies.raw(502, HTML, {"content-type": "text/html"}), 502, "bad_gateway_error"),
    "HTML with 200": (replies.raw(200, HTML, {"content-type": "text/html"}), 502, "bad_gateway_error"),
    "no JSON with 200": (replies.raw(200, b"hello"), 502, "bad_gateway_error"),
    "an array with 200": (replies.raw(200, b"[1]"), 502, "bad_gateway_error"),
    "nothing with 200": (replies.raw(200, b""), 502, "bad_gateway_error"),
    "no HTTP": (replies.bytes_then_close(b"SSH-2.0-OpenSSH_9.0\r\n"), 502, "bad_gateway_error"),
    "closed": (replies.close(), 500, "api_connection_error"),
    "reset": (replies.reset(), 500, "api_connection_error"),
    "breaks off": (replies.short_body(), 502, "bad_gateway_error"),
    "text with 200": (replies.raw(200, b"hello", {"content-type": "text/plain"}), 502, "bad_gateway_error"),
    "429 in a 200": (told_as_success({"message": QUOTED, "code": 429}), 429, "rate_limit_error"),
    "an error in a 200": (told_as_success(QUOTED), 500, "internal_server_error"),
    "a redirect": (replies.raw(302, b"", {"location": "http://127.0.0.1:1/x"}), 502, "bad_gateway_error"),
}


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("reply", "status", "kind"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_is_told_and_recorded_and_betrays_nothing(
    live: LiveGateway,
    key: str,
    reply: Reply,
    status: int,
    kind: str,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    live.configure(deployment("m", live.upstream), router_settings={"num_retries": 0})
    live.upstream.default = reply
    answer = await live.chat(key, stream=is_stream)
    if is_stream and answer.status_code == 200:
        # An answer that claims to be a stream begins as one; what it is shows only afterwards.
        assert '"error"' in answer.text or answer.text == ""
    else:
        error = answer.json()["error"]
        assert (answer.status_code, error["type"], error["code"]) == (status, kind, str(status))
    row = await live.row(key)
    for text in (answer.text, str(answer.headers), row.text):
        assert UPSTREAM_KEY not in text
        assert "internal-host" not in text
        assert "10.1.2.3" not in text
        assert f":{live.upstream.port}" not in text
    assert row.status == "failure"
    assert live.held_nanos(key) == 0


@pytest.mark.parametrize(
    "stated",
    ["7", format_datetime(datetime(2030, 1, 1, 0, 0, 7, tzinfo=UTC), usegmt=True)],
    ids=["seconds", "date"],
)
async def test_the_providers_wish_to_wait_is_passed_on(live: LiveGateway, key: str, stated: str) -> None:
    live.configure(deployment("m", live.upstream), router_settings={"num_retries": 0})
    date = format_datetime(datetime(2030, 1, 1, tzinfo=UTC), usegmt=True)
    live.upstream.default = replies.error(429, "Slow down.", {"retry-after": stated, "date": date})
    answer = await live.chat(key)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "7"


async def test_a_provider_that_is_down_is_told_as_such(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", "http://127.0.0.1:9/v1"), router_settings={"num_retries": 0})
    answer = await live.chat(key)
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "api_connection_error")
    row = await live.row(key)
    assert "127.0.0.1:9" not in answer.text + str(answer.headers) + row.text
    assert (row.status, row.nanos) == ("failure", 0)


async def test_an_answer_without_usage_is_charged_by_an_estimate(live: LiveGateway, key: str) -> None:
    live.upstream.default = replies.ok(usage=None)
    assert (await live.chat(key)).status_code == 200
    row = await live.row(key)
    assert row.nanos > 0
    assert row.status == "success"


async def test_two_answers_with_one_id_make_two_rows(live: LiveGateway, key: str) -> None:
    await live.chat(key)
    await live.chat(key)
    rows = await live.rows(key)
    assert len({row.request_id for row in rows}) == 2
    assert await live.spent_nanos(key) == sum(row.nanos for row in rows)


async def test_an_absurd_usage_does_no_harm(live: LiveGateway, key: str) -> None:
    body = (
        b'{"id":"x","choices":[],"usage":{"prompt_tokens":-5,"completion_tokens":1e30,"total_tokens":"many"}}'
    )
    live.upstream.default = replies.raw(200, body)
    answer = await live.chat(key)
    assert answer.status_code == 200
    row = await live.row(key)
    assert row.nanos >= 0
    assert await live.spent_nanos(key) == row.nanos
