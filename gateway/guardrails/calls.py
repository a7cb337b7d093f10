"""What guardrails are told of a call: whose it is."""

from gateway.domain import ScopeKind
from gateway.hooks import RequestContext
from gateway.sdk import GuardrailCall

__all__ = ["describe_call"]


def describe_call(context: RequestContext) -> GuardrailCall:
    """Whose call it is; the name of the guardrail that is told of it is still open."""
    principal, headers = context.principal, context.head.headers
    end_users = (one.scope.id for one in context.subjects if one.scope.kind is ScopeKind.END_USER)
    return GuardrailCall(
        guardrail="",
        call_id=context.call_id,
        model=context.model,
        key_hash=principal.token_hash or None,
        key_alias=principal.key_alias,
        team_id=principal.team_id,
        team_alias=principal.team_alias,
        user_id=principal.user_id,
        user_email=principal.user_email,
        organization_id=principal.organization_id,
        end_user_id=principal.end_user_id or next(end_users, None),
        trace_id=headers.get("x-litellm-trace-id") or headers.get("x-litellm-session-id"),
        is_stream=context.is_stream,
    )
