"""Tells the members of `litellm_params` that belong in a request's body from those that steer the gateway."""

from collections.abc import Mapping

import msgspec

from gateway.catalog.cost_fields import is_cost_field
from gateway.catalog.params import Params
from gateway.domain import Secret

__all__ = ["build_defaults", "build_response_defaults"]

_STEERING = frozenset({
    "model", "api_key", "api_base", "base_url", "api_version", "organization", "custom_llm_provider",
    "rpm", "tpm", "max_parallel_requests", "timeout", "stream_timeout", "max_retries", "num_retries",
    "weight", "order", "tags", "region_name", "litellm_credential_name", "mock_response", "extra_headers",
    "headers", "drop_params", "additional_drop_params", "allowed_openai_params", "cooldown_time",
    "on_disconnect", "model_info", "max_budget", "budget_duration", "use_in_pass_through",
    "use_litellm_proxy", "configurable_clientside_auth_params", "merge_reasoning_content_in_choices",
    "max_file_size_mb", "extra_body", "id", "default_api_key_tpm_limit", "default_api_key_rpm_limit",
    "model_config", "tenant_id", "client_id", "client_secret", "guardrails", "fallbacks", "input_model",
    "ssl_verify", "cache", "caching", "complexity_router_config", "tag_regex", "prompt_id",
    "supports_system_message", "hf_model_name", "bos_token", "eos_token", "roles", "base_model",
    "max_fallbacks", "allowed_fails", "no-log", "disable_add_transform_inline_image_block",
})  # fmt: skip
_STEERING_PREFIXES = (
    "aws_", "azure_", "vertex_", "watsonx_", "litellm_", "mock_", "auto_router_", "s3_", "gcs_",
)  # fmt: skip

_NOT_OF_RESPONSES = frozenset({
    "n", "best_of", "echo", "suffix", "stop", "seed", "logit_bias", "logprobs", "frequency_penalty",
    "presence_penalty", "response_format", "modalities", "audio", "prediction", "functions", "function_call",
    "web_search_options", "stream_options", "dimensions", "encoding_format",
})  # fmt: skip
"""Members of the other endpoints that the Responses API refuses."""
_LIMITS = ("max_completion_tokens", "max_tokens")
_MOVED = {"reasoning_effort": ("reasoning", "effort"), "verbosity": ("text", "verbosity")}
"""Members that the Responses API has within others."""

_encode = msgspec.json.Encoder().encode


def build_defaults(litellm_params: dict[str, object], params: Params) -> dict[str, msgspec.Raw]:
    """Encode the body members that the operator set, those of `extra_body` included.

    Raises ConfigError when a member has no JSON form.
    """
    members = {
        name: value
        for name, value in litellm_params.items()
        if value is not None and not _is_steering(name) and not isinstance(value, Secret)
    }
    members.update(params.mapping("extra_body"))
    return {name: _raw(name, value, params) for name, value in members.items()}


def build_response_defaults(defaults: Mapping[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """The same members for the Responses API: the limit and the effort by its names, without what it lacks.

    https://platform.openai.com/docs/guides/migrate-to-responses
    """
    found = {name: raw for name, raw in defaults.items() if name not in _NOT_OF_RESPONSES}
    for name in _LIMITS:
        if name in found:
            found.setdefault("max_output_tokens", found.pop(name))
    for name, (member, inner) in _MOVED.items():
        if name in found:
            found.setdefault(member, msgspec.Raw(_encode({inner: found.pop(name)})))
    return found


def _is_steering(name: str) -> bool:
    return name in _STEERING or name.startswith(_STEERING_PREFIXES) or is_cost_field(name)


def _raw(name: str, value: object, params: Params) -> msgspec.Raw:
    try:
        return msgspec.Raw(_encode(value))
    except (TypeError, ValueError):
        raise params.wrong(name, "a value that JSON can express") from None
