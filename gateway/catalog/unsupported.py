"""What providers, and families of their models, cannot take of OpenAI's parameters."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

__all__ = ["SILENTLY_DROPPED", "UNSUPPORTED", "Family", "ParamRules", "build_param_rules", "find_unsupported"]


class Family(msgspec.Struct, frozen=True):
    """Models of a provider whose names begin with one of `starts`, and with none of `except_starts`."""

    starts: tuple[str, ...]
    lacks: frozenset[str]
    except_starts: tuple[str, ...] = ()

    def has(self, model: str) -> bool:
        """Whether a model is one of them."""
        return model.startswith(self.starts) and not model.startswith(self.except_starts)


SILENTLY_DROPPED = frozenset({"user", "stream_options"})
"""Where they are not supported they are left out without a word, as in LiteLLM: nothing is lost by it."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_LOG_PROBABILITIES = "logprobs top_logprobs"
_PENALTIES = "frequency_penalty presence_penalty"
_MEDIA = "audio modalities prediction"

UNSUPPORTED: Mapping[str, frozenset[str]] = MappingProxyType({
    "anthropic": _names(f"{_PENALTIES} {_LOG_PROBABILITIES} {_MEDIA} logit_bias n seed verbosity"),
    "gemini": _names("logit_bias top_logprobs audio prediction verbosity user"),
    "groq": _names(f"{_LOG_PROBABILITIES} logit_bias"),
    "mistral": _names(
        f"{_LOG_PROBABILITIES} logit_bias seed service_tier audio modalities verbosity "
        "web_search_options user stream_options"),
    "codestral": _names(
        f"{_LOG_PROBABILITIES} logit_bias seed service_tier audio modalities verbosity "
        "web_search_options user stream_options"),
    "perplexity": _names(
        f"{_LOG_PROBABILITIES} {_MEDIA} logit_bias n seed service_tier stop tools tool_choice "
        "parallel_tool_calls verbosity user stream_options"),
    "cerebras": _names(f"{_PENALTIES} logit_bias audio modalities web_search_options"),
    "sambanova": _names(f"{_PENALTIES} {_LOG_PROBABILITIES} {_MEDIA} logit_bias n seed user"),
    "cohere": _names(
        f"{_MEDIA} logit_bias top_logprobs parallel_tool_calls service_tier user stream_options"),
    "cohere_chat": _names(
        f"{_MEDIA} logit_bias top_logprobs parallel_tool_calls service_tier user stream_options"),
    "ai21_chat": _names(f"{_PENALTIES} {_LOG_PROBABILITIES} {_MEDIA} logit_bias user"),
    "xai": _names("audio modalities prediction"),
})  # fmt: skip
"""By the provider's prefix."""

_O_SERIES = Family(
    ("o1", "o3", "o4"),
    _names(f"temperature top_p {_PENALTIES} {_LOG_PROBABILITIES} logit_bias"),
    except_starts=("o1-mini", "o1-preview"),
)
_GPT_5 = Family(
    ("gpt-5",),
    _names(f"temperature top_p {_PENALTIES} {_LOG_PROBABILITIES} {_MEDIA} logit_bias stop"),
    except_starts=("gpt-5-chat", "gpt-5-search", "gpt-5."),
)
_LATER_GPT_5 = Family(
    # They take a temperature as long as they are not asked to reason.
    ("gpt-5.",),
    _names(f"{_PENALTIES} {_MEDIA} logit_bias stop"),
)
_ADA = Family(("text-embedding-ada",), _names("dimensions"))
_OF_OPENAI = (_O_SERIES, _GPT_5, _LATER_GPT_5, _ADA)

_FAMILIES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "openai": _OF_OPENAI,
        "azure": _OF_OPENAI,
        "deepseek": (Family(("deepseek-reasoner",), _names(_LOG_PROBABILITIES)),),
        "xai": (Family(("grok-4", "grok-3-mini", "grok-code"), _names(f"{_PENALTIES} stop")),),
    }
)


def find_unsupported(provider: str, model: str) -> frozenset[str]:
    """The parameters that a model of a provider is known not to take; an unknown one takes everything."""
    found = UNSUPPORTED.get(provider, frozenset[str]())
    for family in _FAMILIES.get(provider, ()):
        if family.has(model):
            found |= family.lacks
    return found


class ParamRules(msgspec.Struct, frozen=True):
    """Parameters that never go to a deployment: left out, or refused when a request has them."""

    dropped: frozenset[str]
    refused: frozenset[str]


def build_param_rules(
    unsupported: frozenset[str], unwanted: frozenset[str], *, does_drop: bool
) -> ParamRules:
    """Sort parameters into the rules of a deployment: what it does not take, and what its operator drops."""
    left_out = unwanted | (unsupported if does_drop else unsupported & SILENTLY_DROPPED)
    return ParamRules(dropped=left_out, refused=unsupported - left_out)
