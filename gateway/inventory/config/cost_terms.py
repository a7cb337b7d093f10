"""The bodies of changing discounts and margins, and how these are shown."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.catalog.providers import MOCK, PROVIDERS
from gateway.settings.price_terms import ALL_PROVIDERS, MILLION, Margin

__all__ = [
    "DISCOUNTS",
    "MARGINS",
    "DiscountRequest",
    "MarginRequest",
    "show_discounts",
    "show_margins",
    "stated",
]

DISCOUNTS, MARGINS = "cost_discount_config", "cost_margin_config"
"""The members of `litellm_settings`."""

_NANOS_PER_USD = 1_000_000_000
_NAMES = {name.replace("-", "_").replace(".", "_"): name for name in PROVIDERS if name != MOCK}


class MarginMember(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A margin of two parts: a share of the price, and USD per request."""

    percentage: float | None = None
    fixed_amount: float | None = None


def _body(name: str, kind: Any, more: tuple[str, ...]) -> type[msgspec.Struct]:
    """A body with a member for each provider of the table."""
    fields = [(field, kind | None, None) for field in (*sorted(_NAMES), *more)]
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, rename=_NAMES)


DiscountRequest = _body("DiscountRequest", float, ())
"""`PATCH /config/cost_discount_config`: all discounts from now on, by provider."""
MarginRequest = _body("MarginRequest", float | MarginMember, (ALL_PROVIDERS,))
"""`PATCH /config/cost_margin_config`: all margins from now on, by provider or `global`."""


def stated(request: msgspec.Struct) -> dict[str, object]:
    """What a body says, by provider; null says nothing."""
    members: dict[str, object] = msgspec.to_builtins(request)
    return {name: value for name, value in members.items() if value is not None}


def show_discounts(discounts: Mapping[str, int]) -> dict[str, object]:
    """Discounts as they are written: shares."""
    return {name: millionths / MILLION for name, millionths in discounts.items()}


def show_margins(margins: Mapping[str, Margin]) -> dict[str, object]:
    """Margins as they are written: a share, or an object where there is an amount per request."""
    return {name: _show_margin(margin) for name, margin in margins.items()}


def _show_margin(margin: Margin) -> object:
    share = margin.millionths / MILLION
    if not margin.request_nanos:
        return share
    return {"percentage": share, "fixed_amount": margin.request_nanos / _NANOS_PER_USD}
