"""Reads LiteLLM's cost fields (USD per unit), as configurations and price files have them."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.catalog.rates import PER_IMAGE, PER_REQUEST, Rates
from gateway.money import femtos_from_usd

__all__ = ["CostFieldError", "is_cost_field", "list_unmeasured", "read_rates"]

_UNITS = MappingProxyType(
    {
        "input_cost_per_token": "input",
        "output_cost_per_token": "output",
        "cache_read_input_token_cost": "cached_input",
        "input_cost_per_token_cache_hit": "cached_input",
        "cache_creation_input_token_cost": "cache_creation",
        "input_cost_per_audio_token": "audio_input",
        "output_cost_per_audio_token": "audio_output",
        "input_cost_per_image_token": "image_input",
        "output_cost_per_image_token": "image_output",
        "output_cost_per_reasoning_token": "reasoning_output",
        "input_cost_per_request": PER_REQUEST,
        "input_cost_per_query": PER_REQUEST,
        "input_cost_per_image": PER_IMAGE,
        "output_cost_per_image": PER_IMAGE,
    }
)
_TIER = re.compile(r"^(?P<field>.+)_above_(?P<thousands>\d+)k_tokens$")
_UNMEASURED = re.compile(
    r"^(input|output)_cost_per_(second|character|video_per_second|audio_per_second|pixel)$"
)
_COST = re.compile(r"(^|_)cost(_|$)")


class CostFieldError(ValueError):
    """A cost that is no finite number of at least 0; `field` names it."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} must be a finite number of USD, at least 0.")
        self.field = field


def is_cost_field(name: str) -> bool:
    """Whether a member states a price and so is none of the provider's body."""
    return _COST.search(name) is not None


def list_unmeasured(fields: Mapping[str, object]) -> tuple[str, ...]:
    """The cost fields in units that the gateway does not measure (seconds, characters, pixels)."""
    return tuple(sorted(name for name in fields if _UNMEASURED.match(name)))


def read_rates(fields: Mapping[str, object]) -> Rates:
    """Collect the rates that these members state; raises CostFieldError.

    Of two fields with one meaning the later of the table counts. Service tiers (`_flex`, `_priority`,
    `_batches`) and the one-hour cache price are left out: the gateway's usage does not tell them apart.
    """
    found: dict[str, dict[int, int]] = {}
    for name in sorted(fields, key=_rank):
        field, above = _split(name)
        unit, value = _UNITS.get(field), fields[name]
        if unit is not None and value is not None:
            found.setdefault(unit, {})[above] = _femtos(name, value)
    return {unit: tuple(sorted(rates.items())) for unit, rates in found.items()}


def _split(name: str) -> tuple[str, int]:
    tier = _TIER.match(name)
    return (tier["field"], int(tier["thousands"]) * 1000) if tier else (name, 0)


def _rank(name: str) -> int:
    field, _ = _split(name)
    return list(_UNITS).index(field) if field in _UNITS else -1


def _femtos(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise CostFieldError(name)
    try:
        femtos = femtos_from_usd(value)
    except ValueError:
        raise CostFieldError(name) from None
    if femtos < 0:
        raise CostFieldError(name)
    return femtos
