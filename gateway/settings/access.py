"""What restricts requests, wherever the configuration says it: `general_settings` and `litellm_settings`."""

import re
from collections.abc import Mapping

import msgspec

from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import Reader, read_boolean, read_fields, read_members, read_number, read_text

__all__ = [
    "GENERAL_ACCESS_READERS",
    "LITELLM_ACCESS_READERS",
    "AccessSettings",
    "read_access_settings",
]


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of authorization; amounts are USD."""

    internal_user_budget: float | None = None
    """`max_internal_user_budget`: the budget of internal users who have none of their own."""
    internal_user_budget_duration: str = ""
    apply_user_budget_to_team_keys: bool = False
    end_user_budget_id: str | None = None
    """`max_end_user_budget_id`: the budget row of end users who have none."""
    end_user_budget: float | None = None
    """`max_end_user_budget`: the budget of end users who have none."""


_PERIOD = re.compile(r"[1-9][0-9]{0,8}(s|mo|m|h|d|w)|hourly|daily|weekly|monthly")


def _read_period(node: Node) -> str:
    """A duration after which a budget starts anew. Raises ConfigError."""
    text = read_text(node)
    if _PERIOD.fullmatch(text) is None:
        raise config_error(node, f"Expected a duration such as 30s, 24h, 7d, 1mo, found {describe(node)}.")
    return text


GENERAL_ACCESS_READERS: Mapping[str, tuple[str, Reader]] = {
    "apply_user_budget_to_team_keys": ("apply_user_budget_to_team_keys", read_boolean),
}
LITELLM_ACCESS_READERS: Mapping[str, tuple[str, Reader]] = {
    "max_internal_user_budget": ("internal_user_budget", read_number),
    "max_end_user_budget_id": ("end_user_budget_id", read_text),
    "max_end_user_budget": ("end_user_budget", read_number),
    "internal_user_budget_duration": ("internal_user_budget_duration", _read_period),
}


def read_access_settings(root: Node) -> AccessSettings:
    """The settings of authorization from both sections. Raises ConfigError."""
    given = {
        **read_fields(read_members(root.member("litellm_settings")), LITELLM_ACCESS_READERS),
        **read_fields(read_members(root.member("general_settings")), GENERAL_ACCESS_READERS),
    }
    return msgspec.structs.replace(AccessSettings(), **given)
