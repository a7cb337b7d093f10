"""The rules of making, changing and showing organizations."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Role, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.budgets.linking import (
    check_link,
    check_relink,
    link_budget,
    make_own_budget,
    relink_budget,
)
from gateway.identity.faults import Faults
from gateway.identity.linked_rows import with_links
from gateway.identity.metadata import merge_metadata
from gateway.identity.named_ids import read_ids
from gateway.identity.organizations.request import NewOrganizationRequest
from gateway.identity.organizations.response import EVERYTHING, OrganizationView, Sight
from gateway.identity.organizations.store import OrganizationQuery
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_members
from gateway.ids import new_id

__all__ = ["OrganizationService"]

_METADATA_FIELDS = ("model_rpm_limit", "model_tpm_limit")
_CHANGED = ("organization_alias", "models", "spend")
_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_LEAST_IN_LISTS = 10
_MOST_IN_LISTS = 1_000
"""Members, and teams, that all organizations of a list show together, unless that were very few of each."""


class OrganizationService:
    """Organizations on behalf of a caller; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, and BadRequest for values that cannot be.
    """

    def __init__(self, records: Records, view: OrganizationView) -> None:
        self._records = records
        self._view = view

    async def create(self, caller: Principal, request: NewOrganizationRequest) -> Columns:
        """Make an organization, which always has a budget row; returns its row."""
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        actor, organization_id = actor_of(caller), request.organization_id or new_id()
        async with self._records.transaction():
            faults = Faults()
            check_members(faults, sent)
            await check_link(self._records, faults, sent)
            faults.refuse()
            budget_id = await link_budget(self._records, caller, sent)
            if budget_id is None:
                budget_id = await make_own_budget(self._records, caller, {})
            row = await self._records.organizations.insert(
                {
                    "organization_id": organization_id,
                    "organization_alias": request.organization_alias,
                    "budget_id": budget_id,
                    "models": request.models,
                    "metadata": merge_metadata({}, sent, _METADATA_FIELDS),
                    "created_by": actor,
                    "updated_by": actor,
                    **await self._records.change_permission(caller, None, sent),
                }
            )
            if row is None:
                message = f"Organization already exists. Organization ID: {organization_id}"
                raise BadRequest(message, param="organization_id")
            scope = Scope(ScopeKind.ORGANIZATION, organization_id)
            await self._records.entries.open_balance(scope, row["spend"])
            await self._records.audit.record(caller, created(Audited.ORGANIZATION, organization_id, row))
            await self._records.notices.announce([scope])
            [shown] = await with_links(self._records, [row])
        return {**shown, "users": None}

    async def update(
        self, caller: Principal, organization_id: str, sent: Mapping[str, Any], everybodys: str | None
    ) -> Columns:
        """Change what was sent, null clearing it; returns the organization. Raises NotFound.

        `everybodys` is the id of the budget of end users who have none.
        """
        async with self._records.transaction():
            row = await self._records.organizations.lock(organization_id)
            if row is None:
                raise _not_found([organization_id])
            budget = await self._check_change(sent, row)
            values: Columns = {name: sent[name] for name in _CHANGED if sent.get(name) is not None}
            if "models" in sent:
                values["models"] = sent["models"]
            metadata = merge_metadata(row["metadata"] or {}, sent, _METADATA_FIELDS)
            if metadata is not None:
                values["metadata"] = metadata
            values |= await self._records.change_permission(caller, row["object_permission_id"], sent)
            values |= await relink_budget(self._records, caller, sent, budget, everybodys)
            values["updated_by"] = actor_of(caller)
            changed = await self._records.organizations.update(organization_id, values)
            await self._finish(caller, row, changed)
            [shown] = await self._view.show([changed], EVERYTHING)
        return shown

    async def info(self, caller: Principal, organization_id: str) -> Columns:
        """Show an organization to who administers it. Raises NotFound and PermissionDenied."""
        faults = Faults()
        check_members(faults, {"organization_id": organization_id})
        faults.refuse()
        [shown] = await self._info(caller, [organization_id], "organization_id")
        return shown

    async def info_of_all(self, caller: Principal, organization_ids: list[str]) -> list[Columns]:
        """Show organizations to who administers all of them. Raises NotFound and PermissionDenied."""
        return await self._info(caller, sorted(read_ids("organizations", organization_ids)), "organizations")

    async def _info(self, caller: Principal, organization_ids: list[str], param: str) -> list[Columns]:
        sight = EVERYTHING
        if caller.role not in _SEE_ALL:
            administered = frozenset(await self._records.organizations.list_administered(caller.user_id))
            if not administered.issuperset(organization_ids):
                raise PermissionDenied("You do not administer this organization.", param=param)
            sight = Sight(user_id=caller.user_id, administered=administered)
        rows = await self._records.organizations.find_any(organization_ids)
        missing = sorted(set(organization_ids) - {row["organization_id"] for row in rows})
        if missing:
            raise _not_found(missing)
        return await self._view.show(rows, sight)

    async def list_all(
        self, caller: Principal, page: Page, org_id: str | None, org_alias: str | None
    ) -> Listed:
        """Organizations in the order of their ids: those that the caller is in, to administrators all."""
        sees_all = caller.role in _SEE_ALL
        if not sees_all and caller.user_id is None:
            return Listed(rows=[])
        query = OrganizationQuery(
            organization_id=org_id, alias=org_alias, user_id=caller.user_id, is_of_everybody=sees_all
        )
        found = await self._records.organizations.list_found(query, page.after, page.most + 1)
        listed = cut(found, page, "organization_id")
        rows = await self._records.organizations.find_any([row["organization_id"] for row in listed.rows])
        administered = frozenset(row["organization_id"] for row in found if row["is_administered"])
        sight = Sight(
            user_id=caller.user_id,
            administered=None if sees_all else administered,
            most=max(_LEAST_IN_LISTS, _MOST_IN_LISTS // max(1, len(rows))),
        )
        return msgspec.structs.replace(listed, rows=await self._view.show(rows, sight))

    async def _check_change(self, sent: Mapping[str, Any], row: Columns) -> Columns:
        """Hold a change to sense; returns the budget row, held, if it is to change."""
        faults = Faults()
        check_members(faults, sent)
        for name in ("organization_alias", "budget_id"):
            if name in sent and sent[name] is None:
                faults.add(name, "cannot be taken away; an organization always has one.")
        budget = await check_relink(self._records, faults, sent, row["budget_id"])
        faults.refuse()
        return budget

    async def _finish(self, caller: Principal, row: Columns, changed: Columns) -> None:
        scope = Scope(ScopeKind.ORGANIZATION, row["organization_id"])
        if changed["spend"] != row["spend"]:
            actor = actor_of(caller)
            await self._records.entries.correct(scope, row["spend"], changed["spend"], actor)
        if changed["object_permission_id"] != row["object_permission_id"]:
            await self._records.permissions.drop_unused([row["object_permission_id"]])
        change = updated(Audited.ORGANIZATION, row["organization_id"], row, changed)
        await self._records.audit.record(caller, change)
        await self._records.notices.announce([scope])


def _not_found(organization_ids: list[str]) -> NotFound:
    named = ", ".join(organization_ids[:20])
    return NotFound(f"Organization not found. Organization ID: {named}", param="organization_id")
