"""Discounts and margins on prices, exact to the femto-dollar."""

import pytest

from gateway.catalog.price_terms import NO_TERMS, PriceTerms
from gateway.catalog.pricing import compute_charge
from gateway.domain import Price, PriceTier, Usage
from gateway.settings.price_terms import Margin

PRICE = Price(
    tiers=(
        PriceTier(input=2_500_000_000, output=10_000_000_000, cached_input=1_250_000_001),
        PriceTier(input=5_000_000_000, output=20_000_000_000, above_prompt_tokens=1_000),
    ),
    per_request=3,
    per_image=40_000_000_000,
    source="price_file",
    valid_until_nanos=7,
)


def test_without_terms_the_price_is_the_same_object():
    assert NO_TERMS.apply(PRICE, "openai") is PRICE
    assert PriceTerms({"azure": 50_000}, {"azure": Margin(1)}).apply(PRICE, "openai") is PRICE


def test_a_discount_scales_every_rate_and_leaves_gaps_and_thresholds():
    made = PriceTerms({"openai": 50_000}, {}).apply(PRICE, "openai")

    assert made.tiers[0] == PriceTier(
        input=2_375_000_000, output=9_500_000_000, cached_input=round(1_250_000_001 * 95 / 100)
    )
    assert made.tiers[1] == PriceTier(input=4_750_000_000, output=19_000_000_000, above_prompt_tokens=1_000)
    assert (made.per_image, made.source, made.valid_until_nanos) == (38_000_000_000, "price_file", 7)


def test_a_margin_is_put_on_what_the_discount_leaves_and_on_each_request():
    terms = PriceTerms({"openai": 500_000}, {"openai": Margin(100_000, 500_000)})
    made = terms.apply(Price(tiers=(PriceTier(input=1_000_000_000, output=0),)), "openai")

    assert made.tiers[0].input == 550_000_000
    assert compute_charge(made, Usage(1_000, 10)).total == 550_000 + 500_000


def test_the_margin_of_a_provider_stands_in_the_place_of_the_global_one():
    terms = PriceTerms({}, {"global": Margin(200_000), "openai": Margin(0, 1)})
    price = Price(tiers=(PriceTier(input=10, output=10),))

    assert terms.apply(price, "azure").tiers[0].input == 12
    assert terms.apply(price, "openai").tiers[0].input == 10
    assert terms.apply(price, "openai").per_request == 1_000_000


@pytest.mark.parametrize(("rate", "rounded"), [(1, 0), (3, 2), (5, 2), (7, 4)])
def test_halves_are_rounded_to_even(rate: int, rounded: int):
    price = Price(tiers=(PriceTier(input=rate, output=0),))

    assert PriceTerms({"openai": 500_000}, {}).apply(price, "openai").tiers[0].input == rounded


def test_all_taken_off_makes_a_model_free():
    assert PriceTerms({"openai": 1_000_000}, {}).apply(PRICE, "openai").is_free
