"""What a request is likely to use at most, before it is sent: the size of its hold."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.catalog.pricing import find_tier
from gateway.catalog.prompt_size import count_messages_tokens, count_prompts, count_text_tokens
from gateway.domain import Deployment, Endpoint, ModelGroup, Price
from gateway.errors import MalformedBody
from gateway.hooks.body import RequestBody
from gateway.money import FEMTOS_PER_NANO

__all__ = [
    "DEFAULT_OUTPUT_TOKENS",
    "Estimate",
    "choices_of",
    "estimate_charge",
    "estimate_output_tokens",
    "estimate_prompt_tokens",
    "wanted_output_tokens",
]

DEFAULT_OUTPUT_TOKENS = 1_024
"""What an answer is expected to take where neither the caller nor the operator says anything."""
_MAXIMUM_OUTPUT_TOKENS = 131_072
"""For models whose maximum nobody states."""
_MAXIMUM_CHOICES = 128
"""The most answers that OpenAI lets one request ask for (`n`)."""
# Every request asks for these, and a member of an enum takes six times as long to find as a constant.
_CHAT, _COMPLETIONS, _EMBEDDINGS = Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.EMBEDDINGS
_RESPONSES = Endpoint.RESPONSES
_BYTES_PER_TOKEN = 3
_LIMITS = ("max_completion_tokens", "max_tokens")
_RESPONSE_LIMITS = ("max_output_tokens",)
_CHOICES = ("n", "best_of")
_OUTPUT_MEMBERS = frozenset(_LIMITS + _RESPONSE_LIMITS + _CHOICES)
_EXTRAS = frozenset({"tools", "functions", "response_format", "suffix", "instructions", "text"})
_decode = msgspec.json.Decoder().decode


class Estimate(msgspec.Struct, frozen=True, gc=False):
    """What a request may come to: nano-dollars, tokens of its prompt and of its answers.

    `input_nanos` is what its prompt alone comes to.
    """

    nanos: int
    input_tokens: int
    output_tokens: int
    input_nanos: int = 0

    @property
    def tokens(self) -> int:
        """Prompt and answers together."""
        return self.input_tokens + self.output_tokens


def estimate_prompt_tokens(endpoint: Endpoint, body: RequestBody) -> int:
    """Tokens of the prompt, from the bytes of its encoded members.

    Text counts a token per three bytes of JSON (quotes and names included) and eight per message; tools and
    schemas count as text; images, audio and files have fixed rules. Raises MalformedBody when a member is no
    JSON.
    """
    members = body.members
    tokens = 0
    if endpoint is _CHAT:
        if (messages := members.get("messages")) is not None:
            tokens = count_messages_tokens(messages)
    elif endpoint is _RESPONSES:
        if (items := members.get("input")) is not None:
            tokens = count_messages_tokens(items)
    elif (text := members.get("prompt" if endpoint is _COMPLETIONS else "input")) is not None:
        tokens = count_text_tokens(text)
    if not _EXTRAS.isdisjoint(members):
        for name in _EXTRAS.intersection(members):
            tokens += memoryview(members[name]).nbytes // _BYTES_PER_TOKEN
    return tokens


def estimate_output_tokens(
    endpoint: Endpoint, body: RequestBody, deployment: Deployment, default: int
) -> int:
    """Tokens of all answers together: what the caller or the operator allows, else `default`, times `n`.

    Never more than the model's maximum per answer. Raises MalformedBody for a limit that is no number of
    tokens.
    """
    members = body.members
    # `defaults_of` spelled out.
    defaults = deployment.response_defaults if endpoint is _RESPONSES else deployment.defaults
    limit = deployment.max_output_tokens or deployment.max_input_tokens or _MAXIMUM_OUTPUT_TOKENS
    if _OUTPUT_MEMBERS.isdisjoint(members) and (not defaults or _OUTPUT_MEMBERS.isdisjoint(defaults)):
        # Most requests say nothing about it.
        return default if default < limit else limit  # noqa: FURB136  a call of `min` costs as much as all this
    wanted = wanted_output_tokens(endpoint, body, deployment)
    return min(default if wanted is None else wanted, limit) * choices_of(body, (deployment,))


def wanted_output_tokens(endpoint: Endpoint, body: RequestBody, deployment: Deployment) -> int | None:
    """The tokens that the caller, or else the operator, allows an answer; raises MalformedBody."""
    defaults = deployment.defaults_of(endpoint)
    for name in _RESPONSE_LIMITS if endpoint is _RESPONSES else _LIMITS:
        is_sent = name not in deployment.dropped_params
        if is_sent and (name in body.members or name in defaults):
            wanted = _count(body, defaults, name)
            if wanted is not None:
                return wanted
    return None


def choices_of(body: RequestBody, deployments: Sequence[Deployment]) -> int:
    """How many answers the caller, or else the operator, asks for; raises MalformedBody."""
    choices = 1
    for deployment in deployments:
        for name in _CHOICES:
            if name in body.members or name in deployment.defaults:
                choices = max(choices, _count(body, deployment.defaults, name) or 1)
    return min(choices, _MAXIMUM_CHOICES)


def estimate_charge(
    endpoint: Endpoint, body: RequestBody, group: ModelGroup, expected_output_tokens: int, read_again: int = 0
) -> Estimate:
    """What a request may come to, where an answer is expected to have so many tokens unless it is bounded.

    `read_again` are the tokens of what the provider has stored, and reads before the prompt. The cost is that
    of the dearest deployment of the group, which need not be the one that answers. Raises MalformedBody.
    """
    prompt = estimate_prompt_tokens(endpoint, body) + read_again
    prompts = 1
    if endpoint is _COMPLETIONS and "prompt" in body.members:
        prompts = count_prompts(body.members["prompt"])
    nanos = entered = output = input_nanos = 0
    for deployment in group.deployments:
        answered = 0
        if endpoint is not _EMBEDDINGS:
            answered = estimate_output_tokens(endpoint, body, deployment, expected_output_tokens) * prompts
        most = deployment.max_input_tokens
        read = most if most and most < prompt else prompt
        if deployment.price is not None:
            costs = _nanos(deployment.price, read, answered)
            if costs[0] > nanos:
                nanos, input_nanos = costs
        # Two calls of `max` would cost as much as the price.
        if read > entered:  # noqa: PLR1730
            entered = read
        if answered > output:  # noqa: PLR1730
            output = answered
    return Estimate(nanos, entered, output, input_nanos)


def _nanos(price: Price, prompt: int, output: int) -> tuple[int, int]:
    """The price of so many tokens of text, and its part for the prompt, rounded up.

    Nothing is known of what will be cached.
    """
    tiers = price.tiers
    tier = tiers[0] if len(tiers) == 1 else find_tier(tiers, prompt)
    per_output = tier.output or 0
    if tier.reasoning_output is not None and tier.reasoning_output > per_output:
        per_output = tier.reasoning_output
    femtos = prompt * (tier.input or 0) + price.per_request
    return -(-(femtos + output * per_output) // FEMTOS_PER_NANO), -(-femtos // FEMTOS_PER_NANO)


def _count(body: RequestBody, defaults: Mapping[str, msgspec.Raw], name: str) -> int | None:
    """A whole number of at least 0 that the caller or else the operator set; the caller's null is none."""
    if name in body.members:
        return _whole(_read(body, name), name)
    return _whole(_decode(defaults[name]), name)


def _whole(value: object, name: str) -> int | None:
    """The value as a whole number; a fraction of zero is fine, as other JSON writers send it."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 and value == int(value):
        return int(value)
    raise MalformedBody(f"`{name}` must be a whole number of at least 0.", param=name)


def _read(body: RequestBody, name: str) -> object:
    try:
        return body.read(name)
    except msgspec.DecodeError as error:
        raise MalformedBody(f"`{name}` is not valid JSON: {error}.", param=name) from None
    except RecursionError:
        raise MalformedBody(f"`{name}` is nested too deeply.", param=name) from None
