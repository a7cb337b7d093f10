"""Field by field: what who does not administer the gateway may say of a team's model."""

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.domain import Deployment
from gateway.errors import BadRequest
from gateway.identity.rights import refuse_field
from gateway.upstream.address_guard import AddressGuard

__all__ = ["check_address", "check_tenants_fields"]

# Listed is what may be said. What is missing is the operator's: credentials by name, prices, budgets, access
# groups, tags, ids, what clients may choose, headers, and whatever the contract adds later.
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
        *("metadata", "db_model"),
    }
)
_REASON = "Only proxy admins can set it."


def check_tenants_fields(params: Mapping[str, object], info: Mapping[str, object]) -> None:
    """Raise PermissionDenied naming the first member that is the operator's to set; nulls say nothing."""
    for name, value in params.items():
        if name not in _PARAMS and value is not None:
            raise refuse_field(f"litellm_params.{name}", "team's model", _REASON)
    for name, value in info.items():
        if name not in _INFO and not name.startswith("supports_") and value is not None:
            raise refuse_field(f"model_info.{name}", "team's model", _REASON)


def check_address(deployment: Deployment, guard: AddressGuard) -> None:
    """Raise BadRequest for a tenant's address that is plainly not public.

    A name is not looked up here: the client looks at every connection where it leads.
    """
    try:
        host = urlsplit(deployment.api_base).hostname or ""
    except ValueError:
        host = ""
    is_local = host in {"", "localhost"} or host.endswith((".localhost", ".local", ".internal"))
    if is_local or (_is_literal(host) and not guard.is_allowed(host)):
        message = "A team's model has a public address; this one leads into a network that is not for teams."
        raise BadRequest(message, param="litellm_params.api_base", type="bad_request_error")


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
