"""The members of a request body that speak to the gateway and never leave it."""

__all__ = ["GATEWAY_MEMBERS", "GATEWAY_PREFIXES"]

_ROUTING = {
    # The gateway has followed these by the time the request is sent.
    "fallbacks",
    "context_window_fallbacks",
    "context_window_fallback_dict",
    "content_policy_fallbacks",
    "disable_fallbacks",
    "include_fallback_errors",
    "fastest_response",
    "num_retries",
    "max_retries",
    "timeout",
    "request_timeout",
    "stream_timeout",
    "priority",
}
_ACCOUNTING = {
    # They name users, sessions and tags of this gateway's customers. OpenAI has a `metadata` too, for
    # stored completions; LiteLLM keeps it, and so do we, unless the deployment's defaults carry one.
    "metadata",
    "tags",
    "no-log",
}
_GUARDING = {
    # Which checks apply is this gateway's business, and its names are not the provider's.
    "guardrails",
    "policies",
    "disable_global_guardrail",
    "disable_global_guardrails",
    "enable_json_schema_validation",
}
_CACHING = {
    # Instructions to this gateway's answer cache.
    "cache",
    "caching",
}
_SHAPING = {
    # How the gateway should build the request.
    "drop_params",
    "additional_drop_params",
    "allowed_openai_params",
    "prompt_id",
    "prompt_variables",
    "prompt_version",
    "prompt_label",
    "vector_store_ids",
}
_UPSTREAM_CHOICE = {
    # They would choose address, credential or price. The request is refused before; this is the second lock.
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "extra_headers",
    "extra_body",
    "user_config",
    "model_list",
    "model_info",
    "proxy_server_request",
    "secret_fields",
}
GATEWAY_MEMBERS = frozenset(_ROUTING | _ACCOUNTING | _GUARDING | _CACHING | _SHAPING | _UPSTREAM_CHOICE)

GATEWAY_PREFIXES = (
    "litellm_",
    "mock_",
    # What the original's server adds for itself, and a caller may not.
    "user_api_key",
    "_",
)
