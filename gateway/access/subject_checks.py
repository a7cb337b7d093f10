"""Whether what a request names may be named at all, and what its agents demand."""

from collections.abc import Iterable

from gateway.access.body_rules import check_trace_id
from gateway.access.tools import check_named_objects
from gateway.domain import ScopeKind, Subject
from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.hooks import RequestContext

__all__ = ["check_agents", "check_demands", "check_subjects", "may_be_refused", "unreadable"]

_WORDS = {ScopeKind.END_USER: "End User", ScopeKind.TAG: "Tag", ScopeKind.AGENT: "Agent"}


def may_be_refused(subject: Subject) -> bool:
    """Whether a check on what a request names can refuse anything because of this subject."""
    return bool(
        subject.is_blocked
        or subject.unreadable
        or subject.grants
        or subject.agent_rules is not None
        or subject.permission is not None
    )


def check_subjects(subjects: Iterable[Subject]) -> None:
    """Raise AuthenticationFailed for a blocked subject, PermissionDenied for one that cannot be read."""
    for subject in subjects:
        if subject.is_blocked:
            word = _WORDS.get(subject.scope.kind, subject.scope.kind.value)
            raise AuthenticationFailed(
                f"Authentication Error, {word}={subject.scope.id} is blocked. "
                "Update via `/customer/unblock` if you're an admin.",
                param="user" if subject.scope.kind is ScopeKind.END_USER else None,
            )
        if subject.unreadable:
            raise unreadable(subject.unreadable[0], subject.scope.kind, subject.scope.id)


def check_agents(context: RequestContext) -> None:
    """Raise BadRequest where an agent that the request names demands a trace id and there is none."""
    for subject in context.subjects:
        if subject.agent_rules is not None and subject.agent_rules.requires_trace_id:
            check_trace_id(context)


def check_demands(context: RequestContext) -> None:
    """Do what `check_agents` and `check_named_objects` do, in one look at what the request names."""
    # Every request that names somebody passes here.
    has_permission = False
    for subject in context.subjects:
        rules = subject.agent_rules
        if rules is not None and rules.requires_trace_id:
            check_trace_id(context)
        if subject.permission is not None:
            has_permission = True
    if has_permission:
        check_named_objects(context)


def unreadable(setting: str, kind: ScopeKind, name: str | None) -> PermissionDenied:
    """Build the refusal for a stored setting that nobody can read; `name` is what its owner is known by."""
    return PermissionDenied(
        f"The setting '{setting}' of {kind.value} '{name}' is stored in a form that cannot be read, "
        "and it may be a restriction. An administrator has to set it anew.",
        param=setting,
    )
