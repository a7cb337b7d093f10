"""What a request can come to at most, for budgets that may never be exceeded."""

import msgspec

from gateway.catalog.estimate import DEFAULT_OUTPUT_TOKENS, choices_of, wanted_output_tokens
from gateway.catalog.prompt_size import count_prompts, measure_messages
from gateway.domain import Deployment, Endpoint, ModelGroup, Price, PriceTier
from gateway.hooks.body import RequestBody
from gateway.money import FEMTOS_PER_NANO

__all__ = ["Bound", "bound_charge", "bound_tokens"]

_HIDDEN_TOKENS = 64
"""What providers add to a prompt by themselves: roles, separators, the beginning of an answer."""
_HIDDEN_TOKENS_WITH_TOOLS = 1_024
"""The instructions on tools that providers add; Anthropic states up to 804 tokens."""
_WITH_MEDIA = {Endpoint.CHAT: "messages", Endpoint.RESPONSES: "input"}
_TOOLS = frozenset({"tools", "functions"})
_INPUTS = ("input", "cached_input", "cache_creation")
_MEDIA_INPUTS = (*_INPUTS, "audio_input", "image_input")
_OUTPUTS = ("output", "reasoning_output", "audio_output", "image_output")


class Bound(msgspec.Struct, frozen=True):
    """The most nano-dollars, and the bound on each answer that has to be added, None where none has."""

    nanos: int
    added_output_tokens: int | None = None


def bound_charge(endpoint: Endpoint, body: RequestBody, group: ModelGroup, read_again: int = 0) -> Bound:
    """What a request costs at the very most, as long as its provider keeps to what it is asked.

    A byte of the request is at most a token. Images, audio and files are bounded by what the model reads.
    An answer is bounded by the caller, the operator or the model; where none of them does, a bound must be
    added. `read_again` are the tokens of what the provider has stored. Raises MalformedBody.
    """
    text, media = _measure(endpoint, body)
    text += read_again
    answers = choices_of(body, group.deployments)
    if endpoint is Endpoint.COMPLETIONS and "prompt" in body.members:
        answers *= count_prompts(body.members["prompt"])
    nanos, added = 0, None
    for deployment in group.deployments:
        output = 0
        if endpoint is not Endpoint.EMBEDDINGS:
            output = _bound_output(endpoint, body, deployment)
            if output is None:
                output = added = DEFAULT_OUTPUT_TOKENS
        if deployment.price is None:
            continue
        entered = _bound_input(text, media, deployment)
        nanos = max(nanos, _nanos(deployment.price, entered, output * answers, has_media=media > 0))
    return Bound(nanos, added)


def bound_tokens(endpoint: Endpoint, body: RequestBody, deployment: Deployment) -> int:
    """The tokens of a request and of one answer together, at the very most. Raises MalformedBody."""
    text, media = _measure(endpoint, body)
    output = _bound_output(endpoint, body, deployment)
    answered = DEFAULT_OUTPUT_TOKENS if output is None else output
    return _bound_input(text, media, deployment) + answered


def _bound_input(text: int, media: int, deployment: Deployment) -> int:
    return max(text + media, deployment.max_input_tokens or 0) if media else text


def _measure(endpoint: Endpoint, body: RequestBody) -> tuple[int, int]:
    """Bytes of everything that a model may read as text, and tokens of media by their rules."""
    members = body.members
    size = sum(memoryview(raw).nbytes for raw in members.values()) + _HIDDEN_TOKENS
    if not _TOOLS.isdisjoint(members):
        size += _HIDDEN_TOKENS_WITH_TOOLS
    asked = members.get(_WITH_MEDIA.get(endpoint, ""))
    if asked is not None:
        media_bytes, media_tokens = measure_messages(asked)
        return size - media_bytes, media_tokens
    return size, 0


def _bound_output(endpoint: Endpoint, body: RequestBody, deployment: Deployment) -> int | None:
    wanted, most = wanted_output_tokens(endpoint, body, deployment), deployment.max_output_tokens
    if wanted is None or most is None:
        return most if wanted is None else wanted
    return min(wanted, most)


def _nanos(price: Price, entered: int, answered: int, *, has_media: bool) -> int:
    """The dearest way in which so many tokens can be charged."""
    tiers = [tier for tier in price.tiers if tier.above_prompt_tokens <= entered]
    inputs = _MEDIA_INPUTS if has_media else _INPUTS
    femtos_input = max((_dearest(tier, inputs) for tier in tiers), default=0)
    femtos_output = max((_dearest(tier, _OUTPUTS) for tier in tiers), default=0)
    femtos = entered * femtos_input + answered * femtos_output + price.per_request
    return -(-femtos // FEMTOS_PER_NANO)


def _dearest(tier: PriceTier, names: tuple[str, ...]) -> int:
    return max(getattr(tier, name) or 0 for name in names)
