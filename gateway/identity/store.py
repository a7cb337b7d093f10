"""The one look-up of the request path: a key by its hash with all its owners, in one round trip."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gateway.db.connection import Record
from gateway.db.engine import Database
from gateway.domain import Scope, ScopeKind
from gateway.identity.rows import BudgetColumns, KeyColumns, KeyRow, OwnerRow, UserColumns
from gateway.money import nanos_from_usd

__all__ = ["KeyStore"]

_LIMIT_COLUMNS = ("max_budget", "tpm_limit", "rpm_limit", "max_parallel_requests", "budget_reset_at")


def _limits_of(alias: str) -> str:
    return ", ".join(f"{alias}.{column} AS {alias}_{column}" for column in _LIMIT_COLUMNS)


# Keys are found by their own hash or, within the grace period after a rotation, by the hash of the older
# secret. One statement sees one snapshot, so the totals and the journal position belong together.
_FIND_KEY = f"""
SELECT
    k.token, k.key_name, k.key_alias, k.user_id, k.team_id, k.project_id, k.agent_id,
    COALESCE(k.organization_id, t.organization_id) AS organization_id,
    COALESCE(k.blocked, FALSE) AS blocked, k.expires, k.allowed_routes, k.models, k.aliases, k.metadata,
    k.spend, k.object_permission_id, {_limits_of("k")}, {_limits_of("kb")},
    CASE WHEN k.token = $1 THEN NULL ELSE d.revoke_at END AS revoke_at,
    t.team_id AS t_id, t.team_alias, t.blocked AS t_blocked, t.models AS t_models, t.metadata AS t_metadata,
    t.spend AS t_spend, t.object_permission_id AS t_permission, {_limits_of("t")},
    a.aliases AS team_aliases,
    u.user_id AS u_id, u.user_role, u.user_email, u.user_alias, u.models AS u_models, u.spend AS u_spend,
    u.object_permission_id AS u_permission, {_limits_of("u")},
    m.user_id AS m_id, m.spend AS m_spend, mb.allowed_models AS m_models, {_limits_of("mb")},
    o.organization_id AS o_id, o.organization_alias, o.models AS o_models, o.spend AS o_spend,
    o.object_permission_id AS o_permission, {_limits_of("ob")},
    n.user_id AS n_id, n.spend AS n_spend, nb.allowed_models AS n_models, {_limits_of("nb")},
    p.project_id AS p_id, p.project_alias, p.blocked AS p_blocked, p.models AS p_models, p.spend AS p_spend,
    p.object_permission_id AS p_permission, {_limits_of("pb")},
    g.agent_id AS g_id, g.agent_name, g.spend AS g_spend, g.object_permission_id AS g_permission,
    COALESCE((SELECT position FROM gatewright.journal_position WHERE journal = $2), 0) AS position
FROM "LiteLLM_VerificationToken" k
LEFT JOIN "LiteLLM_DeprecatedVerificationToken" d
    ON d.token = $1 AND d.revoke_at > (now() AT TIME ZONE 'UTC')
LEFT JOIN "LiteLLM_BudgetTable" kb ON kb.budget_id = k.budget_id
LEFT JOIN "LiteLLM_TeamTable" t ON t.team_id = k.team_id
LEFT JOIN "LiteLLM_ModelTable" a ON a.id = t.model_id
LEFT JOIN "LiteLLM_UserTable" u ON u.user_id = k.user_id
LEFT JOIN "LiteLLM_TeamMembership" m ON m.user_id = k.user_id AND m.team_id = k.team_id
LEFT JOIN "LiteLLM_BudgetTable" mb ON mb.budget_id = m.budget_id
LEFT JOIN "LiteLLM_OrganizationTable" o
    ON o.organization_id = COALESCE(k.organization_id, t.organization_id)
LEFT JOIN "LiteLLM_BudgetTable" ob ON ob.budget_id = o.budget_id
LEFT JOIN "LiteLLM_OrganizationMembership" n
    ON n.user_id = k.user_id AND n.organization_id = o.organization_id
LEFT JOIN "LiteLLM_BudgetTable" nb ON nb.budget_id = n.budget_id
LEFT JOIN "LiteLLM_ProjectTable" p ON p.project_id = k.project_id
LEFT JOIN "LiteLLM_BudgetTable" pb ON pb.budget_id = p.budget_id
LEFT JOIN "LiteLLM_AgentsTable" g ON g.agent_id = k.agent_id
WHERE k.token = ANY (ARRAY[
    $1,
    (SELECT active_token_id FROM "LiteLLM_DeprecatedVerificationToken"
     WHERE token = $1 AND revoke_at > (now() AT TIME ZONE 'UTC'))
])
ORDER BY (k.token = $1) DESC
LIMIT 1
"""  # noqa: S608  only constants of this module are put in

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class KeyStore:
    """Reads keys; the token itself never gets here, only its SHA-256."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find_key(self, token_hash: str, journal: str) -> KeyRow | None:
        """Find a key by its hash (or that of a secret in its grace period), joined with all its owners.

        `journal` names the caller's own journal, whose drained position comes from the same snapshot as the
        totals. Raises DatabaseUnavailable.
        """
        row = await self._database.fetch_row(_FIND_KEY, token_hash, journal)
        return None if row is None else _key_row(row)


def _key_row(row: Record) -> KeyRow:
    owners = tuple(_owners(row))
    return KeyRow(
        key=KeyColumns(
            token_hash=row["token"],
            key_name=row["key_name"],
            key_alias=row["key_alias"],
            user_id=row["user_id"],
            team_id=row["team_id"],
            organization_id=row["organization_id"],
            project_id=row["project_id"],
            agent_id=row["agent_id"],
            is_blocked=row["blocked"],
            expires=row["expires"],
            revoke_at=row["revoke_at"],
            allowed_routes=_names(row["allowed_routes"]),
            aliases=_object(row["aliases"]),
            metadata=_object(row["metadata"]),
        ),
        user=UserColumns(email=row["user_email"], role=row["user_role"], is_known=row["u_id"] is not None),
        owners=tuple(owner for owner, _ in owners),
        team_alias=row["team_alias"],
        project_alias=row["project_alias"],
        team_metadata=_object(row["t_metadata"]),
        team_aliases=_object(row["team_aliases"]),
        totals=tuple((owner.scope, nanos_from_usd(spend or 0.0)) for owner, spend in owners),
        position=row["position"],
    )


def _owners(row: Record) -> Iterator[tuple[OwnerRow, float | None]]:
    """Every object whose spend grows with the key's requests, with that spend in USD; the key first."""
    yield _key_owner(row), row["spend"]
    if row["t_id"] is not None:
        yield (
            _owner(row, "t", ScopeKind.TEAM, row["team_alias"], "t", is_blocked=row["t_blocked"]),
            row["t_spend"],
        )
    if row["m_id"] is not None:
        yield _member(row, "m", ScopeKind.TEAM_MEMBER, row["team_id"]), row["m_spend"]
    if row["u_id"] is not None:
        yield _owner(row, "u", ScopeKind.USER, row["user_alias"], "u"), row["u_spend"]
    if row["p_id"] is not None:
        owner = _owner(row, "p", ScopeKind.PROJECT, row["project_alias"], "pb", is_blocked=row["p_blocked"])
        yield owner, row["p_spend"]
    if row["o_id"] is not None:
        yield _owner(row, "o", ScopeKind.ORGANIZATION, row["organization_alias"], "ob"), row["o_spend"]
    if row["n_id"] is not None:
        member = _member(row, "n", ScopeKind.ORGANIZATION_MEMBER, row["organization_id"])
        yield member, row["n_spend"]
    if row["g_id"] is not None:
        agent = Scope(ScopeKind.AGENT, row["g_id"])
        yield OwnerRow(scope=agent, name=row["agent_name"], permission_id=row["g_permission"]), row["g_spend"]


def _key_owner(row: Record) -> OwnerRow:
    return OwnerRow(
        scope=Scope(ScopeKind.KEY, row["token"]),
        name=row["key_alias"] or row["key_name"] or "",
        models=_names(row["models"]),
        budget=_first_of(_budget(row, "k"), _budget(row, "kb")),
        permission_id=row["object_permission_id"],
    )


def _member(row: Record, prefix: str, kind: ScopeKind, group_id: str) -> OwnerRow:
    identifier = f"{row['user_id']}:{group_id}"
    return OwnerRow(
        scope=Scope(kind, identifier),
        name=identifier,
        models=_names(row[f"{prefix}_models"]),
        budget=_budget(row, f"{prefix}b"),
    )


def _owner(
    row: Record,
    prefix: str,
    kind: ScopeKind,
    alias: str | None,
    budget: str,
    *,
    is_blocked: bool | None = False,
) -> OwnerRow:
    identifier: str = row[f"{prefix}_id"]
    return OwnerRow(
        scope=Scope(kind, identifier),
        name=alias or identifier,
        models=_names(row[f"{prefix}_models"]),
        budget=_budget(row, budget),
        is_blocked=bool(is_blocked),
        permission_id=row[f"{prefix}_permission"],
    )


def _budget(row: Record, prefix: str) -> BudgetColumns:
    reset_at: datetime | None = row[f"{prefix}_budget_reset_at"]
    return BudgetColumns(
        max_budget=row[f"{prefix}_max_budget"],
        tpm_limit=row[f"{prefix}_tpm_limit"],
        rpm_limit=row[f"{prefix}_rpm_limit"],
        max_parallel_requests=row[f"{prefix}_max_parallel_requests"],
        reset_at=reset_at,
    )


def _first_of(own: BudgetColumns, linked: BudgetColumns) -> BudgetColumns:
    """The key's own limits, and those of its budget row where it has none."""
    return BudgetColumns(
        max_budget=linked.max_budget if own.max_budget is None else own.max_budget,
        tpm_limit=linked.tpm_limit if own.tpm_limit is None else own.tpm_limit,
        rpm_limit=linked.rpm_limit if own.rpm_limit is None else own.rpm_limit,
        max_parallel_requests=(
            linked.max_parallel_requests if own.max_parallel_requests is None else own.max_parallel_requests
        ),
        reset_at=own.reset_at or linked.reset_at,
    )


def _names(values: Sequence[str] | None) -> tuple[str, ...]:
    # Every text[] column of the schema is nullable, and an element can be NULL too.
    return tuple(value for value in values or () if value)


def _object(text: str | None) -> dict[str, object]:
    """A JSONB column that should hold an object; adopted databases hold `null` and lists in places."""
    if not text or not text.startswith("{"):
        return {}
    return _decode_object(text)
