"""The keys of `router_settings`, and the error classes of its `retry_policy`."""

from gateway.settings.known.entry import harmless, no_effect, refused, supported, supported_all

__all__ = ["RETRY_POLICY_KEYS", "ROUTER_KEYS", "ROUTING_STRATEGIES"]

ROUTING_STRATEGIES = (
    "simple-shuffle",
    "least-busy",
    "usage-based-routing",
    "usage-based-routing-v2",
    "latency-based-routing",
    "cost-based-routing",
    "lar1",
)
"""LiteLLM's strategies; the gateway does the first, and takes it in place of the others."""

RETRY_POLICY_KEYS = tuple(
    supported(f"{name}Retries", "Retries after this error.")
    for name in (
        "BadRequestError",
        "AuthenticationError",
        "TimeoutError",
        "RateLimitError",
        "ContentPolicyViolationError",
        "InternalServerError",
    )
)

ROUTER_KEYS = (
    supported("routing_strategy", "`simple-shuffle`; the others are named in a notice and replaced by it."),
    supported("num_retries", "Retries of a call, over the deployments of its model."),
    supported("timeout", "Seconds for a whole call."),
    supported("stream_timeout", "Seconds a stream may be silent."),
    supported("retry_after", "Seconds to wait before a retry at least."),
    supported("allowed_fails", "Failures in a minute before a deployment cools down."),
    supported("cooldown_time", "Seconds a deployment is left alone."),
    supported("disable_cooldowns", "No deployment cools down."),
    supported("max_fallbacks", "Fallback models to try at most."),
    supported("fallbacks", "Models to try in another's place, by model; `*` is for every model."),
    supported("default_fallbacks", "Models to try for every model without fallbacks of its own."),
    supported("context_window_fallbacks", "Models to try when the prompt is too long."),
    supported("content_policy_fallbacks", "Models to try when the provider's safety system refused."),
    supported("model_group_alias", "Other names for models: a name, or `{model, hidden}`."),
    supported("retry_policy", "Retries by error class."),
    supported(
        "provider_budget_config", "What may be spent at a provider: `{openai: {budget_limit, time_period}}`."
    ),
    supported(
        "access_group_budget_config",
        "What may be spent on the models of an access group: `{cheap: {budget_limit, time_period}}`.",
    ),
    refused("enable_tag_filtering", "It decides which deployments a caller reaches."),
    refused(
        "optional_pre_call_checks",
        "These checks limit spend or use.",
        values=frozenset({"router_budget_limiting", "enforce_model_rate_limits"}),
    ),
    supported(
        "redis_url", "The Redis in which several workers share their limits; `REDIS_URL` wins over it."
    ),
    *supported_all(
        "redis_host redis_port redis_username redis_password redis_db redis_ssl",
        "A part of the address of that Redis; `REDIS_HOST` and its like win over it.",
    ),
    no_effect("set_verbose", "There is no debug output."),
    no_effect("debug_level", "There is no debug output."),
    no_effect("tag_filtering_match_any", "It is read only with `enable_tag_filtering`."),
    no_effect("tag_routing_prefix", "It is read only with `enable_tag_filtering`."),
    no_effect("ignore_invalid_deployments", "A deployment that is wrong stops the start, with its line."),
    *harmless(
        "routing_strategy_args routing_groups max_retries allowed_fails_policy "
        "model_group_retry_policy model_group_affinity_config enable_pre_call_checks "
        "enable_pre_call_check default_litellm_params default_max_parallel_requests "
        "default_priority polling_interval client_ttl cache_kwargs cache_responses caching_groups "
        "alerting_config assistants_config router_general_settings search_tools guardrail_list "
        "deployment_affinity_ttl_seconds enable_health_check_routing "
        "health_check_staleness_threshold health_check_ignore_transient_errors "
        "enable_weighted_failover model_list stream_timeout_first_token fallback_access_groups"
    ),
)
