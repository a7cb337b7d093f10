"""Whom a request is for, where only customers and users who are known count."""

import msgspec

from gateway.domain import Principal, Scope, ScopeKind
from gateway.hooks import RequestContext
from gateway.identity.subjects import Subjects
from gateway.runtime import Gateway, Snapshot
from gateway.spend.builder import CallDetails

__all__ = ["attribute_call", "keep_known_end_user"]


async def attribute_call(gateway: Gateway, snapshot: Snapshot, context: RequestContext) -> CallDetails:
    """On whose account a call goes beside its key. Raises as `keep_known_end_user`."""
    details = gateway.parts.attribution.read(context)
    if snapshot.settings.access.validates_end_users:
        return await keep_known_end_user(gateway.parts.subjects, context.principal, details)
    return details


async def keep_known_end_user(subjects: Subjects, principal: Principal, details: CallDetails) -> CallDetails:
    """Return the details without an end user whom nobody knows: the request is then for nobody in particular.

    Raises DatabaseUnavailable for a name that is not known here while the database does not answer.
    """
    if details.end_user is None:
        return details
    named = Scope(ScopeKind.END_USER, details.end_user)
    if await subjects.is_somebody(principal, named):
        return details
    others = tuple(scope for scope in details.extra_scopes if scope != named)
    return msgspec.structs.replace(details, end_user=None, extra_scopes=others, is_shared=False)
