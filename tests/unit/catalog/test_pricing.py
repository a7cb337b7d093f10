from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.catalog.pricing import compute_charge
from gateway.domain import Charge, Price, PriceTier, Usage

_INPUT = ("cached_tokens", "cache_creation_tokens", "audio_input_tokens", "image_input_tokens")
_OUTPUT = ("reasoning_tokens", "audio_output_tokens", "image_output_tokens")
_rates = st.none() | st.integers(0, 10**11)
_tokens = st.integers(0, 10**6)
_hostile = st.integers(-(10**20), 10**20)

tiers = st.builds(
    PriceTier,
    input=_rates,
    output=_rates,
    cached_input=_rates,
    cache_creation=_rates,
    audio_input=_rates,
    image_input=_rates,
    reasoning_output=_rates,
    audio_output=_rates,
    image_output=_rates,
)
prices = st.builds(
    Price,
    tiers=tiers.map(lambda tier: (tier,)),
    per_request=st.integers(0, 10**13),
    per_image=st.integers(0, 10**14),
)


def usages(counts: st.SearchStrategy[int]) -> st.SearchStrategy[Usage]:
    names = ("prompt_tokens", "completion_tokens", *_INPUT, *_OUTPUT, "images")
    return st.builds(Usage, **dict.fromkeys(names, counts))


def parts_of(charge: Charge) -> tuple[int, ...]:
    return (
        charge.input,
        charge.output,
        charge.cache_read,
        charge.cache_creation,
        charge.reasoning,
        charge.per_request,
    )


def exact_usd_e15(price: Price, usage: Usage) -> Fraction:
    """The same sum, told again with a ledger of tokens and without any rounding."""
    tier = price.tiers[0]
    total = Fraction(price.per_request) + max(usage.images, 0) * price.per_image
    prompt_rates = (tier.cached_input, tier.cache_creation, tier.audio_input, tier.image_input)
    answer_rates = (tier.reasoning_output, tier.audio_output, tier.image_output)
    for whole, plain, names, rates in (
        (usage.prompt_tokens, tier.input or 0, _INPUT, prompt_rates),
        (usage.completion_tokens, tier.output or 0, _OUTPUT, answer_rates),
    ):
        left = max(whole, 0)
        for name, rate in zip(names, rates, strict=True):
            taken = min(max(getattr(usage, name), 0), left)
            left -= taken
            total += taken * (plain if rate is None else rate)
        total += left * plain
    return total


@given(prices, usages(_tokens) | usages(_hostile))
def test_the_total_is_the_exact_sum_rounded_once(price: Price, usage: Usage) -> None:
    charge = compute_charge(price, usage)

    assert charge.total == round(exact_usd_e15(price, usage) / 1_000_000)


@given(prices, usages(_tokens) | usages(_hostile))
def test_the_parts_add_up_to_the_total_and_none_is_negative(price: Price, usage: Usage) -> None:
    charge = compute_charge(price, usage)

    assert sum(parts_of(charge)) == charge.total
    assert min(parts_of(charge)) >= 0


@given(prices, usages(_tokens), st.integers(1, 1000))
def test_more_tokens_never_cost_less(price: Price, usage: Usage, more: int) -> None:
    longer = {name: getattr(usage, name) for name in usage.__struct_fields__}
    for name in ("prompt_tokens", "completion_tokens"):
        grown = Usage(**(longer | {name: longer[name] + more}))

        assert compute_charge(price, grown).total >= compute_charge(price, usage).total


@given(st.integers(0, 10**11), st.integers(0, 10**11), _tokens, _tokens)
def test_two_calls_cost_what_they_cost_together_but_for_the_rounding(
    rate_in: int, rate_out: int, prompt: int, completion: int
) -> None:
    price = Price(tiers=(PriceTier(input=rate_in, output=rate_out),))
    apart = (
        compute_charge(price, Usage(prompt_tokens=prompt)).total
        + compute_charge(price, Usage(completion_tokens=completion)).total
    )
    together = compute_charge(price, Usage(prompt_tokens=prompt, completion_tokens=completion)).total

    assert abs(together - apart) <= 1


def test_no_price_is_marked_and_not_free() -> None:
    charge = compute_charge(None, Usage(prompt_tokens=10))

    assert charge == Charge(is_priced=False)


def test_cached_tokens_are_taken_out_of_the_prompt() -> None:
    price = Price(tiers=(PriceTier(input=2_500_000_000, output=10_000_000_000, cached_input=1_250_000_000),))

    charge = compute_charge(price, Usage(prompt_tokens=1000, completion_tokens=500, cached_tokens=200))

    assert charge == Charge(total=7_250_000, input=2_000_000, output=5_000_000, cache_read=250_000)


def test_more_cached_tokens_than_prompt_cannot_make_the_text_negative() -> None:
    price = Price(tiers=(PriceTier(input=2_000_000, cached_input=1_000_000),))

    charge = compute_charge(price, Usage(prompt_tokens=10, cached_tokens=1_000_000))

    assert charge == Charge(total=10, cache_read=10)


@pytest.mark.parametrize(("prompt", "total"), [(200_000, 200_000), (200_001, 400_002)])
def test_a_prompt_above_a_threshold_pays_the_higher_tier_for_all_of_it(prompt: int, total: int) -> None:
    tiers = (PriceTier(input=1_000_000), PriceTier(input=2_000_000, above_prompt_tokens=200_000))

    assert compute_charge(Price(tiers=tiers), Usage(prompt_tokens=prompt)).total == total


@pytest.mark.parametrize(("femtos", "nanos"), [(500_000, 0), (1_500_000, 2), (500_001, 1), (499_999, 0)])
def test_half_a_nano_dollar_is_rounded_to_even(femtos: int, nanos: int) -> None:
    price = Price(tiers=(PriceTier(input=femtos),))

    assert compute_charge(price, Usage(prompt_tokens=1)).total == nanos


def test_requests_and_images_have_prices_of_their_own() -> None:
    price = Price(tiers=(PriceTier(),), per_request=5_000_000_000, per_image=40_000_000_000_000)

    assert compute_charge(price, Usage(images=2)) == Charge(
        total=80_005_000, output=80_000_000, per_request=5_000
    )
