"""What whom may do to virtual keys, member by member."""

from gateway.permits.permit import ALL, Permit, allow
from gateway.permits.terms import Action, Party, Resource

__all__ = [
    "BLOCK_KEY",
    "CHANGE_KEY",
    "CHANGE_KEYS",
    "DELETE_KEY",
    "MAKE_KEY",
    "MAKE_SERVICE_ACCOUNT",
    "ROTATE_KEY",
    "SEE_KEY",
]

# Listed is what may be set; whatever the contract adds later is refused until somebody has thought about it.
_OPEN_FIELDS = frozenset(
    {
        *("key", "key_alias", "key_type", "duration", "models", "aliases", "user_id", "team_id", "metadata"),
        *("max_budget", "soft_budget", "budget_duration", "budget_limits", "model_max_budget", "blocked"),
        *("max_parallel_requests", "tpm_limit", "rpm_limit", "tpd_limit", "auto_rotate", "rotation_interval"),
        *("guardrails", "prompts", "enforced_params", "model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit"),
        *("allowed_cache_controls", "denied_passthrough_routes", "enable_prompt_caching"),
        *("default_estimated_output_tokens", "default_estimated_output_tokens_per_model"),
        "send_invite_email",
    }
)

MAKE_KEY = Permit(
    resource=Resource.KEY,
    action=Action.CREATE,
    fields={
        Party.PROXY_ADMIN: ALL,
        Party.ORGANIZATION_ADMIN: _OPEN_FIELDS,
        Party.TEAM_ADMIN: _OPEN_FIELDS,
        Party.TEAM_MEMBER: _OPEN_FIELDS,
        Party.OWNER: _OPEN_FIELDS,
    },
)
"""`OWNER` makes a key for itself; a member of a team needs the team's permission for its keys."""
MAKE_SERVICE_ACCOUNT = Permit(
    resource=Resource.KEY,
    action=Action.CREATE,
    fields={party: names for party, names in MAKE_KEY.fields.items() if party is not Party.OWNER},
)
"""It belongs to a team and to nobody."""
CHANGE_KEY = Permit(
    resource=Resource.KEY,
    action=Action.UPDATE,
    fields={
        Party.PROXY_ADMIN: ALL,
        Party.ORGANIZATION_ADMIN: _OPEN_FIELDS - {"team_id"},
        Party.TEAM_ADMIN: _OPEN_FIELDS - {"team_id"},
        Party.OWNER: _OPEN_FIELDS - {"user_id", "team_id", "blocked"},
    },
)
CHANGE_KEYS = allow(Resource.KEY, Action.UPDATE)
"""Many keys at once."""
BLOCK_KEY = allow(Resource.KEY, Action.BLOCK, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN)
"""An owner may delete a key and not unblock it: somebody above may have blocked it."""
DELETE_KEY = allow(Resource.KEY, Action.DELETE, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.OWNER)
ROTATE_KEY = Permit(
    resource=Resource.KEY,
    action=Action.UPDATE,
    fields=CHANGE_KEY.fields,
)
"""Whoever may change a key may give it another secret, with the same changes."""
SEE_KEY = allow(
    Resource.KEY, Action.READ, Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.TEAM_MEMBER, Party.OWNER
)
"""A key may always see itself."""
