"""Makes the journal's records of a request; what is the same for all requests of a caller is made once."""

from collections.abc import Mapping

import msgspec

from gateway.domain import Completion, Endpoint, McpCall, Meter, Principal, Scope, ScopeKind, Usage
from gateway.hooks.context import RequestContext
from gateway.spend import metadata
from gateway.spend.records import ChargedRecord, OpenedRecord, clean_json, clean_text

__all__ = ["NO_DETAILS", "CallDetails", "RecordBuilder", "is_plain"]

_NAME_LIMIT = 256
"""Characters of a client-chosen name; six of them must fit the unique indexes of the daily tables."""
_ID_LIMIT = 1_000
_INT_MAX = 2**31 - 1
_JSON_LIMIT_BYTES = 64 * 1024

_encode = msgspec.json.Encoder().encode

_CALL_TYPES: Mapping[Endpoint, tuple[str, str]] = {
    Endpoint.CHAT: ("acompletion", "/chat/completions"),
    Endpoint.COMPLETIONS: ("atext_completion", "/completions"),
    Endpoint.EMBEDDINGS: ("aembedding", "/embeddings"),
    Endpoint.RESPONSES: ("aresponses", "/responses"),
    Endpoint.PASS_THROUGH: ("pass_through_endpoint", "/pass_through_endpoint"),
    Endpoint.MCP: ("call_mcp_tool", "/mcp"),
}


class CallDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What the record of a request shows beside its context and completion.

    `extra_scopes` are the objects whose spend grows beside the caller's own: end user, tags, and the agent
    `agent_id` where the request names one and the key has none.
    `error_code` is the HTTP status of a failure. `messages`, `response` and `proxy_server_request` are JSON,
    given only where prompts are stored, and so are `tool_arguments`, those of a call by MCP. `is_shared` says
    that there are but end user, agent and tags, and that this very object comes with many requests; whoever
    changes a copy of it makes it False.
    `asked_by` is the guardrail whose own call this is, `asked_for` the call id of the request it inspects.
    `stopped` says of a request that a guardrail has refused beside the call how far it had come: `unsent`,
    `under_way` or `answered`.
    """

    end_user: str | None = None
    agent_id: str | None = None
    tags: tuple[str, ...] = ()
    extra_scopes: tuple[Scope, ...] = ()
    session_id: str | None = None
    api_base: str = ""
    max_retries: int | None = None
    error_code: str = ""
    error_class: str = ""
    spend_logs_metadata: msgspec.Raw | None = None
    tools_offered: tuple[str, ...] = ()
    tools_called: tuple[str, ...] = ()
    applied_guardrails: tuple[str, ...] = ()
    guardrail_information: msgspec.Raw | None = None
    messages: msgspec.Raw | None = None
    response: msgspec.Raw | None = None
    proxy_server_request: msgspec.Raw | None = None
    tool_arguments: msgspec.Raw | None = None
    asked_by: str = ""
    asked_for: str = ""
    stopped: str = ""
    is_shared: bool = False


NO_DETAILS = CallDetails(is_shared=True)


class _Caller(msgspec.Struct, frozen=True, gc=False):
    """The encoded parts that are the same for every request of one Principal, which is kept alive by it."""

    principal: Principal
    metadata: bytes
    metadata_text: str
    scopes: bytes
    scopes_text: str
    user: str
    team_id: str | None
    organization_id: str | None
    agent_id: str | None


class _Place(msgspec.Struct, frozen=True, gc=False):
    model_id: str
    model: str
    provider: str


class RecordBuilder:
    """Builds records; remembers the parts of at most `max_callers` callers, by identity.

    A Principal is replaced whole when anything about it changes, so identity is the right key.
    """

    def __init__(self, max_callers: int = 4_096) -> None:
        self._max_callers = max_callers
        self._callers: dict[int, _Caller] = {}
        self._places: dict[tuple[str, str], _Place] = {}

    def build_opened(self, context: RequestContext, details: CallDetails = NO_DETAILS) -> OpenedRecord:
        """The record of an admitted request, with the estimate that the context carries."""
        principal = context.principal
        caller = self._caller(principal)
        call_type, endpoint = _CALL_TYPES[context.endpoint]
        return OpenedRecord(
            charge_id=context.charge_id,
            call_id=clean_text(context.call_id, _ID_LIMIT),
            call_type=call_type,
            endpoint=endpoint,
            api_key=principal.token_hash,
            cost_nanos=context.estimated_cost_nanos,
            started_ms=context.started_nanos // 1_000_000,
            model_group=clean_text(context.routed_model, _NAME_LIMIT),
            total_tokens=min(context.estimated_tokens, _INT_MAX),
            spent_nanos=context.estimated_input_nanos,
            spent_tokens=min(context.estimated_input_tokens, _INT_MAX),
            user=caller.user,
            team_id=caller.team_id,
            organization_id=caller.organization_id,
            end_user=_name(details.end_user),
            agent_id=caller.agent_id or _name(details.agent_id),
            session_id=_name(details.session_id),
            requester_ip_address=context.client_address,
            scopes=_scopes(caller, details, context.charged),
            request_tags=_tags(details.tags),
            metadata=caller.metadata_text,
        )

    def build_charged(
        self, context: RequestContext, completion: Completion, details: CallDetails = NO_DETAILS
    ) -> ChargedRecord:
        """The record of how a request ended: one row of LiteLLM_SpendLogs, filled as LiteLLM 1.106 does."""
        principal = context.principal
        caller = self._caller(principal)
        call_type, endpoint = _CALL_TYPES[context.endpoint]
        usage, charge = completion.usage, completion.charge
        prompt, output = min(usage.prompt_tokens, _INT_MAX), min(usage.completion_tokens, _INT_MAX)
        first, provider_nanos = completion.first_byte_nanos, completion.upstream_nanos
        duration = max(completion.ended_nanos - completion.started_nanos, 0)
        place = self._place(completion)
        goes_plain = details.is_shared and is_plain(context, completion)
        agent = context.head.headers.get("user-agent") if goes_plain else None
        told = None if goes_plain else details
        return ChargedRecord(
            charge_id=completion.charge_id,
            litellm_call_id=clean_text(context.call_id, _ID_LIMIT),
            request_id=clean_text(completion.request_id or context.call_id, _ID_LIMIT),
            call_type=call_type,
            endpoint=endpoint,
            api_key=principal.token_hash,
            cost_nanos=charge.total,
            started_ms=completion.started_nanos // 1_000_000,
            ended_ms=completion.ended_nanos // 1_000_000,
            request_duration_ms=min(duration // 1_000_000, _INT_MAX),
            first_ms=None if first is None else first // 1_000_000,
            status=completion.status,
            model=place.model if place else clean_text(context.routed_model, _NAME_LIMIT),
            model_id=place.model_id if place else "",
            model_group=clean_text(completion.model_group or context.routed_model, _NAME_LIMIT),
            custom_llm_provider=place.provider if place else "",
            api_base=clean_text(details.api_base, _ID_LIMIT) if details.api_base else "",
            total_tokens=min(prompt + output, _INT_MAX),
            prompt_tokens=prompt,
            completion_tokens=output,
            cache_read_input_tokens=usage.cached_tokens,
            cache_creation_input_tokens=usage.cache_creation_tokens,
            user=caller.user,
            team_id=caller.team_id,
            organization_id=caller.organization_id,
            end_user=_name(details.end_user),
            agent_id=caller.agent_id or _name(details.agent_id),
            mcp_namespaced_tool_name=_name(context.tool or None),
            session_id=_name(details.session_id),
            requester_ip_address=context.client_address,
            scopes=_scopes(caller, details, context.charged),
            request_tags=_tags(details.tags) if details.tags else "[]",
            metadata=_metadata(caller, context, completion, told),
            messages=_body(details.messages),
            response=_body(details.response),
            proxy_server_request=_body(details.proxy_server_request),
            is_plain=goes_plain,
            input_nanos=charge.input,
            output_nanos=charge.output,
            overhead_us=(duration - provider_nanos) // 1_000 if provider_nanos else None,
            attempted_retries=completion.attempted_retries,
            attempted_fallbacks=completion.attempted_fallbacks,
            user_agent=metadata.build_user_agent(agent),
        )

    def _place(self, completion: Completion) -> "_Place | None":
        """Where the request was answered, its names cleaned once per deployment and model."""
        if completion.deployment_id is None:
            return None
        key = completion.deployment_id, completion.upstream_model or ""
        found = self._places.get(key)
        if found is None:
            if len(self._places) >= self._max_callers:
                self._places.clear()
            names = (*key, completion.provider or "")
            found = self._places[key] = _Place(*(clean_text(name, _NAME_LIMIT) for name in names))
        return found

    def _caller(self, principal: Principal) -> _Caller:
        caller = self._callers.get(id(principal))
        if caller is None:
            if len(self._callers) >= self._max_callers:
                self._callers.clear()
            caller = _build_caller(principal)
            self._callers[id(principal)] = caller
        return caller


def is_plain(context: RequestContext, completion: Completion) -> bool:
    """Whether the columns say everything about a request, so that SQL can put its metadata together.

    Its tokens are but prompt and completion, stated by the provider, and its cost is theirs and the price of
    a request.
    """
    usage, charge = completion.usage, completion.charge
    return (
        completion.status == "success"
        and charge.is_priced
        and (completion.upstream_model is not None or context.tool_call is not None)
        and not completion.is_client_gone
        and not context.policies
        and context.model == context.routed_model
        # The parts of a charge are never negative and add up to its total.
        and charge.input + charge.output + charge.per_request == charge.total
        and usage == Usage(usage.prompt_tokens, usage.completion_tokens)
    )


def _build_caller(principal: Principal) -> _Caller:
    encoded = metadata.encode_principal(principal)
    scopes = _encode([_scope_parts(scope, principal) for scope in principal.scopes])
    return _Caller(
        principal=principal,
        metadata=encoded,
        metadata_text=clean_json(encoded),
        scopes=scopes,
        scopes_text=clean_json(scopes),
        user=clean_text(principal.user_id or "", _ID_LIMIT),
        team_id=_id(principal.team_id),
        organization_id=_id(principal.organization_id),
        agent_id=_id(principal.agent_id),
    )


def _metadata(
    caller: _Caller, context: RequestContext, completion: Completion, details: CallDetails | None
) -> str:
    """What no column says, without `details` of a request that is plain."""
    call = context.tool_call
    if details is not None:
        return metadata.extend(caller.metadata, _request_metadata(context, completion, details))
    if call is None:
        return caller.metadata_text
    return metadata.add_tool_call(caller.metadata, _describe(call, context))


def _request_metadata(
    context: RequestContext, completion: Completion, details: CallDetails
) -> metadata.RequestMetadata:
    charge, usage, provider_nanos = completion.charge, completion.usage, completion.upstream_nanos
    is_failure = completion.status != "success"
    agent = context.head.headers.get("user-agent")
    model = completion.upstream_model
    own_nanos = completion.ended_nanos - completion.started_nanos - provider_nanos
    return metadata.RequestMetadata(
        status=completion.status,
        litellm_call_id=clean_text(context.call_id, _ID_LIMIT),
        gatewright=_build_marks(completion, details),
        attempted_retries=completion.attempted_retries,
        max_retries=details.max_retries,
        attempted_fallbacks=completion.attempted_fallbacks,
        original_model_group=context.model if context.model != context.routed_model else None,
        usage_object=metadata.build_usage(usage),
        additional_usage_values=metadata.build_additional_usage(usage),
        cost_breakdown=metadata.build_breakdown(charge),
        model_map_information=metadata.build_model_map(model) if model else None,
        error_information=(
            metadata.build_error(completion, details.error_code, details.error_class) if is_failure else None
        ),
        litellm_overhead_time_ms=own_nanos / 1e6 if provider_nanos else None,
        requester_ip_address=context.client_address,
        user_agent=metadata.build_user_agent(agent),
        spend_logs_metadata=_limited(details.spend_logs_metadata),
        applied_guardrails=details.applied_guardrails,
        guardrail_information=details.guardrail_information,
        applied_policies=tuple(name for name, _ in context.policies),
        policy_sources=dict(context.policies),
        mcp_tool_call_metadata=_build_tool_call(context, details),
    )


def _build_tool_call(context: RequestContext, details: CallDetails) -> metadata.McpToolCall | None:
    call = context.tool_call
    return None if call is None else _describe(call, context, _limited(details.tool_arguments))


def _describe(
    call: McpCall, context: RequestContext, arguments: msgspec.Raw | None = None
) -> metadata.McpToolCall:
    return metadata.McpToolCall(
        name=clean_text(call.name, _NAME_LIMIT),
        mcp_server_name=clean_text(call.server, _NAME_LIMIT),
        namespaced_tool_name=clean_text(context.tool, _NAME_LIMIT),
        mcp_server_logo_url=_name(call.logo_url),
        arguments=arguments,
    )


def _build_marks(completion: Completion, details: CallDetails) -> metadata.GatewrightMarks:
    charge, is_estimated, is_gone = (
        completion.charge,
        completion.usage.is_estimated,
        completion.is_client_gone,
    )
    has_tools = details.tools_offered or details.tools_called
    is_special = is_estimated or is_gone or has_tools or details.asked_by or details.stopped
    if charge.is_priced and not is_special:
        return metadata.GatewrightMarks(charge_id=completion.charge_id, cost_nanos=charge.total)
    return metadata.GatewrightMarks(
        charge_id=completion.charge_id,
        cost_nanos=charge.total,
        unpriced=not charge.is_priced,
        estimated=is_estimated,
        client_gone=is_gone,
        tools_offered=details.tools_offered,
        tools_called=details.tools_called,
        guardrail=clean_text(details.asked_by, _NAME_LIMIT),
        guarded_call_id=clean_text(details.asked_for, _ID_LIMIT),
        stopped=details.stopped,
    )


def _scope_parts(scope: Scope, principal: Principal) -> list[str]:
    """A scope as `[kind, id]`; a member's id is split, because either half may hold a colon."""
    owner = {
        ScopeKind.TEAM_MEMBER: principal.team_id,
        ScopeKind.ORGANIZATION_MEMBER: principal.organization_id,
    }.get(scope.kind)
    if owner and scope.id.endswith(f":{owner}"):
        return [scope.kind, scope.id[: -len(owner) - 1], owner]
    return [scope.kind, scope.id]


def _scopes(caller: _Caller, details: CallDetails, charged: tuple[Scope, ...]) -> str:
    """All scopes whose spend grows: the caller's, those that the request names, and what budgets count."""
    if not details.extra_scopes and not charged:
        return caller.scopes_text
    named = [[scope.kind, clean_text(scope.id, _NAME_LIMIT)] for scope in details.extra_scopes]
    extra = _encode([*named, *map(_charged_parts, charged)])
    own = caller.scopes[:-1]
    return clean_json(own + (b"," if len(own) > 1 else b"") + extra[1:])


def _charged_parts(scope: Scope) -> list[str | int]:
    """A meter as `["meter", kind, id, model, period, end]`, the end in milliseconds since 1970."""
    if isinstance(scope, Meter):
        return ["meter", scope.kind, scope.id, scope.model, scope.period, scope.ends_ms]
    return [scope.kind, clean_text(scope.id, _NAME_LIMIT)]


def _tags(tags: tuple[str, ...]) -> str:
    return _encode([clean_text(tag, _NAME_LIMIT) for tag in tags]).decode() if tags else "[]"


def _name(text: str | None) -> str | None:
    return None if text is None else clean_text(text, _NAME_LIMIT)


def _id(text: str | None) -> str | None:
    """The id of an object of the database: its totals go by all of it, and so must its records."""
    return None if text is None else clean_text(text, _ID_LIMIT)


def _limited(value: msgspec.Raw | None) -> msgspec.Raw | None:
    """JSON that a client sent, or how long it was where it is too long to keep."""
    if value is None or len(bytes(value)) <= _JSON_LIMIT_BYTES:
        return value
    return msgspec.Raw(_encode({"truncated_bytes": len(bytes(value))}))


def _body(value: msgspec.Raw | None) -> str | None:
    limited = _limited(value)
    return None if limited is None else clean_json(bytes(limited))
