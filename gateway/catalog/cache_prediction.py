"""What a prompt costs where it is in the provider's cache, and where the cache has to be built anew."""

import msgspec

from gateway.catalog.pricing import compute_charge
from gateway.domain import Deployment, Price, Usage
from gateway.money import usd_from_nanos

__all__ = ["PricedPlace", "predict_cache"]


class PricedPlace(msgspec.Struct, frozen=True):
    """A deployment with its price."""

    deployment: Deployment
    price: Price


def predict_cache(current: PricedPlace, candidate: PricedPlace, prompt_tokens: int) -> dict[str, object]:
    """The cost in USD of the prompt of one request at both places; nothing promises that caches hold.

    Where one stays the whole prompt is read from the cache; where one switches to it is written.
    """
    stays = Usage(prompt_tokens=prompt_tokens, cached_tokens=prompt_tokens)
    builds = Usage(prompt_tokens=prompt_tokens, cache_creation_tokens=prompt_tokens)
    stay = compute_charge(current.price, stays).total
    switch = compute_charge(candidate.price, builds).total
    warm = compute_charge(candidate.price, stays).total
    return {
        "stay": _show(current, prompt_tokens, "cache_read", stay),
        "switch": _show(candidate, prompt_tokens, "cache_creation", switch),
        "switch_delta": usd_from_nanos(switch - stay),
        "cache_rebuild_penalty": usd_from_nanos(switch - warm),
        "pricing_basis": "estimated_prompt_tokens",
        "cache_guarantee": False,
    }


def _show(place: PricedPlace, tokens: int, state: str, nanos: int) -> dict[str, object]:
    return {
        "deployment_id": place.deployment.id,
        "model_group": place.deployment.group,
        "input_tokens": tokens,
        "cache_state": state,
        "cost": usd_from_nanos(nanos),
    }
