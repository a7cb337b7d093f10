"""The queries of lists of keys: filtered, sorted and cut in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec

from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import DeletedVerificationToken, VerificationToken

__all__ = ["SORT_COLUMNS", "Conditions", "KeyLists", "KeyPage", "Sight", "see"]

_DASHBOARD = "litellm-dashboard"
_ADMINISTERED = """
SELECT t.team_id FROM "LiteLLM_TeamTable" t
WHERE t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', {0}::text, 'role', 'admin'))
    OR t.organization_id IN (SELECT organization_id FROM "LiteLLM_OrganizationMembership"
        WHERE user_id = {0} AND user_role = 'org_admin')"""
_JOINED = """
SELECT t.team_id FROM "LiteLLM_TeamTable" t
WHERE t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', {0}::text))"""
_OF_ORGANIZATION = """
(k.organization_id = {0} OR k.team_id IN (
    SELECT team_id FROM "LiteLLM_TeamTable" WHERE organization_id = {0}))"""
_ACTIVE = "k.blocked IS NOT TRUE AND (k.expires IS NULL OR k.expires > {0}::timestamp)"
_STATUS: Mapping[str, str] = MappingProxyType(
    {
        "active": _ACTIVE,
        "expired": "k.blocked IS NOT TRUE AND k.expires <= {0}::timestamp",
        "revoked": "k.blocked AND {0}::timestamp IS NOT NULL",
    }
)
_USERS = """
SELECT user_id, user_email, user_alias, user_role FROM "LiteLLM_UserTable" WHERE user_id = ANY ($1::text[])
"""

SORT_COLUMNS = frozenset(
    {
        *("token", "key_name", "key_alias", "user_id", "team_id", "organization_id", "project_id"),
        *("spend", "max_budget", "rpm_limit", "tpm_limit", "created_at", "updated_at", "expires"),
        *("last_active", "budget_reset_at", "created_by", "rotation_count", "blocked"),
    }
)
"""By which columns a list can be sorted."""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys a caller may see; without a user only its own."""

    token_hash: str
    user_id: str | None
    sees_created: bool = False
    sees_administered_teams: bool = False
    sees_joined_teams: bool = False


class Conditions:
    """Conditions on keys `k` that hold together, with their arguments."""

    def __init__(self) -> None:
        self.arguments: list[object] = []
        self._parts: list[str] = []

    @property
    def sql(self) -> str:
        """What stands behind WHERE."""
        return " AND ".join(self._parts) or "TRUE"

    def add(self, condition: str, value: object) -> None:
        """Add a condition in which `{0}` stands for the value."""
        self.arguments.append(value)
        self._parts.append(f"({condition.format(f'${len(self.arguments)}')})")

    def add_equal(self, column: str, value: str) -> None:
        """Add that a column has this value, unless it is empty."""
        if value:
            self.add(f"k.{column} = {{0}}", value)

    def add_part(self, columns: Sequence[str], text: str) -> None:
        """Add that one of the columns contains the text, in whatever case, unless it is empty."""
        if text:
            parts = (f"position(lower({{0}}) IN lower(k.{column})) > 0" for column in columns)
            self.add(" OR ".join(parts), text)

    def add_organization(self, organization_id: str) -> None:
        """Add that a key belongs to an organization, by itself or by its team, unless it is empty."""
        if organization_id:
            self.add(_OF_ORGANIZATION, organization_id)

    def add_status(self, status: str, now: datetime) -> None:
        """Add that a live key has a status; `now` is naive UTC."""
        self.add(_STATUS[status], now)

    def without_sessions(self) -> None:
        """Leave out the keys that stand for a login."""
        self.add("k.team_id IS DISTINCT FROM {0}", _DASHBOARD)


def see(conditions: Conditions, sight: Sight) -> None:
    """Add that the caller may see a key."""
    if sight.user_id is None:
        conditions.add("k.token = {0}", sight.token_hash)
        return
    either = ["k.user_id = {0}"]
    if sight.sees_created:
        either.append("k.created_by = {0}")
    if sight.sees_administered_teams:
        either.append(f"k.team_id IN ({_ADMINISTERED})")
    if sight.sees_joined_teams:
        either.append(f"k.team_id IN ({_JOINED})")
    conditions.add(" OR ".join(either), sight.user_id)


class KeyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list: pages count from 1. `sort_by` is one of SORT_COLUMNS."""

    page: int
    size: int
    sort_by: str = "created_at"
    is_ascending: bool = False
    is_archive: bool = False
    """Whether the list is that of deleted keys."""


class KeyLists:
    """Reads lists of keys, live or deleted. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._live = Rows(VerificationToken)
        self._deleted = Rows(DeletedVerificationToken)

    async def count(self, conditions: Conditions, page: KeyPage) -> int:
        """How many keys the conditions leave."""
        sql = f"SELECT count(*) FROM {_table(page)} k WHERE {conditions.sql}"  # noqa: S608  constants of this module
        return await self._database.fetch_value(sql, *conditions.arguments)

    async def list_page(self, conditions: Conditions, page: KeyPage) -> list[Columns]:
        """The rows of a page."""
        if page.sort_by not in SORT_COLUMNS:
            raise ValueError(page.sort_by)
        order = "ASC" if page.is_ascending else "DESC"
        count = len(conditions.arguments)
        sql = f"""
            SELECT k.* FROM {_table(page)} k WHERE {conditions.sql}
            ORDER BY k.{page.sort_by} {order} NULLS LAST, k.token LIMIT ${count + 1} OFFSET ${count + 2}
            """  # noqa: S608  constants of this module; the column is one of a list
        skipped = (page.page - 1) * page.size
        rows = await self._database.fetch(sql, *conditions.arguments, page.size, skipped)
        kind = self._deleted if page.is_archive else self._live
        return [kind.read(dict(row.items())) for row in rows]

    async def list_all(self, conditions: Conditions) -> list[Columns]:
        """All live keys that the conditions leave, in the order of their hashes."""
        sql = f'SELECT k.* FROM "LiteLLM_VerificationToken" k WHERE {conditions.sql} ORDER BY k.token'  # noqa: S608  constants of this module
        rows = await self._database.fetch(sql, *conditions.arguments)
        return [self._live.read(dict(row.items())) for row in rows]

    async def count_aliases(self, conditions: Conditions) -> int:
        """How many different aliases the keys have that the conditions leave."""
        sql = f'SELECT count(DISTINCT k.key_alias) FROM "LiteLLM_VerificationToken" k WHERE {conditions.sql}'  # noqa: S608  the same
        return await self._database.fetch_value(sql, *conditions.arguments)

    async def list_aliases(self, conditions: Conditions, page: int, size: int) -> list[str]:
        """A page of those aliases, in their own order."""
        count = len(conditions.arguments)
        sql = f"""
            SELECT DISTINCT k.key_alias AS alias FROM "LiteLLM_VerificationToken" k WHERE {conditions.sql}
                AND k.key_alias IS NOT NULL
            ORDER BY alias LIMIT ${count + 1} OFFSET ${count + 2}"""  # noqa: S608  the same
        rows = await self._database.fetch(sql, *conditions.arguments, size, (page - 1) * size)
        return [row["alias"] for row in rows]

    async def list_users(self, user_ids: Sequence[str]) -> dict[str, Columns]:
        """Who these users are, by their ids: address, alias and role."""
        rows = await self._database.fetch(_USERS, list(user_ids))
        return {row["user_id"]: dict(row.items()) for row in rows}


def _table(page: KeyPage) -> str:
    return '"LiteLLM_DeletedVerificationToken"' if page.is_archive else '"LiteLLM_VerificationToken"'
