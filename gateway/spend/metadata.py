"""The member `metadata` of a spend row, with the names that readers of LiteLLM's rows know."""

import msgspec

from gateway.domain import Charge, Completion, Principal, Usage
from gateway.money import usd_from_nanos
from gateway.spend.records import clean_json, clean_text

__all__ = [
    "ErrorInformation",
    "GatewrightMarks",
    "McpToolCall",
    "PrincipalMetadata",
    "RequestMetadata",
    "add_tool_call",
    "build_additional_usage",
    "build_breakdown",
    "build_error",
    "build_model_map",
    "build_usage",
    "build_user_agent",
    "encode_principal",
    "extend",
]

_TEXT_LIMIT = 2_000
_encode = msgspec.json.Encoder().encode


class PrincipalMetadata(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What every row of one caller says about the caller and no column does; SQL adds what columns do."""

    user_api_key_alias: str | None = None
    user_api_key_team_alias: str | None = None
    user_api_key_project_id: str | None = None
    user_api_key_project_alias: str | None = None


class GatewrightMarks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What Gatewright adds, in a member of its own: the charge id and exact nano-dollars of the books."""

    charge_id: str
    cost_nanos: int
    unpriced: bool = False
    interrupted: bool = False
    estimated: bool = False
    client_gone: bool = False
    tools_offered: tuple[str, ...] = ()
    tools_called: tuple[str, ...] = ()
    guardrail: str = ""
    guarded_call_id: str = ""
    stopped: str = ""


class _TokenDetails(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    cached_tokens: int = 0
    cache_creation_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    reasoning_tokens: int = 0


class _UsageObject(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: _TokenDetails | None = None
    completion_tokens_details: _TokenDetails | None = None


class _AdditionalUsage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    images: int = 0


class _CostBreakdown(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Amounts in USD."""

    input_cost: float
    output_cost: float
    total_cost: float
    cache_read_cost: float = 0.0
    cache_creation_cost: float = 0.0
    reasoning_cost: float = 0.0
    per_request_cost: float = 0.0
    tool_usage_cost: float = 0.0


class ErrorInformation(msgspec.Struct, frozen=True, gc=False):
    """Why a request failed; there is never a traceback, which could carry secrets."""

    error_code: str
    error_class: str
    error_message: str
    llm_provider: str
    traceback: str = ""


class McpToolCall(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Which tool of an MCP server was called, and with what, where that is stored."""

    name: str
    mcp_server_name: str
    namespaced_tool_name: str
    mcp_server_logo_url: str | None = None
    arguments: msgspec.Raw | None = None


class _ToolMember(msgspec.Struct, frozen=True, gc=False):
    mcp_tool_call_metadata: McpToolCall


class _ModelMap(msgspec.Struct, frozen=True, gc=False):
    model_map_key: str
    model_map_value: None = None


class RequestMetadata(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What one row says about one request; durations are milliseconds."""

    status: str
    litellm_call_id: str
    gatewright: GatewrightMarks
    attempted_retries: int = 0
    max_retries: int | None = None
    attempted_fallbacks: int = 0
    original_model_group: str | None = None
    usage_object: _UsageObject | None = None
    additional_usage_values: _AdditionalUsage | None = None
    cost_breakdown: _CostBreakdown | None = None
    model_map_information: _ModelMap | None = None
    error_information: ErrorInformation | None = None
    litellm_overhead_time_ms: float | None = None
    requester_ip_address: str | None = None
    user_agent: str | None = None
    spend_logs_metadata: msgspec.Raw | None = None
    applied_guardrails: tuple[str, ...] = ()
    guardrail_information: msgspec.Raw | None = None
    applied_policies: tuple[str, ...] = ()
    policy_sources: dict[str, str] = {}
    mcp_tool_call_metadata: McpToolCall | None = None


def encode_principal(principal: Principal) -> bytes:
    """The JSON object of a caller's part; the same bytes for every request of one Principal."""
    return _encode_safely(
        PrincipalMetadata(
            principal.key_alias, principal.team_alias, principal.project_id, principal.project_alias
        )
    )


def extend(caller: bytes, request: RequestMetadata) -> str:
    """One JSON object with the members of both, without decoding either."""
    return _join(caller, _encode_safely(request))


def add_tool_call(caller: bytes, call: McpToolCall) -> str:
    """One JSON object with the members of a caller's part and the call of a tool."""
    return _join(caller, _encode_safely(_ToolMember(call)))


def _join(caller: bytes, own: bytes) -> str:
    return clean_json(caller[:-1] + b"," + own[1:] if len(caller) > len(b"{}") else own)


def build_user_agent(agent: str | None) -> str | None:
    """The header as it is shown: bounded, and None where the client sent none."""
    return None if agent is None else clean_text(agent, _TEXT_LIMIT)


def build_usage(usage: Usage) -> _UsageObject:
    """The usage object as OpenAI shapes it; details only where there are any."""
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    if not (usage.cached_tokens or usage.reasoning_tokens or _has_details(usage)):
        return _UsageObject(prompt, completion, prompt + completion)
    inputs = _TokenDetails(
        usage.cached_tokens,
        usage.cache_creation_tokens,
        usage.audio_input_tokens,
        usage.image_input_tokens,
    )
    outputs = _TokenDetails(
        audio_tokens=usage.audio_output_tokens,
        image_tokens=usage.image_output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
    )
    has_outputs = usage.audio_output_tokens or usage.image_output_tokens or usage.reasoning_tokens
    return _UsageObject(prompt, completion, prompt + completion, inputs, outputs if has_outputs else None)


def build_additional_usage(usage: Usage) -> _AdditionalUsage | None:
    """The counts that have no column of their own in the row."""
    if not (usage.cached_tokens or usage.cache_creation_tokens or usage.images):
        return None
    return _AdditionalUsage(usage.cached_tokens, usage.cache_creation_tokens, usage.images)


def build_breakdown(charge: Charge) -> _CostBreakdown:
    """The parts of a charge in USD."""
    if not (charge.cache_read or charge.cache_creation or charge.reasoning or charge.per_request):
        return _CostBreakdown(
            usd_from_nanos(charge.input), usd_from_nanos(charge.output), usd_from_nanos(charge.total)
        )
    return _CostBreakdown(
        usd_from_nanos(charge.input),
        usd_from_nanos(charge.output),
        usd_from_nanos(charge.total),
        usd_from_nanos(charge.cache_read),
        usd_from_nanos(charge.cache_creation),
        usd_from_nanos(charge.reasoning),
        usd_from_nanos(charge.per_request),
    )


def build_error(completion: Completion, code: str, error_class: str) -> ErrorInformation:
    """What the row of a failed request says about the failure."""
    return ErrorInformation(
        code,
        error_class or completion.error_type or "",
        clean_text(completion.error_message or "", _TEXT_LIMIT),
        completion.provider or "",
    )


def build_model_map(model: str) -> _ModelMap:
    """Which entry of the price list the request was priced by."""
    return _ModelMap(model)


def _encode_safely(value: PrincipalMetadata | RequestMetadata | _ToolMember) -> bytes:
    """Encode a struct of which some text may hold lone surrogates, as addresses and headers can."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        return _encode(_without_surrogates(_members(value)))


def _members(value: PrincipalMetadata | RequestMetadata | _ToolMember) -> object:
    """A struct as plain values; what is encoded already stays so, as msgspec cannot take it apart."""
    if not isinstance(value, RequestMetadata) or value.spend_logs_metadata is None:
        return msgspec.to_builtins(value)
    members = msgspec.to_builtins(msgspec.structs.replace(value, spend_logs_metadata=None))
    return {**members, "spend_logs_metadata": value.spend_logs_metadata}


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        members: dict[str, object] = value  # pyright: ignore[reportUnknownVariableType]  builtins of a struct
        return {name: _without_surrogates(member) for name, member in members.items()}
    return value


def _has_details(usage: Usage) -> bool:
    return bool(
        usage.cache_creation_tokens
        or usage.audio_input_tokens
        or usage.image_input_tokens
        or usage.audio_output_tokens
        or usage.image_output_tokens
    )
