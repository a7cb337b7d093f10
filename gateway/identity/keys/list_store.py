"""The queries of lists of keys: filtered, sorted and cut in SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec

from gateway.db.cursors import Cursor
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import DeletedVerificationToken, VerificationToken
from gateway.identity.keys.cursors import conditions_behind

__all__ = [
    "MOST_COUNTED",
    "MOST_LOOKED_AT",
    "SORT_COLUMNS",
    "Conditions",
    "KeyLists",
    "KeyPage",
    "Sight",
    "page_sql",
    "see",
]

MOST_COUNTED = 100_000
"""More keys are not counted: the total says this many."""
MOST_LOOKED_AT = 50_000
"""In how many of the newest keys a part of a text is looked for; the whole of it is found in all."""

_DASHBOARD = "litellm-dashboard"
# Both tables are found by the user; what a team itself says decides. An array is what an index can be asked
# for beside other columns.
_OF_USER = """
t.team_id IN (SELECT team_id FROM "LiteLLM_TeamMembership" WHERE user_id = {0}
    UNION SELECT unnest(teams) FROM "LiteLLM_UserTable" WHERE user_id = {0})"""
_ADMINISTERED = f"""
ARRAY (SELECT t.team_id FROM "LiteLLM_TeamTable" t WHERE {_OF_USER}
    AND t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', {{0}}::text, 'role', 'admin'))
UNION SELECT t.team_id FROM "LiteLLM_TeamTable" t WHERE t.organization_id IN (
    SELECT organization_id FROM "LiteLLM_OrganizationMembership"
    WHERE user_id = {{0}} AND user_role = 'org_admin'))"""  # noqa: S608  constants of this module
_JOINED = f"""
ARRAY (SELECT t.team_id FROM "LiteLLM_TeamTable" t WHERE {_OF_USER}
    AND t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', {{0}}::text)))"""  # noqa: S608  the same
_OF_ORGANIZATION = """
(k.organization_id = {0} OR k.team_id = ANY (ARRAY (
    SELECT team_id FROM "LiteLLM_TeamTable" WHERE organization_id = {0})))"""
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

    def __init__(self, most_looked_at: int = MOST_LOOKED_AT) -> None:
        self._most_looked_at = most_looked_at
        self.arguments: list[object] = []
        self._parts: list[str] = []
        self._contained: list[str] = []
        self._equal: list[str] = []

    @property
    def sql(self) -> str:
        """What stands behind WHERE, but for parts of texts."""
        return " AND ".join(self._parts) or "TRUE"

    def select(self, table: str, columns: str) -> str:
        """The query of these columns of all keys that are chosen."""
        if not self._contained:
            return f"SELECT {columns} FROM {table} k WHERE {self.sql}"  # noqa: S608  constants of this package
        newest = f"""SELECT k.* FROM {table} k WHERE {self.sql}
            ORDER BY k.created_at DESC NULLS LAST, k.token DESC LIMIT {self._most_looked_at}"""  # noqa: S608  the same
        return f"""SELECT {columns} FROM ({newest}) k WHERE {" AND ".join(self._contained)}
            UNION SELECT {columns} FROM {table} k WHERE {self.sql} AND {" AND ".join(self._equal)}"""  # noqa: S608  the same

    def add(self, condition: str, value: object) -> None:
        """Add a condition in which `{0}` stands for the value."""
        self.arguments.append(value)
        self._parts.append(f"({condition.format(f'${len(self.arguments)}')})")

    def within(self, condition: str, values: Sequence[object]) -> "Conditions":
        """The same conditions and one more, in which `{0}`, `{1}` and so on stand for the values."""
        narrowed = Conditions(self._most_looked_at)
        narrowed.arguments = [*self.arguments, *values]
        places = (f"${len(self.arguments) + number}" for number in range(1, len(values) + 1))
        narrowed._parts = [*self._parts, f"({condition.format(*places)})"]
        narrowed._contained, narrowed._equal = self._contained, self._equal
        return narrowed

    def add_equal(self, column: str, value: str) -> None:
        """Add that a column has this value, unless it is empty."""
        if value:
            self.add(f"k.{column} = {{0}}", value)

    def add_part(self, columns: Sequence[str], text: str) -> None:
        """Add that one of the columns is the text, or contains it in whatever case, unless it is empty.

        What contains it is found among the newest keys that the other conditions leave.
        """
        if text:
            self.arguments.append(text)
            place = f"${len(self.arguments)}"
            parts = (f"position(lower({place}) IN lower(k.{column})) > 0" for column in columns)
            self._contained.append(f"({' OR '.join(parts)})")
            self._equal.append(f"({' OR '.join(f'k.{column} = {place}' for column in columns)})")

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
        either.append(f"k.team_id = ANY ({_ADMINISTERED})")
    if sight.sees_joined_teams:
        either.append(f"k.team_id = ANY ({_JOINED})")
    conditions.add(" OR ".join(either), sight.user_id)


class KeyPage(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list: pages count from 1. `sort_by` is one of SORT_COLUMNS."""

    page: int
    size: int
    sort_by: str = "created_at"
    is_ascending: bool = False
    is_archive: bool = False
    """Whether the list is that of deleted keys."""
    after: Cursor | None = None
    """Behind which key it begins, in the place of `page`; for a list sorted by `created_at`."""


class KeyLists:
    """Reads lists of keys, live or deleted; counts at most so many. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, most_counted: int = MOST_COUNTED) -> None:
        self._database = database
        self._most_counted = most_counted
        self._live = Rows(VerificationToken)
        self._deleted = Rows(DeletedVerificationToken)

    async def count(self, conditions: Conditions, page: KeyPage) -> int:
        """How many keys the conditions leave, as far as is counted."""
        return await self._count(conditions, conditions.select(_table(page), f"k.{_key(page)}"))

    async def list_page(self, conditions: Conditions, page: KeyPage) -> list[Columns]:
        """The rows of a page."""
        if page.sort_by not in SORT_COLUMNS:
            raise ValueError(page.sort_by)
        if page.after is None:
            return await self._fetch(conditions, page, page.size, (page.page - 1) * page.size)
        rows: list[Columns] = []
        for condition, values in conditions_behind(page.after, _key(page), is_ascending=page.is_ascending):
            if len(rows) < page.size:
                rows += await self._fetch(conditions.within(condition, values), page, page.size - len(rows))
        return rows

    async def _fetch(
        self, conditions: Conditions, page: KeyPage, most: int, skipped: int = 0
    ) -> list[Columns]:
        sql = page_sql(conditions, page)
        rows = await self._database.fetch(sql, *conditions.arguments, most, skipped)
        kind = self._deleted if page.is_archive else self._live
        return [kind.read(dict(row.items())) for row in rows]

    async def list_all(self, conditions: Conditions) -> list[Columns]:
        """All live keys that the conditions leave, in the order of their hashes."""
        sql = f'SELECT k.* FROM "LiteLLM_VerificationToken" k WHERE {conditions.sql} ORDER BY k.token'  # noqa: S608  constants of this module
        rows = await self._database.fetch(sql, *conditions.arguments)
        return [self._live.read(dict(row.items())) for row in rows]

    async def count_aliases(self, conditions: Conditions) -> int:
        """How many different aliases the keys have that the conditions leave, as far as is counted."""
        return await self._count(conditions, _aliases(conditions))

    async def list_aliases(self, conditions: Conditions, page: int, size: int) -> list[str]:
        """A page of those aliases, in their own order."""
        count = len(conditions.arguments)
        sql = f"{_aliases(conditions)} ORDER BY alias LIMIT ${count + 1} OFFSET ${count + 2}"
        rows = await self._database.fetch(sql, *conditions.arguments, size, (page - 1) * size)
        return [row["alias"] for row in rows]

    async def list_users(self, user_ids: Sequence[str]) -> dict[str, Columns]:
        """Who these users are, by their ids: address, alias and role."""
        rows = await self._database.fetch(_USERS, list(user_ids))
        return {row["user_id"]: dict(row.items()) for row in rows}

    async def _count(self, conditions: Conditions, found: str) -> int:
        sql = f"SELECT count(*) FROM ({found} LIMIT {self._most_counted}) found"  # noqa: S608  constants of this module
        return await self._database.fetch_value(sql, *conditions.arguments)


def page_sql(conditions: Conditions, page: KeyPage) -> str:
    """The query of rows in the order of a page; two arguments more say how many, and behind how many."""
    order, key, count = _order(page), _key(page), len(conditions.arguments)
    return f"""
        SELECT k.* FROM (
            SELECT key, place FROM ({
        conditions.select(_table(page), f"k.{key} AS key, k.{page.sort_by} AS place")
    }) found ORDER BY {order} LIMIT ${count + 1} OFFSET ${count + 2}
        ) page JOIN {_table(page)} k ON k.{key} = page.key ORDER BY {order}
        """  # noqa: S608  constants of this module; the column is one of a list


def _aliases(conditions: Conditions) -> str:
    chosen = conditions.select('"LiteLLM_VerificationToken"', "k.key_alias AS alias")
    return f"SELECT DISTINCT alias FROM ({chosen}) named WHERE alias IS NOT NULL"  # noqa: S608  the same


def _order(page: KeyPage) -> str:
    """The order of a page; of times of creation both directions are those of one index."""
    direction = "ASC" if page.is_ascending else "DESC"
    nulls = "FIRST" if page.is_ascending and page.sort_by == "created_at" else "LAST"
    return f"place {direction} NULLS {nulls}, key {direction}"


def _key(page: KeyPage) -> str:
    """The column that makes an order whole."""
    return "id" if page.is_archive else "token"


def _table(page: KeyPage) -> str:
    return '"LiteLLM_DeletedVerificationToken"' if page.is_archive else '"LiteLLM_VerificationToken"'
