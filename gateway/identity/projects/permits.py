"""What whom may do to projects, member by member."""

from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["CHANGE_PROJECT", "DELETE_PROJECT", "MAKE_PROJECT", "SEE_PROJECT"]

# Listed is what may be set; whatever the contract adds later is refused until somebody has thought about it.
_TEAM_ADMIN_FIELDS = frozenset(
    {
        *("team_id", "project_id", "project_alias", "description", "models", "metadata", "blocked"),
        *("max_budget", "soft_budget", "budget_duration", "max_parallel_requests", "tpm_limit", "rpm_limit"),
        *("tpd_limit", "model_max_budget", "model_rpm_limit", "model_tpm_limit", "model_itpm_limit"),
        *("model_otpm_limit",),
    }
)
_FIELDS = {
    Party.PROXY_ADMIN: ALL,
    Party.ORGANIZATION_ADMIN: _TEAM_ADMIN_FIELDS,
    Party.TEAM_ADMIN: _TEAM_ADMIN_FIELDS,
}

MAKE_PROJECT = Permit(resource=Resource.PROJECT, action=Action.CREATE, fields=_FIELDS)
CHANGE_PROJECT = Permit(resource=Resource.PROJECT, action=Action.UPDATE, fields=_FIELDS)
DELETE_PROJECT = allow(Resource.PROJECT, Action.DELETE)
SEE_PROJECT = allow(
    Resource.PROJECT, Action.READ, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.TEAM_MEMBER, Party.OWNER
)
"""`OWNER` is a key of the project or of its team."""
