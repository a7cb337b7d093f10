"""Prices of one model, in femto-dollars (1e-15 USD) per unit."""

import msgspec

__all__ = ["Price", "PriceTier"]


class PriceTier(msgspec.Struct, frozen=True, kw_only=True):
    """Prices in femto-dollars per token; None means "as the plain price of the same direction"."""

    input: int | None = None
    output: int | None = None
    cached_input: int | None = None
    cache_creation: int | None = None
    audio_input: int | None = None
    image_input: int | None = None
    reasoning_output: int | None = None
    audio_output: int | None = None
    image_output: int | None = None
    above_prompt_tokens: int = 0
    """This tier prices the whole request once its prompt is longer than so many tokens."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs.

    `tiers` are sorted by `above_prompt_tokens`, the plain prices first. `per_request` and `per_image` are
    femto-dollars. `source` says where the price comes from: `config`, `price_file` or `genai-prices`.
    `valid_until_nanos` (nanoseconds since 1970) is when the price has to be looked up again.
    """

    tiers: tuple[PriceTier, ...]
    per_request: int = 0
    per_image: int = 0
    source: str = "config"
    valid_until_nanos: int | None = None

    @property
    def is_free(self) -> bool:
        """Whether nothing that this model does costs anything."""
        return not (self.per_request or self.per_image or any(_costs(tier) for tier in self.tiers))


def _costs(tier: PriceTier) -> bool:
    return any(getattr(tier, name) for name in tier.__struct_fields__ if name != "above_prompt_tokens")
