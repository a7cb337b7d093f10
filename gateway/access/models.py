"""Which model names a list of models covers: names, patterns, access groups and the special entries."""

from collections.abc import Callable, Container, Iterable

import msgspec

from gateway.cache.memo import Memo
from gateway.identity.special_models import NO_DEFAULT_MODELS, UNRESTRICTED

__all__ = [
    "ModelLists",
    "ModelNames",
    "is_pattern",
    "pattern_covers",
]


def _no_groups(_model: str) -> Container[str]:
    return ()


def _no_providers(_model: str) -> Iterable[str]:
    return ()


class ModelNames(msgspec.Struct, frozen=True):
    """What the catalog knows about a model name.

    `groups_of` gives the access groups (`model_info.access_groups`) of its deployments. `providers_of` gives
    the providers that a bare name may belong to, so that `openai/*` covers `gpt-4o`.
    """

    groups_of: Callable[[str], Container[str]] = _no_groups
    providers_of: Callable[[str], Iterable[str]] = _no_providers


def is_pattern(entry: str) -> bool:
    """Whether an entry of a model list stands for many names."""
    return "*" in entry


def pattern_covers(pattern: str, model: str) -> bool:
    """Whether a pattern with `*` for any characters covers a whole name.

    Searching part by part takes time proportional to both lengths: patterns come from tenants, and a regular
    expression could be made to run for years.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == model
    if not model.startswith(first):
        return False
    position = len(first)
    *middle, last = rest
    for part in middle:
        found = model.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(model) - position >= len(last) and model.endswith(last)


class ModelLists:
    """Answers whether a list of models covers a name; a bounded number of lists is remembered.

    An empty list covers everything, `*` and `all-proxy-models` too. `no-default-models` covers nothing.
    `all-team-models` must have been resolved before: here it is an ordinary name.
    """

    def __init__(self, names: ModelNames | None = None) -> None:
        self._names = names or ModelNames()
        self._patterns_of = Memo(_patterns_of)

    def covers(self, models: frozenset[str], model: str) -> bool:
        """Whether a name may be used under a list."""
        if not models or model in models:
            return NO_DEFAULT_MODELS not in models
        if NO_DEFAULT_MODELS in models:
            return False
        if not models.isdisjoint(UNRESTRICTED):
            return True
        return self._matches_pattern(self._patterns_of(models), model) or self._is_in_group(models, model)

    def _matches_pattern(self, patterns: tuple[str, ...], model: str) -> bool:
        if any(pattern_covers(pattern, model) for pattern in patterns):
            return True
        if not patterns or "/" in model:
            return False
        names = [f"{provider}/{model}" for provider in self._names.providers_of(model)]
        return any(pattern_covers(pattern, name) for pattern in patterns for name in names)

    def _is_in_group(self, models: frozenset[str], model: str) -> bool:
        groups = self._names.groups_of(model)
        return any(name in groups for name in models)


def _patterns_of(models: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(entry for entry in models if is_pattern(entry)))
