"""Fallbacks and aliases in each of the spellings that LiteLLM takes."""

from fnmatch import fnmatchcase

import msgspec

from gateway.settings.model import FallbackMap, ModelEntry, RouterSettings, SettingsNotice
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import (
    read_boolean,
    read_each,
    read_mapping,
    read_text,
    read_texts,
    read_values,
)

__all__ = ["find_unknown_models", "read_aliases", "read_fallbacks", "read_hidden_aliases"]

_SECTIONS = ("router_settings", "litellm_settings")
"""Where they stand; the first wins."""


def read_fallbacks(node: Node) -> FallbackMap:
    """Fallbacks by model: a list of mappings, or one mapping; a single name counts as a list of one.

    Where two items name the same model the first holds, as in LiteLLM. Raises ConfigError.
    """
    found: FallbackMap = {}
    for mapping in read_each(_mappings(node), _read_targets):
        for model, names in mapping.items():
            found.setdefault(model, names)
    return found


def _read_targets(node: Node) -> FallbackMap:
    return read_values(read_mapping(node), _names)


def _mappings(node: Node) -> list[Node]:
    if isinstance(node.value, dict):
        return [node]
    if not isinstance(node.value, list):
        message = f"Expected a list such as [{{model: [other, another]}}], found {describe(node)}."
        raise config_error(node, message)
    for item in node.value:
        if isinstance(item.value, str):
            message = (
                "Expected a mapping from a model to its fallbacks; a plain list belongs to default_fallbacks."
            )
            raise config_error(item, message)
    return node.value


def _names(node: Node) -> tuple[str, ...]:
    if isinstance(node.value, list):
        for item in node.value:
            if isinstance(item.value, dict):
                message = "A fallback with parameters of its own is not supported; name a model."
                raise config_error(item, message)
    return read_texts(node)


class _Alias(msgspec.Struct, frozen=True):
    model: str
    is_hidden: bool


def _alias(node: Node) -> _Alias:
    if not isinstance(node.value, dict):
        return _Alias(read_text(node), is_hidden=False)
    members = read_mapping(node)
    for name, child in members.items():
        if name not in {"model", "hidden"}:
            raise config_error(child, f"There is no key '{name}' here.", allowed=("model", "hidden"))
    if "model" not in members:
        raise config_error(node, "The alias names no model.", allowed=("model", "hidden"))
    hidden = members.get("hidden")
    return _Alias(read_text(members["model"]), is_hidden=hidden is not None and read_boolean(hidden))


def read_aliases(node: Node) -> dict[str, str]:
    """The model that each alias stands for. Raises ConfigError."""
    return {name: alias.model for name, alias in read_values(read_mapping(node), _alias).items()}


def read_hidden_aliases(node: Node) -> frozenset[str]:
    """The aliases that model listings leave out. Raises ConfigError."""
    return frozenset(
        name for name, alias in read_values(read_mapping(node), _alias).items() if alias.is_hidden
    )


def find_unknown_models(
    root: Node, router: RouterSettings, models: tuple[ModelEntry, ...]
) -> list[SettingsNotice]:
    """A notice for every name in fallbacks and aliases of a model that no entry offers, with its place."""
    offered = {entry.model_name for entry in models} | set(router.model_group_alias)
    patterns = [name for name in offered if "*" in name]
    named = {
        "model_group_alias": set(router.model_group_alias.values()),
        "default_fallbacks": set(router.default_fallbacks),
        "fallbacks": _names_in(router.fallbacks),
        "context_window_fallbacks": _names_in(router.context_window_fallbacks),
        "content_policy_fallbacks": _names_in(router.content_policy_fallbacks),
    }
    return [
        _notice(root, key, name)
        for key, names in named.items()
        for name in sorted(names - offered)
        if not any(fnmatchcase(name, pattern) for pattern in patterns)
    ]


def _names_in(fallbacks: FallbackMap) -> set[str]:
    """The models that have fallbacks, and these."""
    return {name for names in fallbacks.values() for name in names} | set(fallbacks) - {"*"}


def _notice(root: Node, key: str, name: str) -> SettingsNotice:
    message = f"The model '{name}' is named here, and no item of model_list offers it."
    for section in map(root.member, _SECTIONS):
        said = None if section is None else section.member(key)
        if said is not None:
            place = _find(said, name) or said
            return SettingsNotice(said.path, message, place.file or None, place.line or None)
    return SettingsNotice(f"{_SECTIONS[0]}.{key}", message)


def _find(node: Node, name: str) -> Node | None:
    """Where a name stands, as a key or as a value."""
    if node.value == name:
        return node
    if isinstance(node.value, dict) and name in node.value:
        return node.value[name]
    if not isinstance(node.value, dict | list):
        return None
    below = node.value.values() if isinstance(node.value, dict) else node.value
    return next((found for child in below if (found := _find(child, name)) is not None), None)
