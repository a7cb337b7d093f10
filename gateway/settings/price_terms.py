"""What an operator takes off the prices of providers, and what it puts on them."""

import msgspec

from gateway.settings.budgets import read_usd
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import read_mapping, read_number, read_values

__all__ = ["ALL_PROVIDERS", "MILLION", "Margin", "read_discounts", "read_margins"]

MILLION = 1_000_000
ALL_PROVIDERS = "global"
"""The name under which the margin of all other providers stands."""
_MOST_MARGIN = 100.0


class Margin(msgspec.Struct, frozen=True):
    """What is put on a price: parts per million of it, and nano-dollars per request."""

    millionths: int = 0
    request_nanos: int = 0


def read_discounts(node: Node) -> dict[str, int]:
    """Parts per million that are taken off, by provider: `{openai: 0.05}`. Raises ConfigError."""
    return read_values(read_mapping(node), lambda child: _millionths(child, 1.0))


def read_margins(node: Node) -> dict[str, Margin]:
    """Margins by provider, `global` for all others. Raises ConfigError.

    One is a share (`0.1`), or has a `percentage` (a share, too), a `fixed_amount` (USD per request), or both.
    """
    return read_values(read_mapping(node), _read_margin)


def _read_margin(node: Node) -> Margin:
    if not isinstance(node.value, dict):
        return Margin(_millionths(node, _MOST_MARGIN))
    share, fixed = node.member("percentage"), node.member("fixed_amount")
    unknown = next((name for name in node.value if name not in {"percentage", "fixed_amount"}), None)
    if unknown is not None:
        raise config_error(
            node, f"A margin has no '{unknown[:100]}'.", allowed=("percentage", "fixed_amount")
        )
    return Margin(
        0 if share is None or share.value is None else _millionths(share, _MOST_MARGIN),
        0 if fixed is None or fixed.value is None else read_usd(fixed),
    )


def _millionths(node: Node, most: float) -> int:
    share = read_number(node)
    if share > most:
        message = f"Expected a share from 0 to {most:g} (0.05 is 5 percent), found {describe(node)}."
        raise config_error(node, message)
    return round(share * MILLION)
