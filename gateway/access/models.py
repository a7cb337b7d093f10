"""Which model names a list of models covers: names, patterns, access groups and the special entries."""

import re
from collections.abc import Callable, Container, Iterable

import msgspec

from gateway.cache.memo import Memo
from gateway.identity.special import NO_DEFAULT_MODELS, UNRESTRICTED

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


class _Compiled(msgspec.Struct, frozen=True):
    names: frozenset[str]
    patterns: re.Pattern[str] | None


def is_pattern(entry: str) -> bool:
    """Whether an entry of a model list stands for many names."""
    return "*" in entry


def pattern_covers(pattern: str, model: str) -> bool:
    """Whether a pattern with `*` for any characters covers a whole name."""
    return re.fullmatch(_regex(pattern), model, re.DOTALL) is not None


class ModelLists:
    """Answers whether a list of models covers a name; compiled lists are remembered, a bounded number.

    An empty list covers everything, `*` and `all-proxy-models` too. `no-default-models` covers nothing.
    `all-team-models` must have been resolved before: here it is an ordinary name.
    """

    def __init__(self, names: ModelNames | None = None) -> None:
        self._names = names or ModelNames()
        self._compiled = Memo(_compile)

    def covers(self, models: frozenset[str], model: str) -> bool:
        """Whether a name may be used under a list."""
        if not models or model in models:
            return NO_DEFAULT_MODELS not in models
        compiled = self._compiled(models)
        if not compiled.names.isdisjoint(UNRESTRICTED):
            return NO_DEFAULT_MODELS not in models
        if NO_DEFAULT_MODELS in models:
            return False
        return self._matches_pattern(compiled, model) or self._is_in_group(compiled, model)

    def _matches_pattern(self, compiled: _Compiled, model: str) -> bool:
        patterns = compiled.patterns
        if patterns is None:
            return False
        if patterns.fullmatch(model):
            return True
        if "/" in model:
            return False
        return any(patterns.fullmatch(f"{name}/{model}") for name in self._names.providers_of(model))

    def _is_in_group(self, compiled: _Compiled, model: str) -> bool:
        groups = self._names.groups_of(model)
        return any(name in groups for name in compiled.names)


def _compile(models: frozenset[str]) -> _Compiled:
    patterns = sorted(entry for entry in models if is_pattern(entry))
    regex = re.compile("|".join(map(_regex, patterns)), re.DOTALL) if patterns else None
    return _Compiled(names=models, patterns=regex)


def _regex(pattern: str) -> str:
    # Several stars in a row mean one; each further `.*` would only multiply the ways to fail.
    return ".*".join(re.escape(part) for part in re.split(r"\*+", pattern))
