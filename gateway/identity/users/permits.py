"""What whom may do to internal users, member by member."""

from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource

__all__ = ["CHANGE_USER", "CHANGE_USERS", "MAKE_USER", "SEE_ANY_USER", "SEE_USER"]

# Listed is what may be set; whatever the contract adds later is refused until somebody has thought about it.
_ORGANIZATION_ADMIN_FIELDS = frozenset(
    {
        *("user_id", "user_email", "user_alias", "user_role", "organizations", "auto_create_key", "teams"),
        *("max_budget", "budget_duration", "models", "tpm_limit", "rpm_limit", "max_parallel_requests"),
        *("metadata", "key_alias", "duration"),
    }
)
_OWN_FIELDS = frozenset({"user_id", "user_alias", "metadata"})

MAKE_USER = Permit(
    resource=Resource.USER,
    action=Action.CREATE,
    fields={Party.PROXY_ADMIN: ALL, Party.ORGANIZATION_ADMIN: _ORGANIZATION_ADMIN_FIELDS},
)
CHANGE_USER = Permit(
    resource=Resource.USER,
    action=Action.UPDATE,
    fields={Party.PROXY_ADMIN: ALL, Party.OWNER: _OWN_FIELDS},
)
CHANGE_USERS = allow(Resource.USER, Action.UPDATE)
"""Many users at once."""
SEE_USER = allow(Resource.USER, Action.READ, Party.OWNER)
SEE_ANY_USER = Permit(
    resource=Resource.USER,
    action=Action.READ,
    fields={**SEE_USER.fields, Party.ORGANIZATION_ADMIN: ALL},
)
