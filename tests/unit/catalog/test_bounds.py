import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.bounds import Bound, bound_charge
from gateway.catalog.pricing import compute_charge
from gateway.domain import Deployment, Endpoint, ModelGroup, Price, PriceTier, Usage
from gateway.hooks.body import RequestBody

NANO = 1_000_000
"""Femto-dollars: a token of this price costs a nano-dollar."""
PRICE = Price(tiers=(PriceTier(input=NANO, output=10 * NANO),))


def group(price: Price = PRICE, **members: object) -> ModelGroup:
    one = Deployment(id="d", group="m", provider="mock", model="m", urls={}, price=price)
    return ModelGroup("m", (msgspec.structs.replace(one, **members),))


def bound(models: ModelGroup, endpoint: Endpoint = Endpoint.CHAT, **members: object) -> Bound:
    body = {"messages": [{"role": "user", "content": "hello"}], **members}
    return bound_charge(endpoint, RequestBody.parse(json.dumps(body).encode()), models)


def test_a_byte_is_at_most_a_token() -> None:
    short = bound(group(max_output_tokens=1), max_tokens=1).nanos
    longer = bound(
        group(max_output_tokens=1), max_tokens=1, messages=[{"role": "user", "content": "x" * 905}]
    )
    assert longer.nanos - short == 900


def test_an_answer_costs_at_most_what_caller_or_model_allow() -> None:
    base = bound(group(), max_tokens=0).nanos
    assert bound(group(), max_tokens=7).nanos == base + 70
    assert bound(group(max_output_tokens=5), max_tokens=7).nanos == base + 50
    assert bound(group(max_output_tokens=5)).added_output_tokens is None
    assert bound(group(defaults={"max_tokens": msgspec.Raw(b"3")})).added_output_tokens is None


def test_an_answer_that_nobody_bounds_gets_a_bound() -> None:
    found = bound(group())
    assert found.added_output_tokens == 1024
    assert found.nanos >= 10_240
    assert bound(group(), Endpoint.EMBEDDINGS).added_output_tokens is None


def test_a_bound_that_the_provider_does_not_get_is_none() -> None:
    dropping = group(dropped_params=frozenset({"max_tokens", "max_completion_tokens"}), max_output_tokens=9)
    assert bound(dropping, max_tokens=1).nanos >= 90


def test_every_choice_is_an_answer() -> None:
    one, three = bound(group(), max_tokens=1000), bound(group(), max_tokens=1000, n=3)
    assert three.nanos - one.nanos >= 20_000


def test_an_image_may_fill_what_the_model_reads() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 100_000}}
    message = {"role": "user", "content": [part]}
    reading = group(max_input_tokens=50_000)
    assert 50_000 <= bound(reading, max_tokens=0, messages=[message]).nanos < 52_000
    assert bound(group(), max_tokens=0, messages=[message]).nanos < 5_000


@pytest.mark.parametrize("name", ["cached_input", "cache_creation"])
def test_the_dearest_way_to_read_a_token_counts(name: str) -> None:
    tier = msgspec.structs.replace(PRICE.tiers[0], **{name: 3 * NANO})
    dear = bound(group(Price(tiers=(tier,))), max_tokens=0).nanos
    assert dear == 3 * bound(group(), max_tokens=0).nanos


def test_a_dearer_tier_counts_as_soon_as_the_prompt_may_reach_it() -> None:
    tiers = (*PRICE.tiers, PriceTier(input=2 * NANO, output=20 * NANO, above_prompt_tokens=100))
    plain = bound(group(), max_tokens=10).nanos
    assert bound(group(Price(tiers=tiers)), max_tokens=10).nanos == 2 * plain


@given(
    st.text(max_size=200),
    st.integers(0, 500),
    st.integers(0, 5),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_no_usage_within_what_was_asked_costs_more(
    text: str, max_tokens: int, output_price: int, cached: int, reasoning: int
) -> None:
    price = Price(
        tiers=(
            PriceTier(input=NANO, output=output_price * NANO, cached_input=NANO // 2, reasoning_output=7),
        ),
        per_request=5,
    )
    most = bound(group(price), messages=[{"role": "user", "content": text}], max_tokens=max_tokens)
    usage = Usage(
        prompt_tokens=len(text.encode()) + 20,
        completion_tokens=max_tokens,
        cached_tokens=cached,
        reasoning_tokens=reasoning,
    )
    assert compute_charge(price, usage).total <= most.nanos
