"""Reads the bundled prices, one provider at a time, by the matching rules of genai-prices."""

import re
from datetime import date
from importlib.resources import files

import msgspec

from gateway.catalog.rates import Rates

__all__ = ["PriceSnapshot", "SnapshotPrice"]

_NANOS = 1_000_000_000
_DAY_SECONDS = 86_400
_COMPACT_DATE = re.compile(r"^(.+-)(20\d{2})(\d{2})(\d{2})$")


class _Match(msgspec.Struct, frozen=True):
    """One condition on a lower-case model name; exactly one member is set."""

    any: tuple["_Match", ...] | None = None
    all: tuple["_Match", ...] | None = None
    equals: str | None = None
    starts: str | None = None
    ends: str | None = None
    contains: str | None = None
    regex: str | None = None

    def matches(self, name: str) -> bool:  # noqa: PLR0911  one line per kind of condition
        if self.equals is not None:
            return name == self.equals
        if self.starts is not None:
            return name.startswith(self.starts)
        if self.contains is not None:
            return self.contains in name
        if self.ends is not None:
            return name.endswith(self.ends)
        if self.regex is not None:
            return re.search(self.regex, name) is not None
        if self.any is not None:
            return any(part.matches(name) for part in self.any)
        return self.all is not None and all(part.matches(name) for part in self.all)


class _Conditional(msgspec.Struct, frozen=True):
    """Rates, and when they hold: from a moment on, or within a daily interval; both in UTC seconds."""

    rates: dict[str, tuple[tuple[int, int], ...]]
    starts_at: int | None = None
    daily: tuple[int, int] | None = None

    def holds(self, second: int) -> bool:
        if self.starts_at is not None:
            return second >= self.starts_at
        if self.daily is None:
            return True
        begin, end = self.daily
        moment = second % _DAY_SECONDS
        return begin <= moment < end if begin <= end else moment >= begin or moment < end

    def boundaries(self, second: int) -> tuple[int, ...]:
        """The next moments at which `holds` may change."""
        if self.starts_at is not None:
            return (self.starts_at,) if self.starts_at > second else ()
        midnight = second - second % _DAY_SECONDS
        return tuple(
            midnight + edge + (_DAY_SECONDS if midnight + edge <= second else 0) for edge in self.daily or ()
        )


class _Model(msgspec.Struct, frozen=True):
    match: _Match
    prices: tuple[_Conditional, ...] = ()
    context: int | None = None


class _Provider(msgspec.Struct, frozen=True):
    fallback: tuple[str, ...]
    models: tuple[_Model, ...]

    def find(self, name: str) -> _Model | None:
        return next((model for model in self.models if model.match.matches(name)), None)


class _File(msgspec.Struct, frozen=True):
    version: str
    providers: dict[str, msgspec.Raw]


class SnapshotPrice(msgspec.Struct, frozen=True):
    """What the snapshot knows of a model at one moment; `context_tokens` is its longest input."""

    rates: Rates
    context_tokens: int | None
    valid_until_nanos: int | None


class PriceSnapshot:
    """The prices of one release of genai-prices; `version` is that release."""

    def __init__(self) -> None:
        data = files("gateway.catalog").joinpath("price_snapshot.json").read_bytes()
        content = msgspec.json.decode(data, type=_File)
        self.version = content.version
        self._encoded = content.providers
        self._providers: dict[str, _Provider] = {}

    def find(self, source: str, model: str, now_nanos: int) -> SnapshotPrice | None:
        """The price of a provider's model at a moment (nanoseconds since 1970); None if unknown.

        `source` is the provider's name in genai-prices.
        """
        found = self._find_model(source, model.lower())
        if found is None or not found.prices:
            return None
        second = now_nanos // _NANOS
        held = [price for price in found.prices if price.holds(second)]
        chosen = held[-1] if held else found.prices[0]
        edges = [edge for price in found.prices for edge in price.boundaries(second)]
        return SnapshotPrice(chosen.rates, found.context, min(edges) * _NANOS if edges else None)

    def count_models(self) -> int:
        """How many models there are, of all providers; nothing of it is kept."""
        decode = msgspec.json.Decoder(_Provider).decode
        return sum(len(decode(encoded).models) for encoded in self._encoded.values())

    def _find_model(self, source: str, name: str) -> _Model | None:
        provider = self._provider(source)
        if provider is None:
            return None
        for spelling in dict.fromkeys((name, _with_dashed_date(name))):
            for candidate in (source, *provider.fallback):
                sold_by = self._provider(candidate)
                model = sold_by.find(spelling) if sold_by is not None else None
                if model is not None:
                    return model
        return None

    def _provider(self, source: str) -> _Provider | None:
        if source not in self._providers and source in self._encoded:
            self._providers[source] = msgspec.json.decode(self._encoded[source], type=_Provider)
        return self._providers.get(source)


def _with_dashed_date(name: str) -> str:
    """`gpt-5.2-20251211` as `gpt-5.2-2025-12-11`, for a date that exists."""
    match = _COMPACT_DATE.match(name)
    if match is None:
        return name
    stem, year, month, day = match.groups()
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return name
    return f"{stem}{year}-{month}-{day}"
