"""The keys of `general_settings`."""

from gateway.settings.known.entry import harmless, no_effect, refused, supported

__all__ = ["GENERAL_KEYS"]

_JOURNAL = "Spend goes through a local journal and is drained in batches."
_CALLERS_ADDRESSES = (
    "An address that a caller names leads to public networks only; see `gatewright.client_side_networks`."
)
_IN_THE_URL = "Write it as an option of the database URL."

GENERAL_KEYS = (
    supported("master_key", "The administrator's key; `GATEWAY_MASTER_KEY` wins over it."),
    supported(
        "database_url",
        "The PostgreSQL to use; wins over `DATABASE_URL`. Without either an embedded one runs.",
    ),
    supported(
        "database_connection_pool_limit",
        "Connections per worker at most; wins over `connection_limit` in the URL.",
    ),
    supported(
        "database_connection_timeout",
        "Seconds to wait for a connection of the pool; wins over `pool_timeout` in the URL.",
    ),
    supported(
        "mcp_session_token_signing",
        "The key that signs the tokens of clients of MCP; without it they get keys of the gateway.",
        restricts=True,
    ),
    supported("litellm_key_header_name", "The only header in which a key is looked for."),
    supported(
        "max_request_size_mb", "The largest request body in megabytes (1024 x 1024 bytes).", restricts=True
    ),
    supported("store_prompts_in_spend_logs", "Whether spend rows carry the request and the answer."),
    supported("disable_spend_logs", "Writes no spend rows; totals are kept all the same."),
    supported("disable_error_logs", "Writes no rows of requests that failed and cost nothing."),
    supported("block_robots", "Asks crawlers of the web to stay away, at `/robots.txt`."),
    supported(
        "proxy_batch_write_at", "Seconds between two drains of the journal while there is little to drain."
    ),
    supported("disable_reset_budget", "Budgets never start anew by themselves."),
    supported("proxy_budget_rescheduler_min_time", "Seconds between two looks for budgets that are over."),
    supported("proxy_budget_rescheduler_max_time", "The same at most: each wait is random between both."),
    supported(
        "maximum_spend_logs_retention_period", "How long spend rows are kept: `30d`, or a number of days."
    ),
    supported("maximum_spend_logs_retention_interval", "How often old rows are deleted (`1d`)."),
    supported("maximum_spend_logs_cleanup_cron", "When old rows are deleted instead, as a cron expression."),
    supported("maximum_daily_tag_spend_retention_period", "How long the days of tags are kept."),
    supported("maximum_health_check_retention_period", "How long results of health checks are kept."),
    supported("background_health_checks", "Deployments are checked by themselves, on one worker."),
    supported("health_check_interval", "Seconds between two of these checks (300)."),
    supported("health_check_concurrency", "How many deployments are asked at a time (16)."),
    supported("health_check_details", "Whether results say what was asked and what it did cost."),
    supported("background_health_check_model_groups", "Whose deployments are checked; all if not given."),
    supported("maximum_spend_logs_cleanup_batch_size", "Rows that one transaction deletes."),
    supported("maximum_spend_logs_cleanup_max_batches", "Transactions of one run at most."),
    supported("maximum_spend_logs_cleanup_run_budget", "Seconds of one run."),
    supported("maximum_spend_logs_cleanup_batch_timeout", "Seconds that one deletion may take."),
    supported("alerting", "How people are told of budgets, failures and more: `slack`, `webhook`, `email`."),
    supported("alert_types", "What they are told of; without it all but changes of keys, teams and users."),
    supported("spend_report_frequency", "How often reports of spend are sent, in whole days; `7d`."),
    supported("alerting_threshold", "Seconds that a request may take before it is told of; 300."),
    supported("alert_to_webhook_url", "By alert type, addresses in the place of `SLACK_WEBHOOK_URL`."),
    supported("budget_rollover", "What was spent beyond a budget counts in its next period."),
    supported("include_call_id_in_error_body", "Whether an error names the call in its body."),
    supported(
        "allow_client_side_credentials",
        "Whether requests may choose `api_key` and `api_base`, of every model.",
    ),
    supported("dangerously_permit_weak_or_unset_master_key", "Accepts a weak master key; for a laptop only."),
    supported("timezone", "As `litellm_settings.timezone`, which wins."),
    supported("budget_reset_time", "As `litellm_settings.budget_reset_time`, which wins."),
    supported(
        "proxy_config_reload_interval_seconds",
        "Seconds after which the database's models are read again even if no notice of a change came; 30.",
    ),
    supported(
        "store_model_in_db",
        "Models and credentials of the database are served, and the API changes them; true by default.",
    ),
    supported("disable_prisma_schema_update", "`serve` never upgrades the database by itself."),
    supported("token_rate_limit_type", "Which tokens limits of tokens count: `total`, `input` or `output`."),
    supported(
        "default_estimated_output_tokens", "Output tokens to reserve for when the caller names no limit."
    ),
    supported(
        "apply_user_budget_to_team_keys",
        "A user's own budget counts for the user's team keys too.",
        restricts=True,
    ),
    supported("allowed_ips", "The addresses and networks that requests may come from.", restricts=True),
    supported(
        "use_x_forwarded_for",
        "Reads the client's address from the last entries of `x-forwarded-for`.",
        restricts=True,
    ),
    supported(
        "trusted_proxy_ranges",
        "The proxies whose `x-forwarded-for` is believed; without it, the peer's.",
        restricts=True,
    ),
    supported(
        "require_key_mcp_access_defined",
        "A key that names no MCP servers reaches none, whatever its team names.",
        restricts=True,
    ),
    supported(
        "require_end_user_mcp_access_defined",
        "An end user for whom no MCP servers are named reaches none.",
        restricts=True,
    ),
    supported(
        "mcp_internal_ip_ranges",
        "Where clients are that reach MCP servers which are not for the public; private networks by default.",
        restricts=True,
    ),
    supported(
        "mcp_trusted_proxy_ranges",
        "The proxies whose `x-forwarded-for` tells whether such a client is internal.",
        restricts=True,
    ),
    supported(
        "mcp_xff_num_trusted_hops",
        "How many proxies append to `x-forwarded-for`: the client is so many entries from its end.",
        restricts=True,
    ),
    supported(
        "mcp_allow_all_keys_respects_mcp_scope",
        "MCP servers with `allow_all_keys` stay closed to keys that name servers, or whose team does.",
        restricts=True,
    ),
    supported(
        "mcp_allowed_clients",
        "The applications that may speak with MCP servers, each by `alias` and `value`.",
        restricts=True,
    ),
    supported(
        "mcp_client_id_header",
        "The header in which these name themselves; tokens may name them instead: see docs/mcp.md.",
        restricts=True,
    ),
    supported(
        "mcp_client_side_auth_header_name",
        "The header in which a client brings its credential for an MCP server; `x-mcp-auth`.",
    ),
    supported(
        "mcp_required_fields",
        "Members that every MCP server has which a user submits.",
        restricts=True,
    ),
    supported(
        "mcp_advertised_versions",
        "The revisions of MCP that clients are told of and may speak; all that are known by default.",
        restricts=True,
    ),
    supported("allowed_routes", "The only routes that are served.", restricts=True),
    supported("admin_only_routes", "Routes for administrators only.", restricts=True),
    supported("disable_llm_api_endpoints", "Serves no model requests.", restricts=True),
    supported("disable_admin_endpoints", "Serves no management requests.", restricts=True),
    supported("role_permissions", "The models and routes of a role.", restricts=True),
    supported("enforce_user_param", "Every model request must name its end user.", restricts=True),
    supported("enforced_params", "Members that every model request must have.", restricts=True),
    supported(
        "service_account_settings",
        "`enforced_params`: members that requests with keys of service accounts must have.",
        restricts=True,
    ),
    supported(
        "reject_clientside_metadata_tags", "Refuses requests that bring tags of their own.", restricts=True
    ),
    supported(
        "enforce_fallback_model_access",
        "Refuses requests with fallbacks that their caller may not use; passes over such of the operator.",
        restricts=True,
    ),
    supported(
        "require_trace_id", "Every model request must have the header `x-litellm-trace-id`.", restricts=True
    ),
    supported("pass_through_endpoints", "Paths that lead to other services: see docs/pass-through.md."),
    supported("pass_through_request_timeout", "Seconds that a pass-through without a `timeout` waits; 600."),
    supported("enable_jwt_auth", "Accepts tokens of an identity provider: see docs/jwt.md.", restricts=True),
    supported("litellm_jwtauth", "Which tokens, and what their claims mean.", restricts=True),
    supported(
        "unregistered_jwt_client_behavior",
        "What becomes of a token without a mapped key; `litellm_jwtauth` wins.",
        restricts=True,
    ),
    refused("custom_auth", "Write a plugin with an `authenticate` hook instead."),
    refused("custom_auth_run_common_checks"),
    refused("enable_oauth2_auth"),
    refused("enable_oauth2_proxy_auth"),
    refused("custom_key_generate"),
    refused("custom_key_update"),
    refused("custom_sso"),
    refused("custom_ui_sso_sign_in_handler"),
    refused("default_team_disabled"),
    refused("max_parallel_requests"),
    refused("global_max_parallel_requests"),
    refused("fail_closed_rate_limit_enforcement"),
    no_effect("litellm_license", "Nothing is behind a licence."),
    no_effect("disable_budget_reservation", "A budget is always reserved before the call."),
    no_effect("use_redis_transaction_buffer", _JOURNAL),
    no_effect(
        "allow_requests_on_db_unavailable", "Without a database known keys keep working, and only those."
    ),
    no_effect("user_url_validation", _CALLERS_ADDRESSES),
    no_effect("user_url_allowed_hosts", _CALLERS_ADDRESSES),
    no_effect("provider_url_destination_allowed_hosts", _CALLERS_ADDRESSES),
    no_effect("disable_adding_master_key_hash_to_db", "The master key's hash is not stored."),
    no_effect("disable_master_key_return", "The master key is never returned."),
    no_effect("scheduled_job_stagger", "One worker runs each job."),
    no_effect("use_shared_health_check", "One worker runs each job."),
    no_effect("database_type", "PostgreSQL is the only database."),
    no_effect("database_args", "PostgreSQL is the only database."),
    no_effect("database_extra_connection_params", _IN_THE_URL),
    no_effect("database_disable_prepared_statements", _IN_THE_URL),
    no_effect("database_connect_timeout", _IN_THE_URL),
    no_effect("database_socket_timeout", _IN_THE_URL),
    no_effect("ui_access_mode", "There is no console."),
    no_effect("max_response_size_mb", "Set `gatewright.limits.response_bytes`."),
    no_effect("user_api_key_cache_ttl", "Set `gatewright.key_cache_seconds`."),
    no_effect("max_batch_file_size_mb", "Files are not served."),
    no_effect("oauth2_config_mappings", "It is read only with `enable_oauth2_proxy_auth`."),
    *harmless(
        "supported_db_objects plugins "
        "completion_model embedding_model image_generation_model moderation_model "
        "infer_model_from_keys key_management_system key_management_settings use_google_kms "
        "use_azure_key_vault google_kms_resource_name coordination_redis control_plane_url "
        "allow_cli_sso_verification_uri_complete otel "
        ""
        "health_check_skip_disabled_background_models "
        "enable_health_check_routing health_check_staleness_threshold model_list_healthy_only "
        "alerting_args "
        "public_routes enable_public_model_hub "
        "user_header_name "
        "user_header_mappings user_mcp_management_mode disable_auto_add_proxy_admin_to_teams "
        "maximum_autorouter_session_retention_period "
        "use_spend_logs_partitioning "
        "forward_client_headers_to_llm_api forward_openai_org_id "
        "cancel_on_disconnect disable_spend_updates "
        "disable_retry_on_max_parallel_request_limit_error disable_responses_id_security "
        "use_client_credentials_pass_through_routes proxy_batch_polling_interval allow_user_auth "
        "always_include_stream_usage spend_logs_metadata_fields "
        "custom_prompt_management "
        "allow_dynamic_callback_disabling"
    ),
)
