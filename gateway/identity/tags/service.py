"""The rules of making, changing, deleting and showing tags that carry a budget."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound
from gateway.identity.budgets.linking import check_link, check_relink, link_budget, relink_budget
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.tags.request import NewTagRequest
from gateway.identity.tags.response import shown_tags
from gateway.identity.values import check_members, check_name_of_requests

__all__ = ["TagService"]

_CHANGED = ("description", "models", "model_info")


class TagService:
    """Tags on behalf of proxy admins; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, and BadRequest for values that cannot be.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._rows = records.tags

    async def create(self, caller: Principal, request: NewTagRequest) -> Columns:
        """Make a tag; raises BadRequest for one that is there."""
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        actor = actor_of(caller)
        async with self._records.transaction():
            faults = Faults()
            check_members(faults, sent)
            check_name_of_requests(faults, "name", request.name)
            await check_link(self._records, faults, sent)
            faults.refuse()
            values = {name: sent[name] for name in _CHANGED if name in sent}
            budget_id = await link_budget(self._records, caller, sent)
            row = await self._rows.insert(
                {**values, "tag_name": request.name, "budget_id": budget_id, "created_by": actor}
            )
            if row is None:
                raise BadRequest(f"Tag {request.name} already exists", param="name")
            await self._records.entries.open_balance(_scope(request.name), row["spend"])
            await self._records.audit.record(caller, created(Audited.TAG, request.name, row))
            return await self._finish(row, "created")

    async def update(self, caller: Principal, sent: Mapping[str, Any], everybodys: str | None) -> Columns:
        """Change what was sent of a tag, null clearing it; raises NotFound.

        `everybodys` is the id of the budget of end users who have none.
        """
        async with self._records.transaction():
            row = await self._rows.lock(sent["name"])
            if row is None:
                raise _not_found(sent["name"])
            faults = Faults()
            check_members(faults, sent)
            budget = await check_relink(self._records, faults, sent, row["budget_id"])
            faults.refuse()
            values: Columns = {name: sent[name] for name in _CHANGED if name in sent}
            values |= await relink_budget(self._records, caller, sent, budget, everybodys)
            changed = await self._rows.update(row["tag_name"], values) if values else row
            change = updated(Audited.TAG, row["tag_name"], row, changed)
            await self._records.audit.record(caller, change)
            return await self._finish(changed, "updated")

    async def delete(self, caller: Principal, name: str) -> Columns:
        """Make a tag one that requests may carry and nothing limits; raises NotFound."""
        async with self._records.transaction():
            row = await self._rows.lock(name)
            if row is None:
                raise _not_found(name)
            await self._rows.delete(name)
            await self._records.audit.record(caller, deleted(Audited.TAG, name, row))
            await self._records.notices.announce([_scope(name)])
        return {"message": f"Tag {name} deleted successfully"}

    async def info(self, names: list[str]) -> Columns:
        """The tags of these names that are there, by name; raises NotFound when none is."""
        faults = Faults()
        if not names:
            faults.add("names", "Name the tags to show.")
        check_members(faults, {"names": names})
        faults.refuse()
        tags = await shown_tags(self._records, await self._rows.find_any(names))
        if not tags:
            raise NotFound("No tags found", param="names")
        return {str(tag["name"]): tag for tag in tags}

    async def _finish(self, row: Columns, what: str) -> Columns:
        await self._records.notices.announce([_scope(row["tag_name"])])
        [tag] = await shown_tags(self._records, [row])
        return {"message": f"Tag {row['tag_name']} {what} successfully", "tag": tag}


def _scope(name: str) -> Scope:
    return Scope(ScopeKind.TAG, name)


def _not_found(name: str) -> NotFound:
    return NotFound(f"Tag {name} not found", param="name")
