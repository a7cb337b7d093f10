"""What is told of a model's name: everything that its deployments have, taken together."""

from collections.abc import Iterable, Sequence

from gateway.catalog.catalog import Catalog
from gateway.catalog.listing import Listing
from gateway.domain import Deployment
from gateway.identity.stored_values import read_texts
from gateway.inventory.model_info import build_costs, supported_params

__all__ = ["build_groups"]

_CAPABILITIES = (
    "supports_parallel_function_calling",
    "supports_vision",
    "supports_web_search",
    "supports_url_context",
    "supports_reasoning",
    "supports_function_calling",
    "supports_fast_mode",
)


def build_groups(
    catalog: Catalog, listings: Iterable[Listing], now_nanos: int, public: frozenset[str]
) -> list[dict[str, object]]:
    """One entry per public name, in the order of the names.

    Prices are the dearest, limits the largest of the deployments, rates their sum; a capability is there when
    one has it. `public` are the names that everybody may see.
    """
    grouped: dict[str, list[Deployment]] = {}
    for one in listings:
        if one.deployment is not None:
            grouped.setdefault(one.public_name, []).append(one.deployment)
    return [_group(catalog, name, grouped[name], now_nanos, public) for name in sorted(grouped)]


def _group(
    catalog: Catalog, name: str, deployments: Sequence[Deployment], now_nanos: int, public: frozenset[str]
) -> dict[str, object]:
    costs = [build_costs(catalog.price_of(one, now_nanos)) for one in deployments]
    choices = [one.client_params for one in deployments if one.client_params is not None]
    chosen = {
        "api_key": any(one.api_key for one in choices),
        "api_base": any(one.api_base for one in choices),
    }
    supported = {param: None for one in deployments for param in supported_params(one)}
    return {
        "model_group": name,
        "providers": sorted({one.provider for one in deployments}),
        "max_input_tokens": _largest(one.max_input_tokens for one in deployments),
        "max_output_tokens": _largest(one.max_output_tokens for one in deployments),
        "input_cost_per_token": _largest(cost["input_cost_per_token"] for cost in costs),
        "output_cost_per_token": _largest(cost["output_cost_per_token"] for cost in costs),
        "input_cost_per_pixel": None,
        "mode": deployments[0].mode,
        "tpm": _sum(one.tpm for one in deployments),
        "rpm": _sum(one.rpm for one in deployments),
        # Rates of deployments count prompts and answers together (`settings/known/deployment.py`).
        "itpm": None,
        "otpm": None,
        **{name: any(one.model_info.get(name) is True for one in deployments) for name in _CAPABILITIES},
        "supported_reasoning_efforts": _efforts(deployments),
        "supported_openai_params": list(supported),
        "configurable_clientside_auth_params": [param for param, is_left in chosen.items() if is_left]
        or None,
        "is_public_model_group": name in public,
        "health_status": None,
        "health_response_time": None,
        "health_checked_at": None,
    }


def _largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _efforts(deployments: Iterable[Deployment]) -> list[str] | None:
    """What the deployments' `model_info` says of it, taken together; None where nobody says anything."""
    said = [read_texts(one.model_info.get("supported_reasoning_efforts")) or () for one in deployments]
    return list(dict.fromkeys(effort for efforts in said for effort in efforts)) or None
