"""Credentials in every header, budgets, rates and parallel requests on the real path."""

import asyncio
import base64

import pytest

from tests.integration.serving import (
    INPUT_NANOS,
    MASTER_KEY,
    OUTPUT_NANOS,
    LiveGateway,
    bearer,
    chat_body,
    deployment,
)
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHAT = "/v1/chat/completions"
PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"user:{key}".encode()).decode()


HEADERS = {
    "x-litellm-api-key": lambda key: {"x-litellm-api-key": key},
    "x-litellm-api-key with scheme": lambda key: {"x-litellm-api-key": f"Bearer {key}"},
    "authorization": bearer,
    "lower case scheme": lambda key: {"authorization": f"bearer {key}"},
    "basic": lambda key: {"authorization": basic(key)},
    "api-key": lambda key: {"api-key": key},
    "x-api-key": lambda key: {"x-api-key": key},
    "x-goog-api-key": lambda key: {"x-goog-api-key": key},
    "subscription": lambda key: {"ocp-apim-subscription-key": key},
    "the first one counts": lambda key: {
        "x-litellm-api-key": key,
        "authorization": "Bearer sk-unknown-1234567890",
    },
}


@pytest.mark.parametrize("make", HEADERS.values(), ids=HEADERS)
async def test_a_key_is_found_in_every_header_of_the_contract(live: LiveGateway, key: str, make) -> None:
    answer = await live.http.post(CHAT, json=chat_body(), headers=make(key))
    assert answer.status_code == 200, answer.text
    assert key not in str(live.upstream.requests[0].raw_headers)


async def test_a_header_of_the_operators_choice_replaces_all_others(live: LiveGateway, key: str) -> None:
    live.configure(deployment("m", live.upstream), general_settings={"litellm_key_header_name": "X-Our-Key"})
    assert (
        await live.http.post(CHAT, json=chat_body(), headers={"x-our-key": f"Bearer {key}"})
    ).status_code == 200
    assert (await live.http.post(CHAT, json=chat_body(), headers=bearer(key))).status_code == 401


async def test_a_spent_budget_refuses_with_422(live: LiveGateway) -> None:
    key = await live.make_key(max_budget=PRICE / 1e9)
    assert (await live.chat(key)).status_code == 200
    answer = await live.chat(key)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"]) == (422, "budget_exceeded", "422")
    assert (error["scope"], error["spend"], error["max_budget"]) == ("key", PRICE / 1e9, PRICE / 1e9)
    assert len(live.upstream.requests) == 1
    rows = await live.rows(key)
    assert sorted((row.status, row.nanos) for row in rows) == [("failure", 0), ("success", PRICE)]


async def test_with_a_budget_of_nothing_nothing_is_sent(live: LiveGateway) -> None:
    answer = await live.chat(await live.make_key(max_budget=0))
    assert (answer.status_code, answer.json()["error"]["type"]) == (422, "budget_exceeded")
    assert live.upstream.requests == []


async def test_a_rate_refuses_and_says_when_to_come_back(live: LiveGateway) -> None:
    key = await live.make_key(rpm_limit=2)
    first = await live.chat(key)
    assert first.headers["x-ratelimit-api_key-remaining-requests"] == "1"
    assert first.headers["x-litellm-key-rpm-limit"] == "2"
    await live.chat(key)
    answer = await live.chat(key)
    assert (answer.status_code, answer.json()["error"]["type"]) == (429, "rate_limit_error")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert len(live.upstream.requests) == 2


async def test_a_token_rate_counts_what_was_used(live: LiveGateway) -> None:
    key = await live.make_key(tpm_limit=30)
    first = await live.chat(key, max_tokens=1)
    assert first.headers["x-ratelimit-api_key-remaining-tokens"] == "12"
    await live.chat(key, max_tokens=1)
    assert (await live.chat(key, max_tokens=1)).status_code == 429


async def test_a_refused_request_takes_no_slot_and_no_money(live: LiveGateway) -> None:
    key = await live.make_key(rpm_limit=1, max_budget=1, max_parallel_requests=1)
    await live.chat(key)
    for _ in range(3):
        assert (await live.chat(key)).status_code == 429
    assert live.held_nanos(key) == 0
    assert await live.spent_nanos(key) == PRICE


@pytest.mark.parametrize("is_stream", [True, False], ids=["stream", "whole"])
async def test_a_slot_gets_free_when_the_client_leaves(live: LiveGateway, is_stream: bool) -> None:  # noqa: FBT001  pytest passes it by name
    live.configure(deployment("m", live.upstream, on_disconnect="cancel"))
    key = await live.make_key(max_parallel_requests=1)
    live.upstream.script.append(replies.stream_held(["one"]) if is_stream else replies.never())
    request = asyncio.create_task(live.chat(key, stream=is_stream))
    await live.upstream.wait_for_requests(1)
    assert (await live.chat(key)).status_code == 429
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    await live.settled()
    assert (await live.chat(key)).status_code == 200


async def test_fifty_at_once_share_a_budget_that_fits_three(live: LiveGateway) -> None:
    body = chat_body(max_tokens=7)
    key = await live.make_key(max_budget=3 * PRICE / 1e9)
    live.upstream.default = replies.held()
    requests = [asyncio.create_task(live.post(CHAT, key, body)) for _ in range(50)]
    done, _ = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    assert {item.result().status_code for item in done} == {422}
    live.upstream.release.set()
    answers = await asyncio.gather(*requests)
    served = [answer for answer in answers if answer.status_code == 200]
    assert 1 <= len(served) <= 4
    assert {answer.status_code for answer in answers} == {200, 422}
    assert await live.spent_nanos(key) == len(served) * PRICE == live.settled_nanos(key)
    assert live.held_nanos(key) == 0


async def test_what_was_spent_is_seen_by_the_key_itself(live: LiveGateway, key: str) -> None:
    await live.chat(key)
    await live.spent_nanos(key)
    answer = await live.http.get("/key/info", headers=bearer(key))
    assert answer.json()["info"]["spend"] == pytest.approx(PRICE / 1e9)


async def test_the_row_is_found_through_the_api(live: LiveGateway, key: str) -> None:
    await live.chat(key)
    row = await live.row(key)
    answer = await live.http.get(
        "/spend/logs", params={"request_id": row.request_id}, headers=bearer(MASTER_KEY)
    )
    assert answer.status_code == 200, answer.text
    assert [item["request_id"] for item in answer.json()] == [row.request_id]
