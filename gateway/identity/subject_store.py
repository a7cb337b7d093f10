"""The look-up of what a request names beside its key: end users, tags and agents, in one round trip."""

from collections.abc import Sequence

from gateway.db.connection import Record
from gateway.db.engine import Database
from gateway.domain import Scope, ScopeKind
from gateway.identity.columns import Columns
from gateway.identity.meters import meters_of, read_meters
from gateway.identity.permissions import permission_of
from gateway.identity.rows import AgentColumns, BudgetColumns
from gateway.identity.stored_values import read_names
from gateway.identity.subject_rows import NewCustomer, SubjectRow, SubjectRows

__all__ = ["FIND_SUBJECTS", "SubjectStore"]

_BUDGET = ", ".join(
    f"b.{column} AS b_{column}"
    for column in (
        *("budget_id", "max_budget", "soft_budget", "tpm_limit", "rpm_limit", "tpd_limit"),
        *("max_parallel_requests", "budget_reset_at", "budget_duration", "temp_budget_increase"),
        *("temp_budget_expiry", "model_max_budget"),
    )
)

# The end users, tags and agents that are wanted, with their rows where there are such; a budget for end users
# without one ($4) holds for those without a row too, unless the key that names them offers one ($6).
FIND_SUBJECTS = f"""
WITH wanted AS (
    SELECT 'end_user' AS kind, w.id, e.user_id IS NOT NULL AS is_known, e.alias AS name, e.spend, e.blocked,
        e.models, e.allowed_model_region, e.default_model, e.object_permission_id,
        COALESCE(e.budget_id, CASE WHEN e.user_id IS NULL THEN w.offered END, $4) AS budget_id,
        e.budget_id IS NOT NULL AS is_own_budget, w.offered,
        NULL::bigint AS tpm_limit, NULL::bigint AS rpm_limit, NULL::integer AS session_tpm,
        NULL::integer AS session_rpm, NULL::jsonb AS params,
        $7 AND e.user_id IS NULL AND NOT EXISTS (
            SELECT FROM "LiteLLM_UserTable" u WHERE u.user_id = w.id OR lower(u.user_email) = lower(w.id)
        ) AS is_nobody, NULL::text[] AS groups
    FROM unnest($1::text[], $6::text[]) AS w(id, offered)
    LEFT JOIN "LiteLLM_EndUserTable" e ON e.user_id = w.id
    UNION ALL
    SELECT 'tag', w.id, t.tag_name IS NOT NULL, NULL, t.spend, FALSE, NULL, NULL, NULL, NULL, t.budget_id,
        TRUE, NULL, NULL, NULL, NULL, NULL, NULL, FALSE, NULL
    FROM unnest($2::text[]) AS w(id) LEFT JOIN "LiteLLM_TagTable" t ON t.tag_name = w.id
    UNION ALL
    SELECT 'agent', w.id, g.agent_id IS NOT NULL, g.agent_name, g.spend, FALSE, NULL, NULL, NULL,
        g.object_permission_id, NULL, TRUE, NULL, g.tpm_limit, g.rpm_limit, g.session_tpm_limit,
        g.session_rpm_limit, g.litellm_params, FALSE, g.agent_access_groups
    FROM unnest($3::text[]) AS w(id) LEFT JOIN "LiteLLM_AgentsTable" g ON g.agent_id = w.id
)
SELECT w.*, {_BUDGET},
    (SELECT row_to_json(x) FROM "LiteLLM_ObjectPermissionTable" x
     WHERE x.object_permission_id = w.object_permission_id) AS permission,
    {meters_of("(w.kind, w.id)")} AS meters,
    COALESCE((SELECT position FROM gatewright.journal_position WHERE journal = $5), 0) AS position
FROM wanted w LEFT JOIN "LiteLLM_BudgetTable" b ON b.budget_id = w.budget_id
"""  # noqa: S608  only constants of this module are put in


class SubjectStore:
    """Reads end users, tags and agents by their ids."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_subjects(
        self, scopes: Sequence[Scope], default_budget_id: str | None, journal: str, *, validates: bool = False
    ) -> SubjectRows:
        """Read a row for every scope, which is an end user, a tag or an agent; raises DatabaseUnavailable.

        `default_budget_id` is the budget row of end users without one, `journal` as in `KeyStore.find_key`;
        `validates` asks whether end users without a row are users at least.
        """
        ids = [
            [scope.id for scope in scopes if scope.kind is kind]
            for kind in (ScopeKind.END_USER, ScopeKind.TAG, ScopeKind.AGENT)
        ]
        offered = [
            scope.budget_id if isinstance(scope, NewCustomer) else None
            for scope in scopes
            if scope.kind is ScopeKind.END_USER
        ]
        rows = await self._database.fetch(FIND_SUBJECTS, *ids, default_budget_id, journal, offered, validates)
        position: int = rows[0]["position"] if rows else 0
        return SubjectRows(tuple(_subject_row(row) for row in rows), position)


def _subject_row(row: Record) -> SubjectRow:
    columns = Columns(row)
    scope = Scope(ScopeKind(row["kind"]), row["id"])
    budget = columns.budget("b")
    if row["budget_id"] is not None and row["b_budget_id"] is None:
        columns.refuse(_budget_setting(row))
    agent = None
    if scope.kind is ScopeKind.AGENT:
        agent = AgentColumns(
            params=columns.check_object("params", "litellm_params"),
            session_tpm=row["session_tpm"],
            session_rpm=row["session_rpm"],
        )
        budget = BudgetColumns(tpm_limit=row["tpm_limit"], rpm_limit=row["rpm_limit"])
    spent, unreadable = columns.take(row["spend"])
    return SubjectRow(
        scope=scope,
        is_known=row["is_known"],
        is_nobody=row["is_nobody"],
        offered_budget_id=row["offered"],
        name=row["name"] or row["id"],
        spent_nanos=spent,
        is_blocked=bool(row["blocked"]),
        models=read_names(row["models"]),
        allowed_region=row["allowed_model_region"],
        default_model=row["default_model"],
        budget=budget,
        permission=permission_of(scope, row["object_permission_id"], row["permission"]),
        agent=agent,
        groups=read_names(row["groups"]),
        unreadable=unreadable,
        meters=read_meters(row["meters"]),
    )


def _budget_setting(row: Record) -> str:
    """The setting that names the budget of a row."""
    if row["is_own_budget"]:
        return "budget_id"
    is_offered = not row["is_known"] and row["offered"] is not None
    return "end_user_budget_id" if is_offered else "max_end_user_budget_id"
