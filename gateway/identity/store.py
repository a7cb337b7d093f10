"""The look-ups of the request path: a key by its hash with all its owners, in one round trip."""

from gateway.db.engine import Database
from gateway.identity.keys.joined import read_key_row
from gateway.identity.meters import meters_of
from gateway.identity.rows import KeyRow

__all__ = ["FIND_KEY", "JOINED_COLUMNS", "JOINED_OWNERS", "KeyStore"]

_OWN_LIMITS = ("max_budget", "tpm_limit", "rpm_limit", "max_parallel_requests", "budget_reset_at")
_ROW_LIMITS = (
    *_OWN_LIMITS,
    *("soft_budget", "budget_duration", "tpd_limit", "model_max_budget", "temp_budget_increase"),
    "temp_budget_expiry",
)
_KEY_LIMITS = (*_OWN_LIMITS, "budget_duration", "tpd_limit", "model_max_budget")
_TEAM_LIMITS = (*_KEY_LIMITS, "soft_budget")
_USER_LIMITS = (*_OWN_LIMITS, "budget_duration", "model_max_budget")


def _columns(alias: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{alias}.{column} AS {alias}_{column}" for column in names)


_OWNERS = (
    "('key', k.token), ('team', k.team_id), ('team_member', k.user_id || ':' || k.team_id),"
    " ('user', k.user_id), ('project', k.project_id), ('organization', o.organization_id),"
    " ('organization_member', k.user_id || ':' || o.organization_id), ('agent', k.agent_id)"
)
# Keys are found by their own hash or, within the grace period after a rotation, by the hash of the older
# secret. One statement sees one snapshot, so the totals and the journal position belong together. Permissions
# and access groups come as JSON, as one key has several of each. A member without a budget has its team's.
JOINED_COLUMNS = f"""
    k.token, k.key_name, k.key_alias, k.user_id, k.team_id, k.project_id, k.agent_id,
    COALESCE(k.organization_id, t.organization_id) AS organization_id,
    COALESCE(k.blocked, FALSE) AS blocked, k.expires, k.allowed_routes, k.models, k.aliases, k.metadata,
    k.spend, k.object_permission_id, k.budget_limits, k.allowed_cache_controls, k.access_group_ids,
    k.budget_fallbacks, k.policies, t.policies AS t_policies, u.policies AS u_policies,
    {_columns("k", _KEY_LIMITS)}, {_columns("kb", _ROW_LIMITS)},
    t.team_id AS t_id, t.team_alias, t.blocked AS t_blocked, t.models AS t_models, t.metadata AS t_metadata,
    t.spend AS t_spend, t.object_permission_id AS t_permission, t.budget_limits AS t_budget_limits,
    t.access_group_ids AS t_access_group_ids, t.default_team_member_models,
    t.metadata->>'team_member_budget_id' AS member_budget_id, {_columns("t", _TEAM_LIMITS)},
    a.aliases AS team_aliases,
    u.user_id AS u_id, u.user_role, u.user_email, u.user_alias, u.models AS u_models, u.spend AS u_spend,
    u.metadata AS u_metadata, u.allowed_cache_controls AS u_cache_controls,
    u.object_permission_id AS u_permission, {_columns("u", _USER_LIMITS)},
    m.user_id AS m_id, m.spend AS m_spend, m.budget_id AS m_budget_id, mb.budget_id AS mb_id,
    mb.allowed_models AS m_models, {_columns("mb", _ROW_LIMITS)},
    o.organization_id AS o_id, o.organization_alias, o.models AS o_models, o.spend AS o_spend,
    o.metadata AS o_metadata, o.object_permission_id AS o_permission, {_columns("ob", _ROW_LIMITS)},
    n.user_id AS n_id, n.spend AS n_spend, nb.allowed_models AS n_models, {_columns("nb", _ROW_LIMITS)},
    p.project_id AS p_id, p.project_alias, p.blocked AS p_blocked, p.models AS p_models, p.spend AS p_spend,
    p.metadata AS p_metadata, p.model_rpm_limit AS p_model_rpm_limit, p.model_tpm_limit AS p_model_tpm_limit,
    p.object_permission_id AS p_permission, {_columns("pb", _ROW_LIMITS)},
    g.agent_id AS g_id, g.agent_name, g.spend AS g_spend, g.object_permission_id AS g_permission,
    g.tpm_limit AS g_tpm_limit, g.rpm_limit AS g_rpm_limit, g.session_tpm_limit, g.session_rpm_limit,
    g.litellm_params AS g_params,
    (SELECT json_agg(row_to_json(x)) FROM "LiteLLM_ObjectPermissionTable" x
     WHERE x.object_permission_id = ANY (ARRAY[
         k.object_permission_id, t.object_permission_id, u.object_permission_id, o.object_permission_id,
         p.object_permission_id, g.object_permission_id])) AS permissions,
    (SELECT json_agg(row_to_json(x)) FROM "LiteLLM_AccessGroupTable" x
     WHERE x.access_group_id = ANY (k.access_group_ids || t.access_group_ids)) AS access_groups,
    {meters_of(_OWNERS)} AS meters,
    COALESCE((SELECT position FROM gatewright.journal_position WHERE journal = $2), 0) AS position
"""  # noqa: S608  only constants of this module are put in
"""What is read of a key `k` and its owners, as of the position of the journal `$2`."""
JOINED_OWNERS = """
LEFT JOIN "LiteLLM_BudgetTable" kb ON kb.budget_id = k.budget_id
LEFT JOIN "LiteLLM_TeamTable" t ON t.team_id = k.team_id
LEFT JOIN "LiteLLM_ModelTable" a ON a.id = t.model_id
LEFT JOIN "LiteLLM_UserTable" u ON u.user_id = k.user_id
LEFT JOIN "LiteLLM_TeamMembership" m ON m.user_id = k.user_id AND m.team_id = k.team_id
LEFT JOIN "LiteLLM_BudgetTable" mb
    ON mb.budget_id = COALESCE(m.budget_id, t.metadata->>'team_member_budget_id')
LEFT JOIN "LiteLLM_OrganizationTable" o
    ON o.organization_id = COALESCE(k.organization_id, t.organization_id)
LEFT JOIN "LiteLLM_BudgetTable" ob ON ob.budget_id = o.budget_id
LEFT JOIN "LiteLLM_OrganizationMembership" n
    ON n.user_id = k.user_id AND n.organization_id = o.organization_id
LEFT JOIN "LiteLLM_BudgetTable" nb ON nb.budget_id = n.budget_id
LEFT JOIN "LiteLLM_ProjectTable" p ON p.project_id = k.project_id
LEFT JOIN "LiteLLM_BudgetTable" pb ON pb.budget_id = p.budget_id
LEFT JOIN "LiteLLM_AgentsTable" g ON g.agent_id = k.agent_id
"""
"""The owners of a key `k`."""
FIND_KEY = f"""
SELECT {JOINED_COLUMNS}, CASE WHEN k.token = $1 THEN NULL ELSE d.revoke_at END AS revoke_at
FROM "LiteLLM_VerificationToken" k
LEFT JOIN "LiteLLM_DeprecatedVerificationToken" d
    ON d.token = $1 AND d.revoke_at > (now() AT TIME ZONE 'UTC')
{JOINED_OWNERS}
WHERE k.token = ANY (ARRAY[
    $1,
    (SELECT active_token_id FROM "LiteLLM_DeprecatedVerificationToken"
     WHERE token = $1 AND revoke_at > (now() AT TIME ZONE 'UTC'))
])
ORDER BY (k.token = $1) DESC
LIMIT 1
"""  # noqa: S608  only constants of this module are put in


class KeyStore:
    """Reads keys; the token itself never gets here, only its SHA-256."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_key(self, token_hash: str, journal: str) -> KeyRow | None:
        """Find a key by its hash (or that of a secret in its grace period), joined with all its owners.

        `journal` names the caller's own journal, whose drained position comes from the same snapshot as the
        totals. Raises DatabaseUnavailable.
        """
        row = await self._database.fetch_row(FIND_KEY, token_hash, journal)
        return None if row is None else read_key_row(row)
