"""What whom may do to models, member by member."""

from gateway.permits.permit import ALL, Permit
from gateway.permits.terms import Action, Party, Resource

__all__ = ["CHANGE_MODEL", "DELETE_MODEL", "MAKE_MODEL"]

# Listed is what may be said of a team's model. What is missing is the operator's: named credentials, prices,
# budgets, access groups, tags, ids, headers, what clients may choose, and what is to come.
_PARAMS = frozenset(
    {
        *("model", "custom_llm_provider", "api_key", "api_base", "base_url", "api_version", "organization"),
        *("azure_ad_token", "rpm", "tpm", "weight", "order", "max_parallel_requests", "timeout"),
        *("stream_timeout", "max_retries", "cooldown_time", "region_name", "drop_params"),
        *("additional_drop_params", "allowed_openai_params", "temperature", "top_p", "top_k", "max_tokens"),
        *("max_completion_tokens", "stop", "seed", "presence_penalty", "frequency_penalty"),
        *("reasoning_effort", "response_format"),
    }
)
_INFO = frozenset(
    {
        *("team_id", "mode", "max_tokens", "max_input_tokens", "max_output_tokens", "description"),
        *("metadata", "db_model", "supports_vision", "supports_function_calling", "supports_reasoning"),
        *("supports_web_search", "supports_parallel_function_calling", "supports_url_context"),
    }
)
_TENANTS_FIELDS = frozenset(
    {
        *("model_name", "litellm_params", "model_info"),
        *(f"litellm_params.{name}" for name in _PARAMS),
        *(f"model_info.{name}" for name in _INFO),
    }
)
_FIELDS = {
    Party.PROXY_ADMIN: ALL,
    Party.ORGANIZATION_ADMIN: _TENANTS_FIELDS,
    Party.TEAM_ADMIN: _TENANTS_FIELDS,
}

MAKE_MODEL = Permit(resource=Resource.MODEL, action=Action.CREATE, fields=_FIELDS)
CHANGE_MODEL = Permit(
    resource=Resource.MODEL,
    action=Action.UPDATE,
    fields=_FIELDS
    | {
        # To move a model to another team is to give it to somebody else.
        Party.ORGANIZATION_ADMIN: _TENANTS_FIELDS - {"model_info.team_id"},
        Party.TEAM_ADMIN: _TENANTS_FIELDS - {"model_info.team_id"},
    },
)
DELETE_MODEL = Permit(resource=Resource.MODEL, action=Action.DELETE, fields=dict.fromkeys(_FIELDS, ALL))
