"""Settings that the database lays over those of the configuration file."""

from collections.abc import Mapping

import msgspec

from gateway.settings.known_keys import SECTIONS, Standing
from gateway.settings.mcp_clients import MCP_CLIENT_READERS
from gateway.settings.mcp_finding import MCP_FINDING_KEYS
from gateway.settings.node import Node, build_node, child_path
from gateway.settings.own_variables import refuse_own_secrets

__all__ = ["LIVE_FIELDS", "VARIABLES", "Overlay", "is_nothing", "is_variable_allowed", "overlay_document"]

Overlay = Mapping[str, Mapping[str, object]]
"""For a section, its members that the database has."""

VARIABLES = "environment_variables"

# Listed is what a running gateway takes over. Whatever else there is belongs to the process, which reads it
# from its file before it knows the database.
_GENERAL = frozenset(
    {
        *("litellm_key_header_name", "max_request_size_mb", "store_prompts_in_spend_logs"),
        *("include_call_id_in_error_body", "allow_client_side_credentials", "token_rate_limit_type"),
        *("default_estimated_output_tokens", "apply_user_budget_to_team_keys", "allowed_ips"),
        *("use_x_forwarded_for", "trusted_proxy_ranges", "allowed_routes", "admin_only_routes"),
        *("disable_llm_api_endpoints", "disable_admin_endpoints", "role_permissions", "enforce_user_param"),
        *("enforced_params", "service_account_settings", "reject_clientside_metadata_tags"),
        *("enforce_fallback_model_access", "require_trace_id", "mcp_required_fields", *MCP_CLIENT_READERS),
    }
)
_LITELLM = frozenset(
    {
        *("request_timeout", "budget_exceeded_status_code", "block_requests_for_models_without_pricing"),
        *("drop_params", "always_include_stream_usage", "store_audit_logs", "enforce_fallback_model_access"),
        *("max_end_user_budget", "max_end_user_budget_id", "validate_end_user_id_in_db"),
        *("max_internal_user_budget", "internal_user_budget_duration", "num_retries", "fallbacks"),
        *("default_fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "max_fallbacks"),
        *("allowed_fails", "cooldown_time", "model_group_alias", "retry_policy", "max_budget"),
        *("budget_duration", "default_key_generate_params", "upperbound_key_generate_params"),
        *("default_internal_user_params", "default_team_params", "cost_discount_config"),
        *("cost_margin_config", *MCP_FINDING_KEYS),
    }
)
_ROUTER = frozenset(
    key.name for key in SECTIONS["router_settings"].values() if key.standing is Standing.SUPPORTED
)

LIVE_FIELDS: Mapping[str, frozenset[str]] = {
    "general_settings": _GENERAL,
    "litellm_settings": _LITELLM,
    "router_settings": _ROUTER,
}
"""The members that the database may say, by section."""

_OF_THE_PROCESS = ("GATEWAY_", "DATABASE_", "LITELLM_", "REDIS_", "CONFIG_", "PG", "PYTHON", "LD_")
_NAMES_OF_THE_PROCESS = frozenset(
    {
        *(
            "DIRECT_URL",
            "SERVER_ROOT_PATH",
            "JSON_LOGS",
            "STORE_MODEL_IN_DB",
            "DISABLE_SCHEMA_UPDATE",
            "PATH",
        ),
        *("HOME", "USER"),
    }
)


def is_variable_allowed(name: str) -> bool:
    """Whether the database may set a variable: one that lends a key or an address, not one of the process."""
    upper = name.upper()
    is_name = bool(name) and "=" not in name and "\0" not in name
    return is_name and not upper.startswith(_OF_THE_PROCESS) and upper not in _NAMES_OF_THE_PROCESS


def overlay_document(document: Node, overlay: Overlay) -> Node:
    """The document with the members of the overlay in the place of its own; what is not live is left out.

    Raises ConfigError for a reference to a secret of the gateway itself.
    """
    if not overlay:
        return document
    sections = dict(document.value) if isinstance(document.value, dict) else {}
    for section, members in overlay.items():
        said = {name: value for name, value in members.items() if not is_nothing(name, value)}
        allowed = {name: value for name, value in said.items() if _is_allowed(section, name)}
        if allowed:
            sections[section] = _merged(sections.get(section), section, allowed)
    return msgspec.structs.replace(document, value=sections)


def is_nothing(name: str, value: object) -> bool:
    """Whether a value is what consoles write where somebody has taken a setting away."""
    return name in MCP_CLIENT_READERS and value in (None, [], "")


def _is_allowed(section: str, name: str) -> bool:
    return is_variable_allowed(name) if section == VARIABLES else name in LIVE_FIELDS.get(section, ())


def _merged(node: Node | None, section: str, members: Mapping[str, object]) -> Node:
    own = dict(node.value) if node is not None and isinstance(node.value, dict) else {}
    added = {name: build_node(value, child_path(section, name)) for name, value in members.items()}
    for member in added.values():
        refuse_own_secrets(member)
    return Node({**own, **added}, "", 0, section)
