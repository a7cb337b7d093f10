"""Body members by which a caller could choose the upstream, a credential or a price."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from gateway.access.client_choices import ClientChoices
from gateway.errors import BannedParameter
from gateway.hooks import RequestBody
from gateway.wire.openai import ORDINARY_MEMBERS

__all__ = ["check_banned"]

_UPSTREAM = {
    *("api_base", "api_key", "base_url", "api_version", "api_type", "custom_llm_provider", "model_list"),
    *("user_config", "router_settings_override", "litellm_params", "litellm_credential_name"),
    *("client", "ssl_verify", "ssl_certificate", "proxy_url", "vertex_ai_credentials"),
    *("vertex_credentials", "vertex_project", "vertex_location", "azure_ad_token", "azure_ad_token_provider"),
    *("azure_scope", "tenant_id", "client_id", "client_secret", "azure_username", "azure_password"),
    *("aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_profile_name"),
    *("aws_role_name", "aws_session_name", "aws_region_name", "aws_web_identity_token"),
    *("aws_sts_endpoint", "aws_bedrock_runtime_endpoint", "aws_external_id", "s3_bucket_name"),
    *("watsonx_region_name", "oci_key", "oci_key_file", "gcs_bucket_name", "gcs_path_service_account"),
    *("langfuse_public_key", "langfuse_secret", "langfuse_secret_key", "langfuse_host"),
    *("langsmith_api_key", "langsmith_base_url", "turn_off_message_logging"),
    *("model_info", "custom_pricing", "base_model"),
    *(
        f"cache_{what}_input_token_cost{tier}"
        for what in ("read", "creation")
        for tier in ("", "_above_1hr", "_above_200k_tokens", "_flex", "_priority", "_batches")
    ),
}
# These name real things inside `metadata` and in options of guardrails; at the top level they reach
# the upstream.
_ONLY_AT_TOP = frozenset({"organization", "extra_body", "model_info", "base_model", "client", "client_id"})
_AT_TOP = frozenset(_UPSTREAM) | _ONLY_AT_TOP
_NESTED = frozenset(_UPSTREAM) - _ONLY_AT_TOP
_PRICE_MARK = "_cost_per_"

# The members whose insides reach the gateway's own options; what a conversation or a tool's schema
# says is nobody's business here.
_CONTAINERS = frozenset(
    {
        *("metadata", "litellm_metadata", "guardrails", "policies", "prompt_variables", "cache"),
        *("fallbacks", "context_window_fallbacks", "content_policy_fallbacks"),
    }
)
# Each begins with a literal, which the regular expression engine looks for at the speed of memchr. An escape
# could spell any name, so a backslash asks for a closer look too.
_SUSPECT_NAME = re.compile(rb'"(?:%b)"' % b"|".join(re.escape(name.encode()) for name in sorted(_NESTED)))
_SUSPECT_PRICE = re.compile(_PRICE_MARK.encode())
_ESCAPE = re.compile(rb"\\")


def check_banned(body: RequestBody, model: str = "", choices: ClientChoices | None = None) -> bool:
    """Raise BannedParameter naming the path of the first member that a caller may not send.

    `choices` knows what may be sent to a model all the same, at the top level. Returns whether there is such
    a member. Nested containers are decoded only when their bytes make it possible that they hold one.
    """
    members = body.members
    if ORDINARY_MEMBERS.issuperset(members):
        return False
    does_choose = not _AT_TOP.isdisjoint(members)
    if does_choose:
        for name in members:
            if name in _AT_TOP and not (choices is not None and choices.may_choose(model, name)):
                raise _refusal(name)
    # One search over all names; the mark has no line feed, so none is found across two of them.
    if _PRICE_MARK in "\n".join(members):
        raise _refusal(next(name for name in members if _PRICE_MARK in name))
    if not _CONTAINERS.isdisjoint(members):
        _check_containers(body)
    return does_choose


def _check_containers(body: RequestBody) -> None:
    for name, raw in body.members.items():
        if name in _CONTAINERS and _is_suspect(raw):
            _walk(body.read(name), name)


def _is_suspect(raw: msgspec.Raw) -> bool:
    return bool(_SUSPECT_NAME.search(raw) or _SUSPECT_PRICE.search(raw) or _ESCAPE.search(raw))


def _walk(value: object, path: str) -> None:
    """Go through a decoded value; its depth was bounded when the body was read."""
    if isinstance(value, dict):
        for name, inner in cast("Mapping[str, object]", value).items():  # JSON objects have text keys
            if name in _NESTED or _PRICE_MARK in name:
                raise _refusal(f"{path}.{name}")
            _walk(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for index, inner in enumerate(cast("Sequence[object]", value)):  # of unknown JSON values
            _walk(inner, f"{path}[{index}]")


def _refusal(path: str) -> BannedParameter:
    return BannedParameter(
        f"Rejected Request: '{path}' is not allowed in the request body. "
        "Upstream addresses, credentials and prices are set by the gateway's administrator.",
        param=path,
    )
