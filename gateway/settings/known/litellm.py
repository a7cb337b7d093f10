"""The keys of `litellm_settings`."""

from gateway.settings.known.entry import harmless, no_effect, refused, supported

__all__ = ["LITELLM_KEYS"]

_NO_CALLBACKS = "Requests and answers go to no callback."
_ROUTER = "The same key of `router_settings` wins."
_NO_USERS = "Set budgets on keys."

LITELLM_KEYS = (
    supported(
        "max_ui_session_budget", "What a session of somebody who logged in may spend on models, in USD."
    ),
    supported("request_timeout", "Seconds for a whole call to a deployment."),
    supported("budget_exceeded_status_code", "The status of an answer that refuses for a used-up budget."),
    supported(
        "block_requests_for_models_without_pricing",
        "Refuses models that nobody has a price for.",
        restricts=True,
    ),
    supported("drop_params", "Drops parameters that a provider does not take, in place of answering 400."),
    supported("json_logs", "Writes logs as JSON; so does `JSON_LOGS`."),
    supported("always_include_stream_usage", "Sends the usage chunk of a stream to every client."),
    supported(
        "default_key_generate_params", "Values for a new key where the request has none.", restricts=True
    ),
    supported("upperbound_key_generate_params", "Bounds for what a new key may be given.", restricts=True),
    supported("store_audit_logs", "Writes who changed what into the audit trail; on unless it is `false`."),
    supported(
        "default_internal_user_params",
        "Values for a new user where the request has none, and teams that users may enter by themselves.",
        restricts=True,
    ),
    supported("default_team_params", "Values for a new team where the request has none.", restricts=True),
    supported("cost_discount_config", "What is taken off prices, by provider: `{openai: 0.05}`."),
    supported(
        "cost_margin_config",
        "What is put on prices, by provider or as `global`: a share, or `percentage` and `fixed_amount`.",
    ),
    supported("timezone", "Where the days, weeks and months of budgets begin: an IANA name; `UTC`."),
    supported("budget_reset_time", "When the day of a daily budget begins, such as `06:30`; midnight."),
    supported("enforce_fallback_model_access", "The same as in `general_settings`.", restricts=True),
    supported("max_end_user_budget", "The budget in USD of end users who have none.", restricts=True),
    supported("max_end_user_budget_id", "The budget row of end users who have none.", restricts=True),
    supported(
        "validate_end_user_id_in_db",
        "Takes for end users of requests only customers and users that are in the database.",
        restricts=True,
    ),
    supported(
        "max_internal_user_budget",
        "The budget in USD of internal users who have none of their own.",
        restricts=True,
    ),
    supported(
        "internal_user_budget_duration",
        "How often the budget of `max_internal_user_budget` starts anew, such as 30d.",
        restricts=True,
    ),
    supported("num_retries", _ROUTER),
    supported("fallbacks", _ROUTER),
    supported("default_fallbacks", _ROUTER),
    supported("context_window_fallbacks", _ROUTER),
    supported("content_policy_fallbacks", _ROUTER),
    supported("max_fallbacks", _ROUTER),
    supported("allowed_fails", _ROUTER),
    supported("cooldown_time", _ROUTER),
    supported("model_group_alias", _ROUTER),
    supported("retry_policy", _ROUTER),
    supported("max_budget", "USD that may be spent through the whole gateway."),
    supported("budget_duration", "When `max_budget` starts anew; without it never."),
    refused("max_user_budget", _NO_USERS),
    refused("default_max_internal_user_budget", _NO_USERS),
    refused("tag_budget_config", _NO_USERS),
    refused("key_generation_settings"),
    refused("guardrails"),
    refused("pre_call_rules", "Write a plugin with a `guard_request` hook instead."),
    refused("post_call_rules", "Write a plugin instead."),
    refused("blocked_user_list"),
    refused("banned_keywords_list"),
    refused("require_managed_files"),
    refused(
        "callbacks",
        "These callbacks may refuse requests; write a plugin instead.",
        values=frozenset(
            {
                "hide_secrets",
                "hide-secrets",
                "presidio",
                "llmguard_moderations",
                "llamaguard_moderations",
                "llama_guard",
                "google_text_moderation",
                "openai_moderations",
                "lakera_prompt_injection",
                "aporia_prompt_injection",
                "detect_prompt_injection",
                "prompt_injection_detection",
                "blocked_user_check",
                "banned_keywords",
                "azure_content_safety",
                "max_budget_limiter",
                "parallel_request_limiter",
                "dynamic_rate_limiter",
                "dynamic_rate_limiter_v3",
                "batch_redis_requests",
                "cache_control_check",
                "guardrails_ai",
                "max_parallel_request_limiter_v3",
            }
        ),
        is_code_refused=True,
    ),
    no_effect("turn_off_message_logging", _NO_CALLBACKS),
    no_effect("redact_user_api_key_info", _NO_CALLBACKS),
    no_effect("redact_messages_in_exceptions", "Errors carry no messages."),
    no_effect("log_raw_request_response", _NO_CALLBACKS),
    no_effect("set_verbose", "There is no debug output."),
    supported("mcp_semantic_tool_filter", "Which tools of MCP servers lists have; see [mcp](mcp.md)."),
    supported("mcp_tool_search", "How `search_tools` finds tools of MCP servers; see [mcp](mcp.md)."),
    no_effect("suppress_debug_info", "There is no debug output."),
    no_effect("telemetry", "The gateway sends no telemetry."),
    no_effect("enable_redis_auth_cache", "Keys are cached in the process and invalidated by the database."),
    no_effect("use_aiohttp_transport", "The HTTP client is chosen by the gateway."),
    no_effect("disable_aiohttp_transport", "The HTTP client is chosen by the gateway."),
    no_effect("disable_hf_tokenizer_download", "Nothing is downloaded at run time."),
    no_effect("expose_router_debug_in_errors", "Errors never name deployments."),
    *harmless(
        "modify_params cache cache_params success_callback failure_callback input_callback "
        "service_callback service_callbacks audit_log_callbacks cold_storage_custom_logger "
        "callback_settings langfuse_default_tags standard_logging_payload_excluded_fields "
        "s3_callback_params s3_audit_callback_params datadog_params "
        "datadog_llm_observability_params newrelic_params aws_sqs_callback_params "
        "generic_logger_headers default_key_max_budget_alert_emails "
        "default_team_settings model_alias_map "
        "model_group_settings priority_reservation "
        "priority_reservation_settings public_model_groups public_model_groups_links "
        "public_mcp_servers public_mcp_hub_strict_whitelist public_agent_groups "
        "require_auth_for_metrics_endpoint ssl_verify ssl_certificate ssl_security_level "
        "ssl_ecdh_curve disable_add_user_agent_to_request_tags extra_spend_tag_headers force_ipv4 "
        "aiohttp_trust_env disable_aiohttp_trust_env forward_traceparent_to_llm_provider "
        "enable_preview_features enable_json_schema_validation enable_key_alias_format_validation "
        "mcp_aliases disable_end_user_cost_tracking "
        "disable_end_user_cost_tracking_prometheus_only "
        "enable_end_user_cost_tracking_prometheus_only prometheus_metrics_config "
        "prometheus_initialize_budget_metrics prometheus_latency_buckets "
        "custom_prometheus_metadata_labels custom_prometheus_tags prometheus_emit_stream_label "
        "prometheus_emit_rate_limit_labels default_soft_budget "
        "budget_exceeded_throttle_percentage include_cost_in_streaming_usage "
        "return_response_headers disable_streaming_logging disable_token_counter "
        "disable_stop_sequence_limit disable_add_transform_inline_image_block "
        "disable_copilot_system_to_assistant disable_add_prefix_to_prompt "
        "use_chat_completions_url_for_anthropic_messages route_all_chat_openai_to_responses "
        "strip_anthropic_total_tokens enable_anthropic_prompt_caching "
        "anthropic_prompt_caching_ttl add_user_information_to_llm_headers "
        "overwrite_user_with_key_hash filter_invalid_headers num_retries_per_request "
        "model_fallbacks custom_provider_map custom_prompt_dict add_function_to_prompt "
        "default_in_memory_ttl default_redis_ttl default_redis_batch_cache_expiry caching "
        "enable_caching_on_provider_specific_optional_params "
        "enable_loadbalancing_on_batch_endpoints output_parse_pii presidio_ad_hoc_recognizers "
        "llamaguard_model_name llamaguard_unsafe_content_categories "
        "google_moderation_confidence_threshold openai_moderations_model_name llm_guard_mode "
        "skip_system_message_in_guardrail skip_tool_message_in_guardrail "
        "allow_dynamic_callback_disabling reasoning_auto_summary api_base "
        "api_key api_version organization headers max_tokens enable_azure_ad_token_refresh "
        "vertex_project vertex_location vertex_ai_safety_settings use_litellm_proxy "
        "model_cost_map_url default_vertex_config key_alerting sso_settings "
        "enable_model_config_credential_overrides user_url_validation user_url_allowed_hosts "
        "global_disable_no_log_param"
    ),
)
