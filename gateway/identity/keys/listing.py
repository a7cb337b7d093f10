"""The rules of listing virtual keys: whose keys a caller may see, and in which form."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from gateway.db.cursors import Cursor
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import PermissionDenied, ValidationFailed
from gateway.identity.credentials import KEY_PREFIX, hash_of
from gateway.identity.keys.list_request import AliasListQuery, KeyListQuery, KeysRequest
from gateway.identity.keys.list_store import SORT_COLUMNS, Conditions, KeyLists, KeyPage, Sight, see
from gateway.identity.keys.record import naive
from gateway.identity.keys.response import build_info, status_of
from gateway.identity.keys.store import KeyRecords
from gateway.identity.keys.values import refuse
from gateway.identity.records import Records

__all__ = ["KeyListing"]

_STATUSES = ("active", "expired", "revoked", "deleted")
_ORDERS = ("asc", "desc")
_READERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_LIST = "/key/list"
_MOST_KEYS = 500
_USER = "user"
_SEEKABLE = "created_at"


class KeyListing:
    """Lists keys on behalf of a caller. Raises DatabaseUnavailable.

    Proxy admins and viewers see every key. Others see their own; whoever administers a team (or its
    organization) sees the keys of the team, and so does a member with the team permission `/key/list`.
    """

    def __init__(self, database: Database, records: Records) -> None:
        self._records = records
        self._keys = KeyRecords(database)
        self._lists = KeyLists(database)

    async def list_keys(self, caller: Principal, query: KeyListQuery) -> dict[str, object]:
        """One page of keys: their hashes, or the rows if the query asks for more.

        Raises BadRequest for a status, order or time that cannot be, PermissionDenied for keys of others.
        """
        page = _page_of(query)
        conditions = self._filters(query)
        await self._restrict(conditions, caller, query)
        total = await self._lists.count(conditions, page)
        rows = await self._lists.list_page(conditions, page)
        cursor = _cursor_behind(rows, page)
        keys: list[object] = [row["token"] for row in rows]
        if query.return_full_object or query.expand:
            users = await self._users_of(rows) if _USER in query.expand else None
            keys = [self._shown(row, users, is_archive=page.is_archive) for row in rows]
        return {"keys": keys, **_numbers(total, query.page, query.size), "next_cursor": cursor}

    async def list_aliases(self, caller: Principal, query: AliasListQuery) -> dict[str, object]:
        """One page of the aliases of the keys that the caller may see; raises PermissionDenied."""
        conditions = Conditions()
        conditions.without_sessions()
        conditions.add_equal("team_id", query.team_id)
        conditions.add_part(("key_alias",), query.search)
        await self._restrict(conditions, caller, KeyListQuery(team_id=query.team_id, include_team_keys=True))
        total = await self._lists.count_aliases(conditions)
        aliases = await self._lists.list_aliases(conditions, query.page, query.size)
        return {"aliases": aliases, **_numbers(total, query.page, query.size), "size": query.size}

    async def show_keys(self, caller: Principal, request: KeysRequest) -> dict[str, object]:
        """The rows of the named keys that are there and that the caller may see; others are left out.

        Raises ValidationFailed when nothing is named, or too much.
        """
        named = [*(request.keys or ()), *(request.key_aliases or ())]
        if not 0 < len(named) <= _MOST_KEYS:
            message = f"Name between 1 and {_MOST_KEYS} keys, or key_aliases."
            raise ValidationFailed(message, param="keys")
        conditions = Conditions()
        if request.keys:
            conditions.add("k.token = ANY ({0}::text[])", [hash_of(key) for key in request.keys])
        else:
            conditions.add("k.key_alias = ANY ({0}::text[])", request.key_aliases)
        if caller.role not in _READERS:
            see(conditions, _sight_of(caller, sees_joined_teams=True))
        rows = await self._lists.list_all(conditions)
        return {"key": named, "info": [self._shown(row, None) for row in rows]}

    def _filters(self, query: KeyListQuery) -> Conditions:
        conditions = Conditions()
        conditions.without_sessions()
        for name in ("team_id", "project_id", "agent_id"):
            conditions.add_equal(name, getattr(query, name))
        conditions.add_organization(query.organization_id)
        conditions.add_equal("token", hash_of(query.key_hash))
        for name in ("user_id", "key_alias"):
            if query.substring_matching:
                conditions.add_part((name,), getattr(query, name))
            else:
                conditions.add_equal(name, getattr(query, name))
        if query.access_group_id:
            conditions.add("{0} = ANY (k.access_group_ids)", query.access_group_id)
        if query.search.startswith(KEY_PREFIX):
            conditions.add_equal("token", hash_of(query.search))
        else:
            conditions.add_part(("key_alias", "token", "user_id", "team_id"), query.search)
        if query.status not in ("", "deleted"):
            conditions.add_status(query.status, naive(self._records.now()))
        _add_expiry(conditions, query.expires)
        return conditions

    async def _restrict(self, conditions: Conditions, caller: Principal, query: KeyListQuery) -> None:
        """Leave only what the caller may see; raises PermissionDenied for a filter that asks for more."""
        if caller.role in _READERS:
            return
        if query.organization_id:
            await self._check_administers(caller, query.organization_id)
            return
        if query.team_id and await self._sees_whole_team(caller, query.team_id):
            return
        if query.user_id and query.user_id != caller.user_id and not query.include_team_keys:
            raise _denied("user_id", "Only the keys of your own user, or of a team that you administer.")
        sight = _sight_of(
            caller,
            sees_created=query.include_created_by_keys,
            sees_administered_teams=query.include_team_keys,
        )
        see(conditions, sight)

    async def _check_administers(self, caller: Principal, organization_id: str) -> None:
        if not await self._records.organizations.is_administered_by(organization_id, caller.user_id):
            raise _denied("organization_id", "You do not administer that organization.")

    async def _sees_whole_team(self, caller: Principal, team_id: str) -> bool:
        standing = await self._keys.find_team_standing(team_id, caller.user_id)
        if standing is None or not (standing.is_admin or standing.is_member):
            raise _denied("team_id", "You are not a member of that team.")
        return standing.is_admin or _LIST in standing.permissions

    async def _users_of(self, rows: list[Columns]) -> dict[str, Columns]:
        named = {row[name] for row in rows for name in ("user_id", "created_by") if row[name] is not None}
        return await self._lists.list_users(sorted(named))

    def _shown(
        self, row: Columns, users: Mapping[str, Columns] | None, *, is_archive: bool = False
    ) -> dict[str, object]:
        status = "deleted" if is_archive else status_of(row, self._records.now())
        shown = {"token": row["token"], **build_info(row, status, None, None)}
        if users is not None:
            shown |= {"user": users.get(row["user_id"]), "created_by_user": users.get(row["created_by"])}
        return shown


def _sight_of(
    caller: Principal,
    *,
    sees_created: bool = False,
    sees_administered_teams: bool = False,
    sees_joined_teams: bool = False,
) -> Sight:
    return Sight(
        token_hash=caller.token_hash,
        user_id=caller.user_id,
        sees_created=sees_created,
        sees_administered_teams=sees_administered_teams,
        sees_joined_teams=sees_joined_teams,
    )


def _page_of(query: KeyListQuery) -> KeyPage:
    is_archive = query.status == "deleted"
    _check_choice("status", query.status, _STATUSES)
    _check_choice("sort_by", query.sort_by, sorted(SORT_COLUMNS))
    _check_choice("sort_order", query.sort_order, _ORDERS)
    for name in query.expand:
        _check_choice("expand", name, (_USER,))
    return KeyPage(
        page=query.page,
        size=query.size,
        sort_by=query.sort_by or _SEEKABLE,
        is_ascending=query.sort_order == "asc",
        is_archive=is_archive,
        after=_cursor_of(query),
    )


def _cursor_of(query: KeyListQuery) -> Cursor | None:
    if not query.cursor:
        return None
    if query.sort_by not in ("", _SEEKABLE):
        raise refuse("cursor", f"'cursor' goes with sort_by={_SEEKABLE}.")
    try:
        return Cursor.read(query.cursor)
    except ValueError:
        raise refuse("cursor", "'cursor' must be the 'next_cursor' of an earlier answer.") from None


def _cursor_behind(rows: list[Columns], page: KeyPage) -> str | None:
    """Where the list goes on behind a full page; an order by another column has no such place."""
    if page.sort_by != _SEEKABLE or len(rows) < page.size:
        return None
    return Cursor(rows[-1]["created_at"], rows[-1]["id" if page.is_archive else "token"]).text


def _check_choice(name: str, value: str, choices: tuple[str, ...] | list[str]) -> None:
    if value and value not in choices:
        raise refuse(name, f"'{value[:40]}' is not one of {', '.join(choices)}.")


def _add_expiry(conditions: Conditions, expires: str) -> None:
    if expires == "never":
        conditions.add("k.expires IS NULL AND {0}::text IS NOT NULL", expires)
    elif expires:
        try:
            until = datetime.fromisoformat(expires)
            moment = naive(until if until.tzinfo else until.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            raise refuse("expires", "Write a time in ISO form, or never.") from None
        conditions.add("k.expires <= {0}::timestamp", moment)


def _numbers(total: int, page: int, size: int) -> dict[str, object]:
    return {"total_count": total, "current_page": page, "total_pages": math.ceil(total / size)}


def _denied(param: str, message: str) -> PermissionDenied:
    return PermissionDenied(message, param=param, type="bad_request_error")
