"""Read `litellm_settings` and `general_settings`."""

from collections.abc import Mapping

import msgspec

from gateway.domain import MCP_SUBMITTED
from gateway.settings.budgets import read_period, read_usd
from gateway.settings.faults import Faults
from gateway.settings.mcp_signing import read_signing
from gateway.settings.model import GeneralSettings, LitellmSettings
from gateway.settings.node import Node
from gateway.settings.price_terms import read_discounts, read_margins
from gateway.settings.readers import (
    Reader,
    integer,
    one_of,
    read_boolean,
    read_each,
    read_fields,
    read_items,
    read_members,
    read_number,
    read_plain_mapping,
    read_retention,
    read_seconds,
    read_text,
    read_texts,
    read_values,
)
from gateway.settings.times import read_cron, read_time_of_day, read_timezone

__all__ = ["GENERAL_READERS", "LITELLM_READERS", "read_general_settings", "read_litellm_settings"]

LITELLM_READERS: Mapping[str, tuple[str, Reader]] = {
    "request_timeout": ("request_timeout", read_seconds),
    "budget_exceeded_status_code": ("budget_exceeded_status_code", integer(400, 499)),
    "block_requests_for_models_without_pricing": ("block_requests_for_models_without_pricing", read_boolean),
    "max_budget": ("max_budget_nanos", read_usd),
    "budget_duration": ("budget_duration", read_period),
    "drop_params": ("drop_params", read_boolean),
    "json_logs": ("json_logs", read_boolean),
    "always_include_stream_usage": ("always_include_stream_usage", read_boolean),
    "store_audit_logs": ("store_audit_logs", read_boolean),
    "default_key_generate_params": ("default_key_generate_params", read_plain_mapping),
    "upperbound_key_generate_params": ("upperbound_key_generate_params", read_plain_mapping),
    "default_internal_user_params": ("default_internal_user_params", read_plain_mapping),
    "default_team_params": ("default_team_params", read_plain_mapping),
    "cost_discount_config": ("cost_discounts", read_discounts),
    "cost_margin_config": ("cost_margins", read_margins),
    "timezone": ("timezone", read_timezone),
    "budget_reset_time": ("budget_reset_time", read_time_of_day),
}

_read_channel = one_of("slack", "webhook", "email")


def _read_channels(node: Node) -> tuple[str, ...]:
    items = [node] if isinstance(node.value, str) else read_items(node)
    return tuple(_read_channel(item) for item in items)


_read_member = one_of(*sorted(MCP_SUBMITTED))


def _read_submitted(node: Node) -> tuple[str, ...]:
    """Members of a submission: any other one would be one that nobody may send."""
    items = [node] if isinstance(node.value, str) else read_items(node)
    return tuple(dict.fromkeys(read_each(items, _read_member)))


GENERAL_READERS: Mapping[str, tuple[str, Reader]] = {
    "litellm_key_header_name": ("key_header_name", read_text),
    "mcp_session_token_signing": ("mcp_signing", read_signing),
    "max_request_size_mb": ("max_request_size_mb", read_number),
    "store_prompts_in_spend_logs": ("store_prompts_in_spend_logs", read_boolean),
    "disable_spend_logs": ("disable_spend_logs", read_boolean),
    "disable_error_logs": ("disable_error_logs", read_boolean),
    "block_robots": ("block_robots", read_boolean),
    "proxy_batch_write_at": ("proxy_batch_write_at", read_seconds),
    "disable_reset_budget": ("disable_reset_budget", read_boolean),
    "proxy_budget_rescheduler_min_time": ("budget_rescheduler_min_seconds", read_seconds),
    "proxy_budget_rescheduler_max_time": ("budget_rescheduler_max_seconds", read_seconds),
    "maximum_spend_logs_retention_period": ("logs_retention_seconds", read_retention),
    "maximum_spend_logs_retention_interval": ("retention_interval_seconds", read_seconds),
    "maximum_spend_logs_cleanup_cron": ("cleanup_cron", read_cron),
    "maximum_daily_tag_spend_retention_period": ("tag_days_retention_seconds", read_retention),
    "maximum_health_check_retention_period": ("checks_retention_seconds", read_retention),
    "maximum_spend_logs_cleanup_batch_size": ("cleanup_batch_rows", integer(1, 100_000)),
    "maximum_spend_logs_cleanup_max_batches": ("cleanup_max_batches", integer(1)),
    "maximum_spend_logs_cleanup_run_budget": ("cleanup_run_seconds", read_seconds),
    "maximum_spend_logs_cleanup_batch_timeout": ("cleanup_batch_seconds", read_seconds),
    "background_health_checks": ("background_health_checks", read_boolean),
    "health_check_interval": ("health_check_interval_seconds", read_seconds),
    "health_check_concurrency": ("health_check_concurrency", integer(1, 1_000)),
    "health_check_details": ("health_check_details", read_boolean),
    "background_health_check_model_groups": ("health_check_groups", read_texts),
    "alerting": ("alerting", _read_channels),
    "alerting_threshold": ("alerting_threshold_seconds", read_seconds),
    "spend_report_frequency": ("spend_report_seconds", read_seconds),
    "alert_types": ("alert_types", read_texts),
    "alert_to_webhook_url": ("alert_to_webhook_url", read_plain_mapping),
    "budget_rollover": ("budget_rollover", read_boolean),
    "include_call_id_in_error_body": ("include_call_id_in_error_body", read_boolean),
    "allow_client_side_credentials": ("allow_client_side_credentials", read_boolean),
    "dangerously_permit_weak_or_unset_master_key": (
        "dangerously_permit_weak_or_unset_master_key",
        read_boolean,
    ),
    "proxy_config_reload_interval_seconds": ("proxy_config_reload_interval_seconds", read_seconds),
    "store_model_in_db": ("store_model_in_db", read_boolean),
    "disable_prisma_schema_update": ("disable_schema_update", read_boolean),
    "timezone": ("timezone", read_timezone),
    "budget_reset_time": ("budget_reset_time", read_time_of_day),
    "token_rate_limit_type": ("token_rate_limit_type", one_of("total", "input", "output")),
    "default_estimated_output_tokens": ("default_estimated_output_tokens", integer(1)),
    "mcp_required_fields": ("mcp_required_fields", _read_submitted),
    "pass_through_request_timeout": ("pass_through_seconds", read_seconds),
    "database_connection_pool_limit": ("database_connection_pool_limit", integer(1, 10_000)),
    "database_connection_timeout": ("database_connection_timeout", read_seconds),
}

_FLAGS = {
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "dangerously_permit_weak_or_unset_master_key",
    "DISABLE_SCHEMA_UPDATE": "disable_schema_update",
    "STORE_MODEL_IN_DB": "store_model_in_db",
}
"""Environment variables of LiteLLM that set a field where the file does not."""


def read_litellm_settings(root: Node) -> LitellmSettings:
    """The settings of requests. Raises ConfigError."""
    members = read_members(root.member("litellm_settings"))
    return msgspec.structs.replace(LitellmSettings(), **read_fields(members, LITELLM_READERS))


def read_general_settings(root: Node, environ: Mapping[str, str]) -> GeneralSettings:
    """The settings of the server, those that only the environment gives included. Raises ConfigError."""
    flags = {
        field: Node(environ[name], "environment", 1, name, is_from_environment=True)
        for name, field in _FLAGS.items()
        if environ.get(name)
    }
    faults = Faults()
    given = faults.attempt(lambda: read_values(flags, read_boolean), {})
    members = faults.attempt(lambda: read_members(root.member("general_settings")), {})
    fields = faults.attempt(lambda: read_fields(members, GENERAL_READERS), {})
    faults.refuse()
    return msgspec.structs.replace(GeneralSettings(), **{**given, **fields})
