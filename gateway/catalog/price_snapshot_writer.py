"""Writes `price_snapshot.json` from the installed genai-prices; run it with `python -m`.

Importing genai-prices builds pydantic models of all its providers (23 MB and half a second), too much for a
worker that needs a handful of prices. The snapshot has the same facts and is read one provider at a time.
"""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ConditionalPrice,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

__all__ = ["SNAPSHOT_PATH", "render_snapshot"]

SNAPSHOT_PATH = Path(__file__).with_name("price_snapshot.json")
_FEMTOS_PER_USD_PER_MILLION = 1_000_000_000
_FEMTOS_PER_USD_PER_THOUSAND = 1_000_000_000_000
_UNITS = MappingProxyType(
    {
        "input_mtok": ("input", _FEMTOS_PER_USD_PER_MILLION),
        "output_mtok": ("output", _FEMTOS_PER_USD_PER_MILLION),
        "cache_read_mtok": ("cached_input", _FEMTOS_PER_USD_PER_MILLION),
        "cache_write_mtok": ("cache_creation", _FEMTOS_PER_USD_PER_MILLION),
        "input_audio_mtok": ("audio_input", _FEMTOS_PER_USD_PER_MILLION),
        "output_audio_mtok": ("audio_output", _FEMTOS_PER_USD_PER_MILLION),
        "input_image_mtok": ("image_input", _FEMTOS_PER_USD_PER_MILLION),
        "output_image_mtok": ("image_output", _FEMTOS_PER_USD_PER_MILLION),
        "output_reasoning_mtok": ("reasoning_output", _FEMTOS_PER_USD_PER_MILLION),
        "requests_kcount": ("per_request", _FEMTOS_PER_USD_PER_THOUSAND),
    }
)


def render_snapshot() -> str:
    """The snapshot as JSON text, one provider per line."""
    providers = sorted(get_snapshot().providers, key=lambda provider: provider.id)
    lines = [f"{json.dumps(provider.id)}: {_dump(_provider(provider))}" for provider in providers]
    body = ",\n".join(lines)
    return f'{{"version": {json.dumps(version("genai-prices"))}, "providers": {{\n{body}\n}}}}\n'


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _provider(provider: Provider) -> dict[str, object]:
    return {
        "fallback": provider.fallback_model_providers or [],
        "models": [_model(model) for model in provider.models],
    }


def _model(model: ModelInfo) -> dict[str, object]:
    members: dict[str, object] = {"match": _match(model.match), "prices": _prices(model)}
    if model.context_window:
        members["context"] = model.context_window
    return members


def _match(clause: MatchLogic) -> dict[str, object]:  # noqa: PLR0911  one line per kind of condition
    if isinstance(clause, ClauseOr):
        return {"any": [_match(part) for part in clause.or_]}
    if isinstance(clause, ClauseAnd):
        return {"all": [_match(part) for part in clause.and_]}
    if isinstance(clause, ClauseEquals):
        return {"equals": clause.equals.lower()}
    if isinstance(clause, ClauseRegex):
        return {"regex": clause.regex}
    if isinstance(clause, ClauseContains):
        return {"contains": clause.contains}
    if isinstance(clause, ClauseEndsWith):
        return {"ends": clause.ends_with}
    return {"starts": clause.starts_with}


def _prices(model: ModelInfo) -> list[dict[str, object]]:
    if isinstance(model.prices, ModelPrice):
        return [{"rates": _rates(model.prices)}]
    return [_conditional(price) for price in model.prices]


def _conditional(price: ConditionalPrice) -> dict[str, object]:
    members: dict[str, object] = {"rates": _rates(price.prices)}
    if isinstance(price.constraint, StartDateConstraint):
        members["starts_at"] = _seconds_of_date(price.constraint.start_date)
    if isinstance(price.constraint, TimeOfDateConstraint):
        members["daily"] = [
            _seconds_of_day(price.constraint.start_time),
            _seconds_of_day(price.constraint.end_time),
        ]
    return members


def _seconds_of_date(day: date) -> int:
    """Seconds since 1970 of the day's begin in UTC."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def _seconds_of_day(moment: time) -> int:
    """Seconds since midnight UTC; a time without a zone is UTC, as in genai-prices."""
    aware = datetime.combine(date(1970, 1, 2), moment, moment.tzinfo or UTC)
    return int(aware.timestamp()) % 86_400


def _rates(price: ModelPrice) -> dict[str, list[list[int]]]:
    stated: dict[str, object] = dict(vars(price))
    rates: dict[str, list[list[int]]] = {}
    for key, (unit, factor) in _UNITS.items():
        value = stated.get(key)
        if isinstance(value, TieredPrices):
            pairs = [(0, value.base), *((tier.start, tier.price) for tier in value.tiers)]
            rates[unit] = [[above, _femtos(usd, factor)] for above, usd in pairs]
        elif isinstance(value, Decimal):
            rates[unit] = [[0, _femtos(value, factor)]]
    return rates


def _femtos(usd: Decimal, factor: int) -> int:
    return int((usd * factor).to_integral_value())


if __name__ == "__main__":
    SNAPSHOT_PATH.write_text(render_snapshot(), encoding="utf-8")
