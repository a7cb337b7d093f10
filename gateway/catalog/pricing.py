"""What one call costs: exact integer arithmetic in femto-dollars, rounded once."""

from gateway.domain import Charge, Price, PriceTier, Usage
from gateway.money import FEMTOS_PER_NANO, nanos_from_femtos

__all__ = ["UNPRICED", "compute_charge", "find_tier"]

UNPRICED = Charge(is_priced=False)
"""The charge where no price is known."""


def compute_charge(price: Price | None, usage: Usage) -> Charge:
    """The charge for a usage, in nano-dollars.

    The parts of the prompt (cached, cache creation, audio, image) are taken out of its tokens before the rest
    is priced as text; so are those of the answer. Counts that contradict each other are cut to what is left:
    no part is ever negative, and no token is priced twice. The parts add up to the total exactly.
    """
    if price is None:
        return UNPRICED
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    # One comparison of everything: nearly all usages are nothing but text.
    if prompt >= 0 <= completion and usage == Usage(prompt, completion):
        return _charge_text(price, usage)
    prompt = max(0, prompt)
    tier = price.tiers[0] if len(price.tiers) == 1 else find_tier(price.tiers, prompt)
    plain = tier.input or 0
    cached = creation = 0
    femtos_read = femtos_created = femtos_media = 0
    if usage.cached_tokens > 0:
        cached = min(usage.cached_tokens, prompt)
        femtos_read = cached * (plain if tier.cached_input is None else tier.cached_input)
    if usage.cache_creation_tokens > 0:
        creation = min(usage.cache_creation_tokens, prompt - cached)
        femtos_created = creation * (plain if tier.cache_creation is None else tier.cache_creation)
    text = prompt - cached - creation
    if usage.audio_input_tokens > 0 or usage.image_input_tokens > 0:
        text, femtos_media = _media(
            text,
            (usage.audio_input_tokens, plain if tier.audio_input is None else tier.audio_input),
            (usage.image_input_tokens, plain if tier.image_input is None else tier.image_input),
        )
    if usage.reasoning_tokens > 0 or usage.audio_output_tokens > 0 or usage.image_output_tokens > 0:
        femtos_output, femtos_reasoning = _output(tier, usage)
    else:
        femtos_output, femtos_reasoning = max(0, usage.completion_tokens) * (tier.output or 0), 0
    if usage.images > 0:
        femtos_output += usage.images * price.per_image
    return _charge(
        text * plain + femtos_media,
        femtos_output,
        femtos_read,
        femtos_created,
        femtos_reasoning,
        price.per_request,
    )


def _charge_text(price: Price, usage: Usage) -> Charge:
    """What `compute_charge` does, for a usage without any parts: nearly all are, and this costs half."""
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    tier = price.tiers[0] if len(price.tiers) == 1 else find_tier(price.tiers, prompt)
    femtos_input, femtos_output = prompt * (tier.input or 0), completion * (tier.output or 0)
    if price.per_request:
        return _charge(femtos_input, femtos_output, 0, 0, 0, price.per_request)
    total = nanos_from_femtos(femtos_input + femtos_output)
    # What is lost by rounding down goes to the larger part, as in `_charge`.
    if femtos_output > femtos_input:
        part = femtos_input // FEMTOS_PER_NANO
        return Charge(total, part, total - part)
    part = femtos_output // FEMTOS_PER_NANO
    return Charge(total, total - part, part)


def find_tier(tiers: tuple[PriceTier, ...], prompt_tokens: int) -> PriceTier:
    """The last tier that the prompt is long enough for; it prices the whole request."""
    chosen = tiers[0]
    for tier in tiers:
        if prompt_tokens > tier.above_prompt_tokens:
            chosen = tier
    return chosen


def _media(tokens: int, *parts: tuple[int, int]) -> tuple[int, int]:
    """Take parts (tokens, femto-dollars each) out of tokens; the rest, and what the parts cost."""
    femtos = 0
    for count, rate in parts:
        taken = min(max(count, 0), tokens)
        tokens -= taken
        femtos += taken * rate
    return tokens, femtos


def _output(tier: PriceTier, usage: Usage) -> tuple[int, int]:
    """Femto-dollars of the answer without its reasoning, and of its reasoning."""
    tokens = max(0, usage.completion_tokens)
    plain = tier.output or 0
    femtos_reasoning = femtos_media = 0
    if usage.reasoning_tokens > 0:
        reasoning = min(usage.reasoning_tokens, tokens)
        tokens -= reasoning
        femtos_reasoning = reasoning * (plain if tier.reasoning_output is None else tier.reasoning_output)
    if usage.audio_output_tokens > 0 or usage.image_output_tokens > 0:
        tokens, femtos_media = _media(
            tokens,
            (usage.audio_output_tokens, plain if tier.audio_output is None else tier.audio_output),
            (usage.image_output_tokens, plain if tier.image_output is None else tier.image_output),
        )
    return tokens * plain + femtos_media, femtos_reasoning


def _charge(text: int, output: int, read: int, created: int, reasoning: int, request: int) -> Charge:
    """Round the sum once; what the parts lose by rounding down is added to the largest."""
    total = nanos_from_femtos(text + output + read + created + reasoning + request)
    parts = [
        text // FEMTOS_PER_NANO,
        output // FEMTOS_PER_NANO,
        read // FEMTOS_PER_NANO,
        created // FEMTOS_PER_NANO,
        reasoning // FEMTOS_PER_NANO,
        request // FEMTOS_PER_NANO,
    ]
    rest = total - sum(parts)
    if rest:
        femtos = (text, output, read, created, reasoning, request)
        parts[femtos.index(max(femtos))] += rest
    return Charge(
        total=total,
        input=parts[0],
        output=parts[1],
        cache_read=parts[2],
        cache_creation=parts[3],
        reasoning=parts[4],
        per_request=parts[5],
    )
