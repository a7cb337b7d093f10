"""Pricing what was used, and estimating what will be."""

import json
from collections.abc import Callable

import pytest

from gateway.catalog import Estimate, PriceBook, compute_charge, estimate_charge
from gateway.catalog.price_book import PriceQuery
from gateway.catalog.price_snapshot import PriceSnapshot
from gateway.domain import Deployment, Endpoint, ModelGroup, Price, Usage
from gateway.hooks.body import RequestBody

Compare = Callable[..., None]
_NOW = 1_795_262_400 * 1_000_000_000
_SMALL = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello " * 40}], "max_tokens": 100}
_LARGE = {"model": "gpt-4o", "messages": [{"role": "user", "content": 'It is a "sentence". ' * 15_000}]}
_USAGES = {
    "text": Usage(prompt_tokens=1000, completion_tokens=500),
    "cached": Usage(prompt_tokens=1000, completion_tokens=500, cached_tokens=200),
    "everything": Usage(
        prompt_tokens=1000,
        completion_tokens=500,
        cached_tokens=200,
        cache_creation_tokens=100,
        audio_input_tokens=50,
        image_input_tokens=50,
        reasoning_tokens=100,
        audio_output_tokens=20,
        images=1,
    ),
}


@pytest.fixture(scope="module")
def price() -> Price:
    found = PriceBook(PriceSnapshot()).quote(PriceQuery(provider="openai", model="gpt-4o"), _NOW).price
    assert found is not None
    return found


@pytest.mark.benchmark(group="pricing")
@pytest.mark.parametrize("kind", sorted(_USAGES))
def test_compute_a_charge(compare: Compare, price: Price, kind: str) -> None:
    usage = _USAGES[kind]

    compare(lambda: compute_charge(price, usage))

    assert compute_charge(price, usage).is_priced


@pytest.mark.benchmark(group="estimate")
@pytest.mark.parametrize("members", [_SMALL, _LARGE], ids=["small", "300KB"])
def test_estimate_a_charge(compare: Compare, price: Price, members: dict[str, object]) -> None:
    deployment = Deployment(id="d", group="m", provider="openai", model="gpt-4o", urls={}, price=price)
    group = ModelGroup("m", (deployment,))
    data = json.dumps(members).encode()

    def estimate() -> Estimate:
        # A body remembers what was decoded of it, so that each estimate needs its own.
        return estimate_charge(Endpoint.CHAT, RequestBody.parse(data), group, 1024)

    compare(estimate)

    assert estimate().nanos > 0


@pytest.mark.benchmark(group="price book")
def test_open_the_book_and_price_one_model(compare: Compare) -> None:
    query = PriceQuery(provider="openai", model="gpt-4o")

    compare(lambda: PriceBook(PriceSnapshot()).quote(query, _NOW))
