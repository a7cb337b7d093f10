"""Read `router_settings`, and the keys of `litellm_settings` that mean the same."""

from collections.abc import Mapping

import msgspec

from gateway.settings.budgets import read_place_budgets
from gateway.settings.fallbacks import read_aliases, read_fallbacks, read_hidden_aliases
from gateway.settings.known_keys import ROUTING_STRATEGIES
from gateway.settings.model import RouterSettings, SettingsNotice
from gateway.settings.node import Node
from gateway.settings.readers import (
    Reader,
    integer,
    one_of,
    read_boolean,
    read_fields,
    read_mapping,
    read_members,
    read_seconds,
    read_texts,
    read_values,
)

__all__ = ["ROUTER_READERS", "SHARED_KEYS", "read_router_settings"]

_RETRIES = integer(0, 100)


def _read_retry_policy(node: Node) -> dict[str, int]:
    counts = {name: child for name, child in read_mapping(node).items() if name.endswith("Retries")}
    return {name.removesuffix("Retries"): count for name, count in read_values(counts, _RETRIES).items()}


ROUTER_READERS: Mapping[str, tuple[str, Reader]] = {
    "routing_strategy": ("routing_strategy", one_of(*ROUTING_STRATEGIES)),
    "num_retries": ("num_retries", _RETRIES),
    "timeout": ("timeout", read_seconds),
    "stream_timeout": ("stream_timeout", read_seconds),
    "retry_after": ("retry_after", read_seconds),
    "allowed_fails": ("allowed_fails", integer()),
    "cooldown_time": ("cooldown_time", read_seconds),
    "disable_cooldowns": ("disable_cooldowns", read_boolean),
    "max_fallbacks": ("max_fallbacks", integer(0, 100)),
    "fallbacks": ("fallbacks", read_fallbacks),
    "default_fallbacks": ("default_fallbacks", read_texts),
    "context_window_fallbacks": ("context_window_fallbacks", read_fallbacks),
    "content_policy_fallbacks": ("content_policy_fallbacks", read_fallbacks),
    "model_group_alias": ("model_group_alias", read_aliases),
    "provider_budget_config": ("provider_budgets", read_place_budgets),
    "access_group_budget_config": ("access_group_budgets", read_place_budgets),
    "retry_policy": ("retry_policy", _read_retry_policy),
}

SHARED_KEYS = frozenset(
    {
        "num_retries",
        "fallbacks",
        "default_fallbacks",
        "context_window_fallbacks",
        "content_policy_fallbacks",
        "max_fallbacks",
        "allowed_fails",
        "cooldown_time",
        "model_group_alias",
        "retry_policy",
    }
)
"""Keys that `litellm_settings` may hold too."""


def read_router_settings(root: Node, notices: list[SettingsNotice]) -> RouterSettings:
    """The router's settings; `router_settings` wins over `litellm_settings`. Raises ConfigError."""
    shared = read_members(root.member("litellm_settings"))
    own = read_members(root.member("router_settings"))
    members = {**{key: node for key, node in shared.items() if key in SHARED_KEYS}, **own}
    fields = read_fields(members, ROUTER_READERS)
    if "model_group_alias" in members:
        fields["hidden_aliases"] = read_hidden_aliases(members["model_group_alias"])
    _replace_strategy(members.get("routing_strategy"), fields, notices)
    return msgspec.structs.replace(RouterSettings(), **fields)


def _replace_strategy(node: Node | None, fields: dict[str, object], notices: list[SettingsNotice]) -> None:
    if node is None or node.value == ROUTING_STRATEGIES[0]:
        return
    fields["routing_strategy"] = ROUTING_STRATEGIES[0]
    message = f"The strategy '{node.value}' is not supported yet; '{ROUTING_STRATEGIES[0]}' takes its place."
    notices.append(SettingsNotice(node.path, message, node.file, node.line))
