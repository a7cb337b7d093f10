import pytest

from gateway.catalog.cost_fields import CostFieldError, is_cost_field, list_unmeasured, read_rates
from gateway.catalog.rates import build_price
from gateway.domain import PriceTier


def test_tiers_are_read_from_the_names_of_fields() -> None:
    rates = read_rates(
        {
            "input_cost_per_token": 1.25e-6,
            "input_cost_per_token_above_200k_tokens": 2.5e-6,
            "output_cost_per_token": 1e-5,
            "output_cost_per_token_above_272k_tokens": 1.5e-5,
            "cache_read_input_token_cost": 1.25e-7,
        }
    )
    price = build_price(rates, source="config")

    assert price is not None
    assert price.tiers == (
        PriceTier(input=1_250_000_000, output=10_000_000_000, cached_input=125_000_000),
        PriceTier(
            input=2_500_000_000,
            output=10_000_000_000,
            cached_input=125_000_000,
            above_prompt_tokens=200_000,
        ),
        PriceTier(
            input=2_500_000_000,
            output=15_000_000_000,
            cached_input=125_000_000,
            above_prompt_tokens=272_000,
        ),
    )


def test_fields_without_a_price_state_nothing() -> None:
    assert read_rates({"input_cost_per_token": None, "mode": "chat", "max_tokens": 5}) == {}
    assert build_price({}, source="config") is None


@pytest.mark.parametrize("name", ["input_cost_per_token_flex", "cache_creation_input_token_cost_above_1hr"])
def test_prices_of_other_terms_are_left_out(name: str) -> None:
    assert read_rates({name: 1e-6}) == {}
    assert is_cost_field(name)


def test_images_and_requests_are_priced_by_the_piece() -> None:
    price = build_price(
        read_rates(
            {"output_cost_per_image": 0.04, "input_cost_per_image": 1, "input_cost_per_request": 0.005}
        ),
        source="config",
    )

    assert price is not None
    assert (price.per_image, price.per_request) == (40_000_000_000_000, 5_000_000_000_000)


@pytest.mark.parametrize("value", [-1, "-0.1", float("nan"), "inf", True, [], "dear"])
def test_a_price_that_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(CostFieldError) as caught:
        read_rates({"output_cost_per_token": value})

    assert caught.value.field == "output_cost_per_token"


def test_units_that_nobody_measures_are_listed() -> None:
    fields = dict.fromkeys(("input_cost_per_second", "output_cost_per_character", "input_cost_per_token"), 1)

    assert list_unmeasured(fields) == ("input_cost_per_second", "output_cost_per_character")


@pytest.mark.parametrize("name", ["temperature", "costume", "max_tokens"])
def test_members_of_the_body_are_no_prices(name: str) -> None:
    assert not is_cost_field(name)
