"""Absurd tags, end users and token counts, from requests and providers: recorded or refused, never lost."""

import json
from typing import Any

import pytest

from tests.integration.serving import INPUT_NANOS, OUTPUT_NANOS, LiveGateway, deployment
from tests.upstreams import replies

pytestmark = pytest.mark.asyncio(loop_scope="session")

MEGABYTE = 1_000_000
STRANGE_TAGS: dict[str, Any] = {
    "numbers": [1, 2.5],
    "nulls": [None, None],
    "lists": [["a"], []],
    "objects": [{"a": "b"}],
    "booleans": [True],
    "a number": 7,
    "an object": {"a": "b"},
    "empty": ["", "  "],
}


@pytest.mark.parametrize("tags", STRANGE_TAGS.values(), ids=STRANGE_TAGS)
@pytest.mark.parametrize("place", ["tags", "metadata"])
async def test_tags_that_are_no_texts_are_passed_over(
    live: LiveGateway, key: str, place: str, tags: object
) -> None:
    members = {"tags": tags} if place == "tags" else {"metadata": {"tags": tags}}
    assert (await live.chat(key, **members)).status_code == 200
    row = await live.row(key)
    assert [tag for tag in json.loads(row.request_tags) if not tag.startswith("User-Agent: ")] == []
    assert row.nanos > 0


async def test_texts_among_other_tags_count(live: LiveGateway, key: str) -> None:
    assert (await live.chat(key, tags=["a", 1, None, "a", " b "])).status_code == 200
    tags = json.loads((await live.row(key)).request_tags)
    assert tags[:2] == ["a", "b"]
    assert len(tags) == len(set(tags))


async def test_of_ten_thousand_tags_the_first_fifty_count(live: LiveGateway, key: str) -> None:
    tags = [f"tag-{number}" for number in range(10_000)]
    answer = await live.chat(key, metadata={"tags": tags})
    assert answer.status_code == 200
    row = await live.row(key)
    assert json.loads(row.request_tags) == tags[:50]
    booked = await live.gateway.parts.database.fetch_value(
        'SELECT count(*) FROM "LiteLLM_DailyTagSpend" WHERE api_key = $1', row.api_key
    )
    assert booked == 50


async def test_a_tag_and_a_user_of_a_megabyte_are_cut(live: LiveGateway, key: str) -> None:
    answer = await live.chat(key, user="u" * MEGABYTE, tags=["t" * MEGABYTE])
    assert answer.status_code == 200
    row = await live.row(key)
    assert row.end_user == "u" * 256
    assert json.loads(row.request_tags)[0] == "t" * 256
    assert len(row.text) < 20_000
    spent = 'SELECT spend FROM "LiteLLM_EndUserTable" WHERE user_id = $1'
    assert await live.gateway.parts.database.fetch_value(spent, "u" * 256) > 0


@pytest.mark.parametrize("user", [True, [], {}, None, 1.5, "", "  ", 10**400], ids=str)
async def test_an_end_user_that_is_no_name_is_nobody(live: LiveGateway, key: str, user: object) -> None:
    assert (await live.chat(key, user=user)).status_code == 200
    assert (await live.row(key)).end_user is None


USAGES: dict[str, tuple[Any, int]] = {
    "negative": ({"prompt_tokens": -5, "completion_tokens": -7, "total_tokens": -12}, -1),
    "one negative": ({"prompt_tokens": 11, "completion_tokens": -7}, 11 * INPUT_NANOS),
    "missing": (None, -1),
    "empty": ({}, -1),
    "texts": ({"prompt_tokens": "many", "completion_tokens": "few"}, -1),
    "a list": ([1], -1),
    "NaN for a double": ({"prompt_tokens": 1.5, "completion_tokens": 2.5}, -1),
    "absurd": ({"prompt_tokens": 10**30, "completion_tokens": 10**30}, -1),
    "beyond the context": (
        {"prompt_tokens": 5_000_000, "completion_tokens": 7_000_000},
        5_000_000 * INPUT_NANOS + 7_000_000 * OUTPUT_NANOS,
    ),
    "more cached than read": (
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 50}},
        5 * INPUT_NANOS + OUTPUT_NANOS,
    ),
}


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("usage", "nanos"), USAGES.values(), ids=USAGES)
async def test_whatever_the_provider_counts_is_charged_once_and_never_below_nothing(
    live: LiveGateway,
    key: str,
    usage: Any,
    nanos: int,
    is_stream: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    # A model of its own: what its answers have would be expected of other tests' models too.
    live.configure(deployment("odd", live.upstream, info_max_input_tokens=100, info_max_output_tokens=100))
    live.upstream.default = replies.stream(["Hi"], usage) if is_stream else replies.ok(usage=usage)
    assert (await live.chat(key, "odd", stream=is_stream)).status_code == 200
    row = await live.row(key)
    assert row.status == "success"
    # Without a count that can be believed it is an estimate, which costs something.
    assert row.nanos == nanos if nanos >= 0 else row.nanos > 0
    assert row.prompt_tokens >= 0
    assert row.completion_tokens >= 0
    assert live.settled_nanos(key) == row.nanos
    assert live.held_nanos(key) == 0
