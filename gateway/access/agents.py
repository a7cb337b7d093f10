"""Whether a request may speak for the agent that it names."""

from gateway.domain import ObjectPermission, ScopeKind
from gateway.hooks import RequestContext
from gateway.sdk.permissions import check_agent

__all__ = ["check_named_agent", "restricts_agents"]

_HEADER = "x-litellm-agent-id"
_NAME_LIMIT = 256


def check_named_agent(context: RequestContext) -> None:
    """Raise PermissionDenied for a named agent that an owner may not use.

    A key that belongs to an agent speaks for that one, whatever its requests name.
    """
    named = context.head.headers.get(_HEADER, "").strip()[:_NAME_LIMIT]
    if not named or context.principal.agent_id is not None:
        return
    scopes = (one for one in context.subjects if one.scope.kind is ScopeKind.AGENT)
    groups = next((one.groups for one in scopes if one.scope.id == named), ())
    check_agent(context.principal, context.subjects, named, groups)


def restricts_agents(permission: ObjectPermission) -> bool:
    """Whether this permission could refuse an agent."""
    return bool(permission.agents or permission.agent_access_groups) or not permission.is_readable
