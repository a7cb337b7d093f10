"""As a member of which team a caller who has several asks for a model."""

from gateway.access.aliases import follow_aliases
from gateway.access.model_access import is_model_allowed
from gateway.access.reach import find_group
from gateway.domain import Principal
from gateway.hooks import RequestContext
from gateway.runtime import Snapshot

__all__ = ["settle_team"]


def settle_team(snapshot: Snapshot, context: RequestContext) -> None:
    """Have the first of the caller's teams ask that may use the model; the first of all where none may."""
    principal = context.principal
    for candidate in (principal, *principal.alternatives):
        if _may_use(snapshot, candidate, context.model):
            context.principal = candidate
            return


def _may_use(snapshot: Snapshot, candidate: Principal, model: str) -> bool:
    routed = follow_aliases(candidate, model)
    routed = snapshot.catalog.team_models.names.get((candidate.team_id or "", routed), routed)
    routed = snapshot.catalog.aliases.get(routed, routed)
    if not is_model_allowed(snapshot.model_lists, candidate, model, routed):
        return False
    return find_group(snapshot.catalog, routed, candidate) is not None
