"""The queries of key management."""

# Piccolo's query builders have type parameters that it leaves open; what they return is annotated here.
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Mapping
from typing import Any, cast

import asyncpg
import msgspec

from gateway.db.engine import Database
from gateway.db.tables.budgets import BudgetTable
from gateway.db.tables.keys import DeletedVerificationToken, VerificationToken
from gateway.db.tables.organizations import OrganizationTable, ProjectTable
from gateway.db.tables.permissions import ObjectPermissionTable
from gateway.db.tables.users import UserTable
from gateway.identity.keys.rules import UserBounds
from gateway.identity.keys.values import refuse

__all__ = ["KeyRecords", "TeamStanding"]

Columns = dict[str, Any]

_TEAM = """
SELECT t.members_with_roles, t.team_member_permissions, t.organization_id, m.user_role AS organization_role
FROM "LiteLLM_TeamTable" t
LEFT JOIN "LiteLLM_OrganizationMembership" m
    ON m.organization_id = t.organization_id AND m.user_id = $2
WHERE t.team_id = $1 FOR KEY SHARE OF t
"""
# What a key is to belong to does not go away before the key is there: its deletion waits, and takes the key.
_HOLD_TEAM = 'SELECT team_id FROM "LiteLLM_TeamTable" WHERE team_id = $1 FOR KEY SHARE'
# Held until the transaction ends, so that two requests cannot both find an alias free.
_LOCK_ALIAS = "SELECT pg_advisory_xact_lock(hashtextextended('key_alias:' || $1, 0))"

_ADMINISTERS_MORE = """
SELECT EXISTS (SELECT FROM "LiteLLM_UserTable"
        WHERE user_id = $1 AND user_role IN ('proxy_admin', 'proxy_admin_viewer'))
    OR EXISTS (SELECT FROM "LiteLLM_OrganizationMembership" WHERE user_id = $1 AND user_role = 'org_admin')
    OR EXISTS (SELECT FROM "LiteLLM_TeamTable" t
        WHERE t.team_id IN (
            SELECT team_id FROM "LiteLLM_TeamMembership" WHERE user_id = $1
            UNION SELECT unnest(teams) FROM "LiteLLM_UserTable" WHERE user_id = $1)
        AND t.members_with_roles
            @> jsonb_build_array(jsonb_build_object('user_id', $1::text, 'role', 'admin'))
        AND NOT t.members_with_roles
            @> jsonb_build_array(jsonb_build_object('user_id', $2::text, 'role', 'admin'))
        AND (t.organization_id IN (SELECT organization_id FROM "LiteLLM_OrganizationMembership"
            WHERE user_id = $2 AND user_role = 'org_admin')) IS NOT TRUE)
"""
_IS_ORGANIZATION_ADMIN = """
SELECT EXISTS (SELECT FROM "LiteLLM_OrganizationMembership"
    WHERE organization_id = $1 AND user_id = $2 AND user_role = 'org_admin')
"""
_ADMINISTERED = """
SELECT 'team' AS kind, t.team_id AS id FROM "LiteLLM_TeamTable" t
WHERE t.team_id = ANY ($2::text[]) AND (
    t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', $1::text, 'role', 'admin'))
    OR t.organization_id IN (SELECT organization_id FROM "LiteLLM_OrganizationMembership"
        WHERE user_id = $1 AND user_role = 'org_admin'))
UNION ALL
SELECT 'organization', organization_id FROM "LiteLLM_OrganizationMembership"
WHERE user_id = $1 AND user_role = 'org_admin' AND organization_id = ANY ($3::text[])
"""
_METERS = """
SELECT model, period, ends_ms, nanos FROM gatewright.meter
WHERE kind = 'key' AND id = $1 AND (ends_ms = 0 OR ends_ms > EXTRACT(EPOCH FROM now()) * 1000)
"""

_decode_members = msgspec.json.Decoder().decode


class TeamStanding(msgspec.Struct, frozen=True, kw_only=True):
    """What a user is in a team."""

    is_admin: bool = False
    is_member: bool = False
    permissions: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


class KeyRecords:
    """Reads and writes the rows of keys; inside `Database.transaction()` all of it is one step.

    Raises DatabaseUnavailable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, token: str) -> Columns | None:
        """The row of a live key."""
        table = VerificationToken
        return await table.select().where(table.token == token).first().output(load_json=True)

    async def find_token_of_alias(self, key_alias: str) -> str | None:
        """The hash of the live key that has this alias."""
        table = VerificationToken
        row = await table.select(table.token).where(table.key_alias == key_alias).first()
        return None if row is None else row["token"]

    async def find_deleted(self, token: str) -> Columns | None:
        """The last state of a deleted key, the newest if there are several."""
        table = DeletedVerificationToken
        rows = await (
            table.select()
            .where(table.token == token)
            .order_by(table.deleted_at, ascending=False)
            .limit(1)
            .output(load_json=True)
        )
        return rows[0] if rows else None

    async def is_alias_taken(self, alias: str) -> bool:
        """Whether a live key has this alias; until the transaction ends, nobody else takes it."""
        await self._database.fetch_value(_LOCK_ALIAS, alias)
        return await VerificationToken.exists().where(VerificationToken.key_alias == alias)

    async def insert(self, columns: Columns) -> Columns:
        """Store a new key and return its row; raises BadRequest for a token that exists."""
        try:
            await VerificationToken.insert(VerificationToken(**columns))
        except asyncpg.UniqueViolationError:
            raise refuse("key", "A key with this value already exists.") from None
        row = await self.find(columns["token"])
        return row or columns

    async def find_team_standing(self, team_id: str, user_id: str | None) -> TeamStanding | None:
        """What a user is in a team, or None when there is no such team."""
        row = await self._database.fetch_row(_TEAM, team_id, user_id)
        if row is None:
            return None
        roles = dict(_members(_decode_members(row["members_with_roles"] or "[]")))
        return TeamStanding(
            is_admin=roles.get(user_id or "") == "admin" or row["organization_role"] == "org_admin",
            is_member=user_id in roles,
            permissions=frozenset(row["team_member_permissions"] or ()),
            members=frozenset(roles),
        )

    async def find_user_bounds(self, user_id: str) -> UserBounds:
        """What the user's row allows personal keys; no row is no bound."""
        table = UserTable
        row: Columns | None = await (
            table.select(
                table.models, table.max_budget, table.tpm_limit, table.rpm_limit, table.max_parallel_requests
            )
            .where(table.user_id == user_id)
            .first()
        )
        if row is None:
            return UserBounds()
        return UserBounds(models=frozenset(row.pop("models") or ()), **row)

    async def ensure_user(self, user_id: str) -> bool:
        """Make a user row for an id that has none; returns whether one was made."""
        if await UserTable.exists().where(UserTable.user_id == user_id):
            return False
        user = UserTable(user_id=user_id, user_role="internal_user")
        await UserTable.insert(user).on_conflict(target=UserTable.user_id, action="DO NOTHING")
        return True

    async def has_organization(self, organization_id: str) -> bool:
        """Whether there is such an organization; it is held until the transaction ends."""
        table = OrganizationTable
        rows: list[Columns] = await (
            table.select(table.organization_id)
            .where(table.organization_id == organization_id)
            .lock_rows("KEY SHARE")
        )
        return bool(rows)

    async def hold_team(self, team_id: str) -> None:
        """Hold a team, if there is one, until the transaction ends."""
        await self._database.fetch(_HOLD_TEAM, team_id)

    async def administers_more(self, user_id: str, than: str | None) -> bool:
        """Whether the user has a role over the whole gateway, or administers an organization.

        Or a team that the other user does not administer.
        """
        return await self._database.fetch_value(_ADMINISTERS_MORE, user_id, than)

    async def list_administered(
        self, user_id: str, teams: Iterable[str], organizations: Iterable[str]
    ) -> frozenset[tuple[str, str]]:
        """Those of the teams and organizations that the user administers: kind and id."""
        rows = await self._database.fetch(_ADMINISTERED, user_id, list(teams), list(organizations))
        return frozenset((row["kind"], row["id"]) for row in rows)

    async def is_organization_admin(self, organization_id: str, user_id: str) -> bool:
        """Whether the user administers the organization."""
        return await self._database.fetch_value(_IS_ORGANIZATION_ADMIN, organization_id, user_id)

    async def has_budget(self, budget_id: str) -> bool:
        """Whether there is such a budget row; it is held until the transaction ends."""
        table = BudgetTable
        rows: list[Columns] = await (
            table.select(table.budget_id).where(table.budget_id == budget_id).lock_rows("KEY SHARE")
        )
        return bool(rows)

    async def find_project_team(self, project_id: str) -> tuple[str | None] | None:
        """The team of a project, which is held, in a tuple, or None when there is no such project."""
        table = ProjectTable
        rows: list[Columns] = await (
            table.select(table.team_id).where(table.project_id == project_id).lock_rows("KEY SHARE")
        )
        return (rows[0]["team_id"],) if rows else None

    async def find_budget(self, budget_id: str) -> Columns | None:
        """A budget row."""
        table = BudgetTable
        return await table.select().where(table.budget_id == budget_id).first().output(load_json=True)

    async def find_permission(self, permission_id: str) -> Columns | None:
        """An object permission row."""
        table = ObjectPermissionTable
        where = table.object_permission_id == permission_id
        return await table.select().where(where).first().output(load_json=True)

    async def list_meters(self, token: str) -> list[Columns]:
        """What budgets of a key for models and periods have counted: model, period, end (ms), nanos."""
        return [dict(row.items()) for row in await self._database.fetch(_METERS, token)]

    async def insert_soft_budget(self, soft_budget: float, actor: str) -> str:
        """Make the budget row that carries a key's soft budget, in USD; returns its id."""
        budget = BudgetTable(soft_budget=soft_budget, created_by=actor, updated_by=actor)
        await BudgetTable.insert(budget)
        return str(budget.budget_id)

    async def insert_permission(self, values: Mapping[str, object]) -> str:
        """Make an object permission row; returns its id."""
        permission = ObjectPermissionTable(**{name: _stored(value) for name, value in values.items()})
        await ObjectPermissionTable.insert(permission)
        return str(permission.object_permission_id)


def _members(value: object) -> Iterable[tuple[str, str | None]]:
    """User and role of `members_with_roles`; an empty one is stored as an object.

    Members who were invited by e-mail have no user yet: nobody is taken for them.
    """
    if not isinstance(value, list):
        return
    for member in cast("list[object]", value):  # of unknown JSON values
        if isinstance(member, dict):
            fields = cast("dict[str, str | None]", member)  # as the contract writes it
            user_id = fields.get("user_id")
            if user_id:
                yield user_id, fields.get("role")


def _stored(value: Any) -> Any:
    """A value as Piccolo wants it: JSON as text."""
    return msgspec.json.encode(value).decode() if isinstance(value, dict) or _is_json_list(value) else value


def _is_json_list(value: Any) -> bool:
    """Whether a list is JSON rather than a text[]: those hold texts only."""
    if not isinstance(value, list):
        return False
    items = cast("list[object]", value)
    return bool(items) and not all(isinstance(item, str) for item in items)
