"""The rules of making, changing, deleting and showing access groups."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import Conflict, NotFound
from gateway.identity.access_groups.response import LISTS, show_groups
from gateway.identity.access_groups.store import AccessGroupRecords, Owners
from gateway.identity.credentials import KEY_PREFIX
from gateway.identity.faults import Faults
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_members
from gateway.ids import hash_token, new_id

__all__ = ["AccessGroupService"]

_COLUMNS = (
    "access_group_name",
    "description",
    "access_model_names",
    *(column for column, _ in LISTS.values()),
)
_MOST_OWNERS = 201


class AccessGroupService:
    """Access groups on behalf of proxy admins; every change is one transaction that announces itself.

    Both sides of a link are stored: the group knows its keys and teams, and they know the group. All methods
    raise DatabaseUnavailable, NotFound for the group, BadRequest for values that cannot be, and Conflict for
    a name that is taken.
    """

    def __init__(self, records: Records, groups: AccessGroupRecords) -> None:
        self._records = records
        self._groups = groups

    async def create(self, caller: Principal, sent: Mapping[str, Any]) -> Columns:
        """Make a group, and give it to the keys and teams that are named; returns it."""
        values, actor, group_id = _columns(sent), actor_of(caller), new_id()
        async with self._records.transaction():
            await self._check(values)
            given = await self._groups.lock_owners(_owners_of(values))
            await self._check_name(values["access_group_name"], None)
            values |= {"access_group_id": group_id, "created_by": actor, "updated_by": actor}
            row = await self._groups.insert(values) or {}
            await self._groups.link(group_id, given, given)
            await self._records.audit.record(caller, created(Audited.ACCESS_GROUP, group_id, row))
            await self._records.notices.announce_many(given.scopes)
            [shown] = await show_groups(self._groups, [row])
        return shown

    async def update(self, caller: Principal, group_id: str, sent: Mapping[str, Any]) -> Columns:
        """Change what was sent of a group, null emptying it; returns the group."""
        values = _columns(sent)
        async with self._records.transaction():
            before = await self._find(group_id)
            await self._check(values)
            held = await self._groups.lock_owners(_owners_of(values) | _replaced(values, before))
            row = await self._lock(group_id)
            if "access_group_name" in values:
                await self._check_name(values["access_group_name"], group_id)
            changed = await self._groups.update(group_id, values | {"updated_by": actor_of(caller)})
            # Whoever was given the group since it was read loses it too.
            await self._groups.link(group_id, _owners_of(changed), held | _replaced(values, row))
            change = updated(Audited.ACCESS_GROUP, group_id, row, changed)
            await self._records.audit.record(caller, change)
            owners = held | _replaced(values, row) | await self._groups.list_owners(group_id, _MOST_OWNERS)
            await self._records.notices.announce_many(owners.scopes)
            [shown] = await show_groups(self._groups, [changed])
        return shown

    async def delete(self, caller: Principal, group_id: str) -> None:
        """Take a group from everybody who has it, and forget it."""
        async with self._records.transaction():
            held = await self._groups.lock_owners(await self._groups.list_owners(group_id))
            row = await self._lock(group_id)
            await self._groups.link(group_id, Owners(), held | await self._groups.list_owners(group_id))
            await self._groups.delete(group_id)
            await self._records.audit.record(caller, deleted(Audited.ACCESS_GROUP, group_id, row))
            await self._records.notices.announce_many(held.scopes)

    async def info(self, group_id: str) -> Columns:
        """Show a group."""
        return (await show_groups(self._groups, [await self._find(group_id)]))[0]

    async def list_all(self, page: Page) -> Listed:
        """Groups in the order of their ids."""
        found = cut(await self._groups.list_after(page.after, page.most + 1), page, "access_group_id")
        return msgspec.structs.replace(found, rows=await show_groups(self._groups, found.rows))

    async def _find(self, group_id: str) -> Columns:
        row = await self._groups.find(group_id)
        if row is None:
            raise _not_found(group_id)
        return row

    async def _lock(self, group_id: str) -> Columns:
        row = await self._groups.lock(group_id)
        if row is None:
            raise _not_found(group_id)
        return row

    async def _check(self, values: Mapping[str, Any]) -> None:
        """Hold what was sent to sense, and to what there is."""
        faults = Faults()
        check_members(faults, {"name": values.get("access_group_name"), **values})
        if values.get("access_group_name", "") is None:
            faults.add("access_group_name", "cannot be taken away.")
        faults.refuse()
        lists: dict[str, list[str]] = {kind: values.get(column) or [] for kind, (column, _) in LISTS.items()}
        rows = await self._groups.list_names(lists["key"], lists["team"], lists["server"], lists["agent"])
        found = {(row["kind"], row["id"]) for row in rows}
        for kind, ids in lists.items():
            for index, identifier in enumerate(ids):
                if (kind, identifier) not in found:
                    faults.add(f"{LISTS[kind][0]}[{index}]", "is not there.")
        faults.refuse()

    async def _check_name(self, name: str, group_id: str | None) -> None:
        if await self._groups.find_owner_of_name(name) not in (None, group_id):
            message = f"An access group of the name '{name}' already exists."
            raise Conflict(message, param="access_group_name")


def _owners_of(row: Mapping[str, Any]) -> Owners:
    return Owners(keys=row.get("assigned_key_ids") or [], teams=row.get("assigned_team_ids") or [])


def _replaced(values: Mapping[str, Any], row: Mapping[str, Any]) -> Owners:
    """Who has had the group by the lists that are replaced."""
    return _owners_of(
        {name: row[name] for name in ("assigned_key_ids", "assigned_team_ids") if name in values}
    )


def _columns(sent: Mapping[str, Any]) -> Columns:
    """The columns that were sent; keys by their hashes, every entry of a list once."""
    values: Columns = {name: _once(sent[name]) for name in _COLUMNS if name in sent}
    keys: list[str] | None = values.get("assigned_key_ids")
    if keys:
        hashes = [hash_token(key) if key.startswith(KEY_PREFIX) else key for key in keys]
        values["assigned_key_ids"] = _once(hashes)
    return values


def _once(value: Any) -> Any:
    return (
        list(dict.fromkeys(cast("list[str]", value))) if isinstance(value, list) else value
    )  # of the request


def _not_found(group_id: str) -> NotFound:
    return NotFound(f"Access group not found. Access group ID: {group_id}", param="access_group_id")
