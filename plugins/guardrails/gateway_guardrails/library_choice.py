"""LiteLLM's `detect_secrets_config`: which plugins of the library detect-secrets say what a credential is."""

from collections.abc import Iterable

import msgspec

from gateway_guardrails.detectors import PRIVATE_KEY
from gateway_guardrails.library_sources import ENTROPY_KINDS, SOURCES

__all__ = ["PLUGIN_KINDS", "ChosenPlugin", "DetectSecretsConfig"]

_MOST_BITS = 8


def _group() -> Iterable[tuple[str, tuple[str, ...]]]:
    kinds: dict[str, list[str]] = {"PrivateKeyDetector": [PRIVATE_KEY]}
    for source in SOURCES:
        kinds.setdefault(type(source.plugin).__name__, []).append(source.kind)
    return ((name, tuple(dict.fromkeys(of_it))) for name, of_it in sorted(kinds.items()))


PLUGIN_KINDS = dict(_group())
"""The kinds that each plugin knows, by the name of its class."""


class ChosenPlugin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plugin, and how many bits per character a quoted text must exceed, for those that measure them."""

    name: str
    limit: float | None = None

    def __post_init__(self) -> None:
        if self.name not in PLUGIN_KINDS:
            known = ", ".join(PLUGIN_KINDS)
            raise ValueError(f"there is no plugin '{self.name}' of detect-secrets; known: {known}")
        if self.limit is None:
            return
        if not set(self.kinds) <= set(ENTROPY_KINDS):
            raise ValueError(f"the plugin '{self.name}' has no limit; only those of high entropy have one")
        if not 0 <= self.limit <= _MOST_BITS:
            raise ValueError(f"the limit of '{self.name}' is from 0 to {_MOST_BITS}")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it knows."""
        return PLUGIN_KINDS[self.name]


class DetectSecretsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration of the library as LiteLLM takes it: the plugins that are used, and no others."""

    plugins_used: tuple[ChosenPlugin, ...]

    def __post_init__(self) -> None:
        if not self.plugins_used:
            raise ValueError("'plugins_used' names no plugin, so that nothing would be found")

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is looked for."""
        return tuple(kind for plugin in self.plugins_used for kind in plugin.kinds)

    @property
    def limits(self) -> dict[str, float]:
        """The limits that are not the library's, by kind."""
        return {kind: one.limit for one in self.plugins_used if one.limit is not None for kind in one.kinds}
