"""What is told of a model: its parameters without secrets, its prices, limits and standing."""

from collections.abc import Mapping

from gateway.catalog.catalog import Catalog
from gateway.catalog.listing import Listing
from gateway.catalog.stored_rows import AUTHOR
from gateway.catalog.unsupported import find_unsupported
from gateway.domain import Deployment, Price, PriceTier
from gateway.inventory.masking import mask_params

__all__ = ["OPENAI_PARAMS", "build_costs", "build_info", "supported_params"]

_FEMTOS_PER_USD = 10**15
_TIER_COSTS: Mapping[str, str] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_creation",
    "input_cost_per_audio_token": "audio_input",
    "output_cost_per_audio_token": "audio_output",
    "output_cost_per_reasoning_token": "reasoning_output",
}
OPENAI_PARAMS = (
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "max_tokens",
    "max_completion_tokens",
    "modalities",
    "prediction",
    "n",
    "presence_penalty",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "temperature",
    "top_p",
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "response_format",
    "user",
    "extra_headers",
    "parallel_tool_calls",
    "audio",
    "web_search_options",
    "reasoning_effort",
    "service_tier",
    "verbosity",
)
"""Parameters of OpenAI's chat completions, in the contract's order."""
_PUBLIC_PARAMS = ("model", "custom_llm_provider", "rpm", "tpm", "weight", "order")
_OPERATORS_INFO = frozenset({AUTHOR, "created_by", "updated_by"})


def build_info(catalog: Catalog, listing: Listing, now_nanos: int, *, shows_all: bool) -> dict[str, object]:
    """One item of `/model/info`. Unless it `shows_all`, addresses and the operator's notes are left out."""
    entry = listing.entry
    params = mask_params(entry.litellm_params) if entry is not None else {}
    info: dict[str, object] = dict(entry.model_info) if entry is not None else {}
    if not shows_all:
        params = {name: params[name] for name in _PUBLIC_PARAMS if name in params}
        info = {name: value for name, value in info.items() if name not in _OPERATORS_INFO}
    info |= {"id": listing.id, "db_model": listing.row is not None, "blocked": listing.is_blocked}
    if listing.row is not None:
        info |= {"created_at": listing.row.created_at, "updated_at": listing.row.updated_at}
        if shows_all:
            info |= {"created_by": listing.row.created_by, "updated_by": listing.row.updated_by}
    if listing.fault and shows_all:
        info["fault"] = listing.fault
    if listing.deployment is not None:
        info |= _describe(listing.deployment, catalog.price_of(listing.deployment, now_nanos))
    name = listing.name if shows_all else listing.public_name
    return {"model_name": name, "litellm_params": params, "model_info": info}


def _describe(deployment: Deployment, price: Price | None) -> dict[str, object]:
    return {
        "key": deployment.model,
        "litellm_provider": deployment.provider,
        "mode": deployment.mode,
        "max_tokens": deployment.max_output_tokens,
        "max_input_tokens": deployment.max_input_tokens,
        "max_output_tokens": deployment.max_output_tokens,
        **build_costs(price),
        "supported_openai_params": supported_params(deployment),
    }


def build_costs(price: Price | None) -> dict[str, float | None]:
    """The prices of a model in US dollars; None for what is not known, and without a price all of them."""
    tiers = price.tiers if price is not None else ()
    plain = tiers[0] if tiers else PriceTier()
    costs: dict[str, float | None] = {name: _usd(plain, unit) for name, unit in _TIER_COSTS.items()}
    for tier in tiers[1:]:
        suffix = f"_above_{tier.above_prompt_tokens // 1000}k_tokens"
        costs |= {
            f"{name}{suffix}": _usd(tier, unit) for name, unit in _TIER_COSTS.items() if _usd(tier, unit)
        }
    return costs


def _usd(tier: PriceTier, unit: str) -> float | None:
    femtos: int | None = getattr(tier, unit)
    return None if femtos is None else femtos / _FEMTOS_PER_USD


def supported_params(deployment: Deployment) -> list[str]:
    """OpenAI's parameters that a deployment can take."""
    lacking = find_unsupported(deployment.provider, deployment.model.rpartition("/")[2])
    lacking |= deployment.dropped_params | deployment.refused_params
    return [name for name in OPENAI_PARAMS if name not in lacking]
