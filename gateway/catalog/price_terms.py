"""Prices with the operator's discounts and margins."""

from fractions import Fraction

import msgspec

from gateway.domain import Price, PriceTier
from gateway.money import FEMTOS_PER_NANO
from gateway.settings import LitellmSettings
from gateway.settings.price_terms import ALL_PROVIDERS, MILLION, Margin

__all__ = ["NO_TERMS", "PriceTerms", "build_terms"]

_NO_MARGIN = Margin()


class PriceTerms(msgspec.Struct, frozen=True):
    """Discounts (parts per million) and margins, by the prefixes of providers."""

    discounts: dict[str, int]
    margins: dict[str, Margin]

    def apply(self, price: Price, provider: str) -> Price:
        """The price with the provider's discount, then with its margin or that of all providers.

        Every rate is rounded once, half to even, to a whole femto-dollar.
        """
        discount = self.discounts.get(provider, 0)
        margin = self.margins.get(provider) or self.margins.get(ALL_PROVIDERS) or _NO_MARGIN
        if not discount and margin == _NO_MARGIN:
            return price
        factor = Fraction(MILLION - discount, MILLION) * Fraction(MILLION + margin.millionths, MILLION)
        return msgspec.structs.replace(
            price,
            tiers=tuple(_scaled(tier, factor) for tier in price.tiers),
            per_request=round(price.per_request * factor) + margin.request_nanos * FEMTOS_PER_NANO,
            per_image=round(price.per_image * factor),
        )


NO_TERMS = PriceTerms({}, {})


def build_terms(settings: LitellmSettings) -> PriceTerms:
    """The terms of the settings."""
    return PriceTerms(settings.cost_discounts, settings.cost_margins)


def _scaled(tier: PriceTier, factor: Fraction) -> PriceTier:
    rates = {name: getattr(tier, name) for name in tier.__struct_fields__ if name != "above_prompt_tokens"}
    changed = {name: round(rate * factor) for name, rate in rates.items() if rate is not None}
    return msgspec.structs.replace(tier, **changed)
