"""The queries of SCIM: users and teams by what a filter asks for."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from gateway.db.conditions import Conditions
from gateway.db.engine import Database
from gateway.db.entities import GATEWAY_USER_ID
from gateway.db.rows import Columns, Rows
from gateway.db.tables.teams import TeamTable
from gateway.db.tables.users import UserTable
from gateway.identity.scim.filters import Comparison
from gateway.identity.scim.refusals import InvalidFilter

__all__ = ["GROUPS", "USERS", "Directory", "Kind"]

_USER_NAME = "lower(COALESCE(t.metadata -> 'scim_metadata' ->> 'userName', t.user_email, t.user_id))"
_LOCK = """
SELECT pg_advisory_xact_lock(turn) FROM (
    SELECT DISTINCT hashtextextended('scim:' || lower(name), 0) AS turn FROM unnest($1::text[]) AS name
    ORDER BY turn
) turns
"""
_NAME_OWNERS = f"""
SELECT t.user_id FROM "LiteLLM_UserTable" t WHERE {_USER_NAME} = lower($1::text) AND t.user_id <> $2 LIMIT 1
"""  # noqa: S608  constants
_GROUP_OWNERS = """
SELECT team_id FROM "LiteLLM_TeamTable"
WHERE team_id <> $1 AND (lower(COALESCE(team_alias, team_id)) = lower($2::text)
    OR metadata -> 'scim_metadata' ->> 'externalId' = $3::text) LIMIT 1
"""
_TEAM_NAMES = 'SELECT team_id, team_alias FROM "LiteLLM_TeamTable" WHERE team_id = ANY ($1::text[])'


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of resource: its table, and the conditions that filters may have, by attribute."""

    table: str
    key: str
    texts: Mapping[str, str]
    flags: Mapping[str, str] = {}


USERS = Kind(
    table="LiteLLM_UserTable",
    key="user_id",
    texts=MappingProxyType(
        {
            "id": "t.user_id = {}",
            "username": f"{_USER_NAME} = lower({{}}::text)",
            "externalid": "t.sso_user_id = {}",
            "displayname": "lower(t.user_alias) = lower({}::text)",
            "name.givenname": "lower(t.metadata -> 'scim_metadata' ->> 'givenName') = lower({}::text)",
            "name.familyname": "lower(t.metadata -> 'scim_metadata' ->> 'familyName') = lower({}::text)",
            "emails": "lower(t.user_email) = lower({}::text)",
            "emails.value": "lower(t.user_email) = lower({}::text)",
            # The one address that a user has.
            "emails.type": "lower({}::text) = 'work'",
        }
    ),
    flags=MappingProxyType(
        {
            "active": "(COALESCE(t.metadata ->> 'scim_active', 'true') <> 'false') = {}::boolean",
            "emails.primary": "(t.user_email IS NOT NULL) = {}::boolean",
        }
    ),
)
_MEMBER = "t.members_with_roles @> jsonb_build_array(jsonb_build_object('user_id', {}::text))"
GROUPS = Kind(
    table="LiteLLM_TeamTable",
    key="team_id",
    texts=MappingProxyType(
        {
            "id": "t.team_id = {}",
            "displayname": "lower(COALESCE(t.team_alias, t.team_id)) = lower({}::text)",
            "externalid": "t.metadata -> 'scim_metadata' ->> 'externalId' = {}",
            "members": _MEMBER,
            "members.value": _MEMBER,
        }
    ),
)


class Directory:
    """Users and teams as SCIM asks for them. Raises DatabaseUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = {USERS.key: Rows(UserTable), GROUPS.key: Rows(TeamTable)}

    async def list_page(
        self, kind: Kind, wanted: Sequence[Comparison], skipped: int, size: int
    ) -> tuple[int, list[Columns]]:
        """How many resources a filter matches, and the rows of one page, by id; two statements.

        Raises InvalidFilter for what cannot be filtered by.
        """
        conditions = _conditions(kind, wanted)
        origin = f'"{kind.table}" t {conditions.sql}'
        total = await self._database.fetch_value(f"SELECT count(*) FROM {origin}", *conditions.args)  # noqa: S608  constants
        if not size or skipped >= total:
            return total, []
        sql = f"SELECT t.* FROM {origin} ORDER BY t.{kind.key} LIMIT {size} OFFSET {skipped}"  # noqa: S608  constants and numbers
        rows = self._rows[kind.key]
        return total, [rows.read(dict(row)) for row in await self._database.fetch(sql, *conditions.args)]

    async def hold_names(self, *names: str | None) -> None:
        """Let nobody else take these names and external ids until the transaction ends."""
        await self._database.fetch(_LOCK, [name for name in names if name])

    async def find_name_owner(self, user_name: str, but: str) -> str | None:
        """Another user than `but` who has this userName."""
        return await self._database.fetch_value(_NAME_OWNERS, user_name, but)

    async def find_group_like(
        self, display_name: str | None, external_id: str | None, but: str
    ) -> str | None:
        """Another team than `but` that has this name or this externalId."""
        return await self._database.fetch_value(_GROUP_OWNERS, but, display_name, external_id)

    async def name_teams(self, team_ids: Iterable[str]) -> dict[str, str | None]:
        """The names of teams by id; without those that there are not."""
        wanted = sorted(set(team_ids))
        if not wanted:
            return {}
        return {row["team_id"]: row["team_alias"] for row in await self._database.fetch(_TEAM_NAMES, wanted)}


def _conditions(kind: Kind, wanted: Sequence[Comparison]) -> Conditions:
    conditions = Conditions()
    if kind is USERS:
        # It carries the spend of the whole gateway and is nobody.
        conditions.add("t.user_id <> {}", GATEWAY_USER_ID)
    for one in wanted:
        text, flag = kind.texts.get(one.path), kind.flags.get(one.path)
        if text is not None and isinstance(one.value, str):
            conditions.add(text, one.value)
        elif flag is not None and _flag(one.value) is not None:
            conditions.add(flag, _flag(one.value))
        elif text is None and flag is None:
            known = ", ".join([*kind.texts, *kind.flags])
            message = f"Nothing can be filtered by '{one.path[:100]}'; filter by {known}."
            raise InvalidFilter(message, param="filter")
        else:
            kinds = "text in quotes" if text is not None else "true or false"
            raise InvalidFilter(f"{one.path}: compare it with {kinds}.", param="filter")
    return conditions


def _flag(value: object) -> bool | None:
    if isinstance(value, str) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return value if isinstance(value, bool) else None
