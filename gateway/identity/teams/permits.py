"""What whom may do to teams, member by member."""

from gateway.identity.keys.permits import CHANGE_KEY
from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource

__all__ = [
    "ADD_MANY_MEMBERS",
    "ADD_MEMBERS",
    "BLOCK_TEAM",
    "CHANGE_MEMBERS",
    "CHANGE_MODELS",
    "CHANGE_TEAM",
    "CHANGE_TEAM_KEYS",
    "DELETE_TEAM",
    "DISABLE_LOGGING",
    "MAKE_TEAM",
    "SEE_CALLBACKS",
    "SEE_PERMISSIONS",
    "SEE_TEAM",
]

# Listed is what may be set; whatever the contract adds later is refused until somebody has thought about it.
_ADMINISTRATORS = (Party.PROXY_ADMIN, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN)
_TEAM_ADMIN_FIELDS = frozenset(
    {
        *("team_id", "team_alias", "metadata", "models", "default_team_member_models", "model_aliases"),
        *("max_budget", "soft_budget", "tpm_limit", "rpm_limit", "tpd_limit", "max_parallel_requests"),
        *("team_member_budget", "team_member_budget_duration", "team_member_rpm_limit"),
        *("team_member_tpm_limit", "team_member_key_duration", "denied_passthrough_routes", "prompts"),
    }
)
_ORGANIZATION_ADMIN_FIELDS = _TEAM_ADMIN_FIELDS | {
    *("organization_id", "budget_duration", "budget_limits", "blocked", "access_group_ids", "admins"),
    *("members", "members_with_roles", "team_member_permissions", "model_max_budget", "tags"),
    *("guardrails", "policies", "object_permission", "model_rpm_limit", "model_tpm_limit"),
    *("mcp_rpm_limit", "rpm_limit_type", "tpm_limit_type", "default_estimated_output_tokens"),
    *("default_estimated_output_tokens_per_model",),
}

MAKE_TEAM = Permit(
    resource=Resource.TEAM,
    action=Action.CREATE,
    fields={Party.PROXY_ADMIN: ALL, Party.ORGANIZATION_ADMIN: _ORGANIZATION_ADMIN_FIELDS},
)
CHANGE_TEAM = Permit(
    resource=Resource.TEAM,
    action=Action.UPDATE,
    fields={
        Party.PROXY_ADMIN: ALL,
        Party.ORGANIZATION_ADMIN: _ORGANIZATION_ADMIN_FIELDS,
        Party.TEAM_ADMIN: _TEAM_ADMIN_FIELDS,
    },
)
BLOCK_TEAM = allow(Resource.TEAM, Action.BLOCK, Party.ORGANIZATION_ADMIN)
DELETE_TEAM = allow(Resource.TEAM, Action.DELETE, Party.ORGANIZATION_ADMIN)
CHANGE_MEMBERS = allow(Resource.TEAM, Action.UPDATE, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN)
ADD_MEMBERS = Permit(
    resource=Resource.TEAM,
    action=Action.UPDATE,
    fields={**CHANGE_MEMBERS.fields, Party.CALLER: frozenset({"team_id", "member"})},
)
"""`CALLER` enters a team that the operator has opened to everybody."""
ADD_MANY_MEMBERS = Permit(
    resource=Resource.TEAM,
    action=Action.UPDATE,
    fields={
        Party.PROXY_ADMIN: ALL,
        Party.ORGANIZATION_ADMIN: frozenset({"team_id", "members", "max_budget_in_team"}),
    },
)
"""`all_users` are everybody's: the answer lists them."""
CHANGE_MODELS = allow(Resource.TEAM, Action.UPDATE)
DISABLE_LOGGING = allow(Resource.TEAM, Action.UPDATE)
CHANGE_TEAM_KEYS = Permit(
    resource=Resource.KEY,
    action=Action.UPDATE,
    fields={party: CHANGE_KEY.fields[party] for party in _ADMINISTRATORS},
)
"""Many keys of a team."""
SEE_CALLBACKS = allow(Resource.TEAM, Action.READ, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN)
SEE_PERMISSIONS = allow(
    Resource.TEAM, Action.READ, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.TEAM_MEMBER
)
SEE_TEAM = allow(
    Resource.TEAM, Action.READ, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.TEAM_MEMBER, Party.OWNER
)
"""`OWNER` is a key of the team."""
