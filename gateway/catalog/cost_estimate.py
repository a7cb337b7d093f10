"""What a number of requests will cost, in all parts: `/cost/estimate`."""

import msgspec

from gateway.catalog.named_price import NamedPrice
from gateway.catalog.pricing import compute_charge, find_tier
from gateway.domain import Charge, PriceTier, Usage
from gateway.money import usd_from_nanos

__all__ = ["CostQuestion", "build_cost_estimate"]

_FEMTOS_PER_USD = 10**15
_PARTS = ("input", "output", "cache_read", "cache_creation", "reasoning")


class CostQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """One request in tokens, and how many there are.

    Tokens from and to a cache are parts of the input, those of reasoning are a part of the output.
    """

    model: str
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    reasoning_tokens: int = 0
    num_requests_per_day: int | None = None
    num_requests_per_month: int | None = None


def build_cost_estimate(asked: CostQuestion, found: NamedPrice) -> dict[str, object]:
    """Costs in US dollars: of one request, exact to the nano-dollar, and so many times that."""
    usage = Usage(
        prompt_tokens=asked.input_tokens,
        completion_tokens=asked.output_tokens,
        cached_tokens=asked.cache_read_input_tokens,
        cache_creation_tokens=asked.cache_creation_input_tokens,
        reasoning_tokens=asked.reasoning_tokens,
    )
    charge = compute_charge(found.price, usage)
    return {
        **msgspec.structs.asdict(asked),
        "cost_per_request": usd_from_nanos(charge.total),
        "margin_cost_per_request": 0.0,
        **{f"{part}_cost_per_request": usd_from_nanos(getattr(charge, part)) for part in _PARTS},
        **_times("daily", charge, asked.num_requests_per_day),
        **_times("monthly", charge, asked.num_requests_per_month),
        **_rates(found, asked.input_tokens),
        "provider": found.provider,
    }


def _times(name: str, charge: Charge, requests: int | None) -> dict[str, object]:
    amounts = {f"{name}_cost": charge.total, f"{name}_margin_cost": 0}
    amounts |= {f"{name}_{part}_cost": getattr(charge, part) for part in _PARTS}
    return {
        key: None if requests is None else usd_from_nanos(nanos * requests) for key, nanos in amounts.items()
    }


def _rates(found: NamedPrice, input_tokens: int) -> dict[str, object]:
    tier = find_tier(found.price.tiers, input_tokens) if found.price else PriceTier()
    rates = {
        "input_cost_per_token": tier.input,
        "output_cost_per_token": tier.output,
        "cache_read_input_token_cost": tier.cached_input,
        "cache_creation_input_token_cost": tier.cache_creation,
        "output_cost_per_reasoning_token": tier.reasoning_output,
    }
    return {name: None if femtos is None else femtos / _FEMTOS_PER_USD for name, femtos in rates.items()}
