"""Which provider a model name belongs to, by its prefix or, without one, by the family of its name."""

import re
from types import MappingProxyType

from gateway.catalog.providers import PROVIDERS, Provider

__all__ = ["find_family", "find_provider", "list_prefixes"]

_FAMILIES = MappingProxyType(
    {
        "openai": re.compile(
            r"(gpt-|chatgpt-|ft:gpt-|o[134](-|$)|text-embedding-|davinci-|babbage-|computer-use-|codex-)"
        ),
        "text-completion-openai": re.compile(r"(gpt-3\.5-turbo-instruct|davinci-002|babbage-002)"),
        "anthropic": re.compile(r"claude-"),
        "gemini": re.compile(r"gemini-"),
        "cohere": re.compile(r"(command-|embed-(english|multilingual|v4))"),
    }
)
"""How the names of a provider's own models begin; a later match wins."""


def list_prefixes() -> tuple[str, ...]:
    """Every prefix, sorted, for messages."""
    return tuple(sorted(PROVIDERS))


def find_family(model: str) -> Provider | None:
    """The provider whose own models are named so, whatever stands before the last slash; None if unknown."""
    name = model.rpartition("/")[2].lower()
    found = [prefix for prefix, pattern in _FAMILIES.items() if pattern.match(name)]
    return PROVIDERS[found[-1]] if found else None


def find_provider(model: str, chosen: str | None, *, api_base: str | None) -> tuple[Provider, str] | None:
    """Split a configured model into its provider and the provider's name for it.

    `chosen` is `custom_llm_provider` and wins over the name. A name without a known prefix is recognised
    by its family; an unknown one with an address of its own is taken for OpenAI's dialect. None when
    neither helps.
    """
    if chosen is not None:
        provider = PROVIDERS.get(chosen)
        return None if provider is None else _at_home(provider, model.removeprefix(f"{chosen}/"))
    prefix, slash, rest = model.partition("/")
    if slash and rest and prefix in PROVIDERS:
        return _at_home(PROVIDERS[prefix], rest)
    family = None if slash else find_family(model)
    if family is not None:
        return family, model
    if api_base is not None:
        return PROVIDERS["openai"], model
    return None


def _at_home(provider: Provider, name: str) -> tuple[Provider, str]:
    """The provider, and its whole name for the model; a pattern stays one."""
    is_short = provider.home and not {"/", "*"} & set(name)
    return provider, provider.home + name if is_short else name
