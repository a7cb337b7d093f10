"""The rules of making and showing tags that carry a budget."""

import msgspec

from gateway.db.rows import Columns, Rows
from gateway.db.tables.budgets import TagTable
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound
from gateway.identity.budgets.linking import check_link, link_budget
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.tags.request import NewTagRequest
from gateway.identity.values import check_members

__all__ = ["TagService"]


class TagService:
    """Tags on behalf of proxy admins; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, and BadRequest for values that cannot be.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._rows = Rows(TagTable)

    async def create(self, caller: Principal, request: NewTagRequest) -> Columns:
        """Make a tag; raises BadRequest for one that is there."""
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        actor = actor_of(caller)
        async with self._records.transaction():
            faults = Faults()
            check_members(faults, sent)
            await check_link(self._records, faults, sent)
            faults.refuse()
            row = await self._rows.insert(
                {
                    "tag_name": request.name,
                    "description": request.description,
                    "models": request.models,
                    "model_info": request.model_info,
                    "budget_id": await link_budget(self._records, sent, actor),
                    "created_by": actor,
                }
            )
            if row is None:
                raise BadRequest(f"Tag {request.name} already exists", param="name")
            scope = Scope(ScopeKind.TAG, request.name)
            await self._records.entries.open_balance(scope, row["spend"])
            await self._records.notices.announce([scope])
            [tag] = await self._shown([row])
        return {"message": f"Tag {request.name} created successfully", "tag": tag}

    async def info(self, names: list[str]) -> Columns:
        """The tags of these names that are there, by name; raises NotFound when none is."""
        faults = Faults()
        if not names:
            faults.add("names", "Name the tags to show.")
        check_members(faults, {"names": names})
        faults.refuse()
        tags = await self._shown(await self._rows.find_any(names))
        if not tags:
            raise NotFound("No tags found", param="names")
        return {str(tag["name"]): tag for tag in tags}

    async def _shown(self, rows: list[Columns]) -> list[Columns]:
        ids = sorted({row["budget_id"] for row in rows if row["budget_id"]})
        budgets = {budget["budget_id"]: budget for budget in await self._records.budgets.find_any(ids)}
        return [
            {
                "name": row["tag_name"],
                **{name: value for name, value in row.items() if name != "tag_name"},
                "litellm_budget_table": budgets.get(row["budget_id"]),
            }
            for row in rows
        ]
