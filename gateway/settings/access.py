"""What restricts requests, wherever the configuration says it: `general_settings` and `litellm_settings`."""

import re
from collections.abc import Mapping
from ipaddress import ip_network

import msgspec

from gateway.domain import Role
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import (
    Reader,
    one_of,
    read_boolean,
    read_fields,
    read_items,
    read_mapping,
    read_members,
    read_number,
    read_text,
    read_texts,
)

__all__ = [
    "GENERAL_ACCESS_READERS",
    "LITELLM_ACCESS_READERS",
    "AccessSettings",
    "RolePermission",
    "read_access_settings",
    "read_networks",
]


class RolePermission(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `role_permissions`: the models and routes of a role; empty restricts nothing."""

    role: str
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


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
    validates_end_users: bool = False
    """`validate_end_user_id_in_db`: who is no customer and no user is no end user."""
    allowed_ips: tuple[str, ...] = ()
    use_x_forwarded_for: bool = False
    trusted_proxy_ranges: tuple[str, ...] = ()
    allowed_routes: tuple[str, ...] = ()
    admin_only_routes: tuple[str, ...] = ()
    disable_llm_api_endpoints: bool = False
    disable_admin_endpoints: bool = False
    enforce_user_param: bool = False
    enforced_params: tuple[str, ...] = ()
    service_account_params: tuple[str, ...] = ()
    """`service_account_settings.enforced_params`: what requests with keys of service accounts must have."""
    reject_clientside_metadata_tags: bool = False
    enforce_fallback_model_access: bool = False
    require_trace_id: bool = False
    role_permissions: tuple[RolePermission, ...] = ()


_BOTH = "enforce_fallback_model_access"
_PERIOD = re.compile(r"[1-9][0-9]{0,8}(s|mo|m|h|d|w)|hourly|daily|weekly|monthly")


def _read_period(node: Node) -> str:
    """A duration after which a budget starts anew. Raises ConfigError."""
    text = read_text(node)
    if _PERIOD.fullmatch(text) is None:
        raise config_error(node, f"Expected a duration such as 30s, 24h, 7d, 1mo, found {describe(node)}.")
    return text


_read_role = one_of(*(role.value for role in Role))


def read_networks(node: Node) -> tuple[str, ...]:
    """Addresses and networks. Raises ConfigError."""
    texts = read_texts(node)
    for text in texts:
        try:
            ip_network(text.strip(), strict=False)
        except ValueError:
            raise config_error(
                node, f"Expected addresses or networks such as 10.0.0.0/8, found '{text[:60]}'."
            ) from None
    return texts


def _read_service_accounts(node: Node) -> tuple[str, ...]:
    """The member `enforced_params` of the settings of service accounts. Raises ConfigError."""
    params = read_mapping(node).get("enforced_params")
    return () if params is None else read_texts(params)


def _read_role_permissions(node: Node) -> tuple[RolePermission, ...]:
    """A list of roles with their models and routes. Raises ConfigError."""
    return tuple(_read_role_permission(item) for item in read_items(node))


def _read_role_permission(node: Node) -> RolePermission:
    members = read_mapping(node)
    if "role" not in members:
        raise config_error(node, "Expected a mapping with 'role', and 'models' or 'routes'.")
    lists = {name: read_texts(members[name]) for name in ("models", "routes") if name in members}
    return RolePermission(role=_read_role(members["role"]), **lists)


GENERAL_ACCESS_READERS: Mapping[str, tuple[str, Reader]] = {
    "allowed_ips": ("allowed_ips", read_networks),
    "use_x_forwarded_for": ("use_x_forwarded_for", read_boolean),
    "trusted_proxy_ranges": ("trusted_proxy_ranges", read_networks),
    "allowed_routes": ("allowed_routes", read_texts),
    "admin_only_routes": ("admin_only_routes", read_texts),
    "disable_llm_api_endpoints": ("disable_llm_api_endpoints", read_boolean),
    "disable_admin_endpoints": ("disable_admin_endpoints", read_boolean),
    "enforce_user_param": ("enforce_user_param", read_boolean),
    "enforced_params": ("enforced_params", read_texts),
    "service_account_settings": ("service_account_params", _read_service_accounts),
    "reject_clientside_metadata_tags": ("reject_clientside_metadata_tags", read_boolean),
    "enforce_fallback_model_access": ("enforce_fallback_model_access", read_boolean),
    "require_trace_id": ("require_trace_id", read_boolean),
    "role_permissions": ("role_permissions", _read_role_permissions),
    "apply_user_budget_to_team_keys": ("apply_user_budget_to_team_keys", read_boolean),
}
LITELLM_ACCESS_READERS: Mapping[str, tuple[str, Reader]] = {
    "enforce_fallback_model_access": ("enforce_fallback_model_access", read_boolean),
    "max_internal_user_budget": ("internal_user_budget", read_number),
    "max_end_user_budget_id": ("end_user_budget_id", read_text),
    "max_end_user_budget": ("end_user_budget", read_number),
    "validate_end_user_id_in_db": ("validates_end_users", read_boolean),
    "internal_user_budget_duration": ("internal_user_budget_duration", _read_period),
}


def read_access_settings(root: Node) -> AccessSettings:
    """The settings of authorization from both sections. Raises ConfigError."""
    given = read_fields(read_members(root.member("litellm_settings")), LITELLM_ACCESS_READERS)
    general = read_fields(read_members(root.member("general_settings")), GENERAL_ACCESS_READERS)
    # The one setting of both sections restricts where either says so.
    does_restrict = bool(given.get(_BOTH) or general.get(_BOTH))
    given |= {**general, _BOTH: does_restrict}
    return msgspec.structs.replace(AccessSettings(), **given)
